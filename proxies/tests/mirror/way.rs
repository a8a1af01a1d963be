//! A server, the ways to it, and what peers see there.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Edge, Protocol, Purpose, Upstream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

pub const SOON: Duration = Duration::from_secs(20);
/// Long enough for whatever comes to have come.
pub const A_WHILE: Duration = Duration::from_millis(300);

/// A server, and the way to it.
pub struct Way {
    pub listener: TcpListener,
    pub address: SocketAddr,
    _edge: Option<Edge>,
}

impl Way {
    pub async fn new(protocol: Option<Protocol>) -> Self {
        Self::to(TcpListener::bind("127.0.0.1:0").await.unwrap(), protocol).await
    }

    pub async fn to(listener: TcpListener, protocol: Option<Protocol>) -> Self {
        let address = listener.local_addr().unwrap();
        let Some(protocol) = protocol else {
            return Self {
                listener,
                address,
                _edge: None,
            };
        };
        let edge = Edge::listen("shop", "bank", Upstream::Tcp(address), protocol, timeline());
        let edge = edge.await.unwrap();
        let address = edge.address();
        Self {
            listener,
            address,
            _edge: Some(edge),
        }
    }

    pub async fn connect(&self) -> TcpStream {
        timeout(SOON, TcpStream::connect(self.address)).await.unwrap().unwrap()
    }

    pub async fn both(&self) -> (TcpStream, TcpStream) {
        let client = self.connect().await;
        let (server, _) = timeout(SOON, self.listener.accept()).await.unwrap().unwrap();
        (client, server)
    }
}

pub fn timeline() -> Timeline {
    Timeline::new(Clock::start(), 0, "s1")
}

pub fn protocols() -> [Option<Protocol>; 3] {
    [None, Some(Protocol::Tcp), Some(Protocol::Http(Purpose::Calls))]
}

/// What is seen directly, which is what is seen through either edge.
pub async fn mirrored<F: Future<Output = Vec<String>>>(script: impl Fn(Way) -> F) -> Vec<String> {
    let [direct, tcp, http] = seen(script).await;
    assert_eq!(tcp, direct, "through a TCP edge");
    assert_eq!(http, direct, "through an HTTP edge");
    direct
}

/// What is seen directly, through a TCP edge and through an HTTP edge.
pub async fn seen<F: Future<Output = Vec<String>>>(script: impl Fn(Way) -> F) -> [Vec<String>; 3] {
    let mut seen = Vec::new();
    for protocol in protocols() {
        seen.push(script(Way::new(protocol).await).await);
    }
    seen.try_into().unwrap()
}

/// What comes next of `text`: all of it, or what ends it.
pub async fn hear(who: &str, stream: &mut (impl AsyncRead + Unpin), text: &str) -> String {
    let (mut heard, mut byte) = (Vec::new(), [0]);
    while heard.len() < text.len() {
        match timeout(SOON, stream.read(&mut byte)).await {
            Ok(Ok(0)) => return ended(who, &heard, "end"),
            Ok(Ok(_)) => heard.push(byte[0]),
            Ok(Err(error)) => return ended(who, &heard, kind(&error)),
            Err(_) => return ended(who, &heard, "nothing"),
        }
    }
    match heard == text.as_bytes() {
        true => format!("{who} hears it"),
        false => ended(who, &heard, "else"),
    }
}

fn ended(who: &str, heard: &[u8], how: &str) -> String {
    match heard.len() {
        0 => format!("{who}: {how}"),
        count => format!("{who}: {how} after {count} bytes"),
    }
}

pub fn kind(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ConnectionReset => "reset",
        ErrorKind::ConnectionRefused => "refused",
        ErrorKind::UnexpectedEof => "truncated",
        _ => "another error",
    }
}

pub async fn say(stream: &mut (impl AsyncWrite + Unpin), text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}

pub fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
    drop(stream);
}
