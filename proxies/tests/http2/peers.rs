//! A server and clients of HTTP/2, with an edge between them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use momus_engine::activity::{Activity, Quiet};
use momus_engine::event::Happening;
use momus_engine::injection::Strikes;
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Edge, Protocol, Purpose, Upstream};
use momus_proxies::rule::{Answer, Rule};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

pub const SOON: Duration = Duration::from_secs(20);
/// Far longer than a test.
const SETTLE: Duration = Duration::from_secs(600);

/// How bytes come to the edge.
#[derive(Clone, Copy)]
pub enum Way {
    Whole,
    /// In pieces of at most so many bytes.
    Cut(usize),
}

/// A server behind an edge.
pub struct Bench {
    pub edge: Edge,
    timeline: Timeline,
    server: Arc<Server>,
}

#[derive(Default)]
struct Server {
    /// The paths that it was asked for.
    seen: Mutex<Vec<String>>,
    go_on: Notify,
    goodbye: Notify,
    end: watch::Sender<bool>,
}

impl Bench {
    pub async fn new(purpose: Purpose) -> Self {
        Self::serving(purpose, Way::Whole).await
    }

    /// What the server says comes to the edge in pieces.
    pub async fn cut(purpose: Purpose, size: usize) -> Self {
        Self::serving(purpose, Way::Cut(size)).await
    }

    async fn serving(purpose: Purpose, way: Way) -> Self {
        let (listener, bench) = Self::before_a_listener(purpose).await;
        tokio::spawn(Arc::clone(&bench.server).serve(listener, way));
        bench
    }

    /// Nobody serves yet.
    pub async fn before_a_listener(purpose: Purpose) -> (TcpListener, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let timeline = Timeline::new(Clock::start(), 0, "s1");
        timeline.activity().settles_in(Some(SETTLE));
        let upstream = Upstream::Tcp(listener.local_addr().unwrap());
        let edge = Edge::listen("shop", "billing", upstream, Protocol::Http(purpose), timeline.clone());
        let bench = Self {
            edge: edge.await.unwrap(),
            timeline,
            server: Arc::default(),
        };
        (listener, bench)
    }

    pub async fn client(&self) -> SendRequest<Bytes> {
        self.client_by(Way::Whole).await
    }

    pub async fn client_by(&self, way: Way) -> SendRequest<Bytes> {
        self.client_with(&h2::client::Builder::new(), way).await
    }

    pub async fn client_with(&self, builder: &h2::client::Builder, way: Way) -> SendRequest<Bytes> {
        let stream = TcpStream::connect(self.edge.address()).await.unwrap();
        let handshake = builder.handshake(way.through(stream));
        let (client, connection) = timeout(SOON, handshake).await.unwrap().unwrap();
        tokio::spawn(connection);
        client
    }

    pub fn answer(&self, method: &str, path: &str, first: u64, partner: bool) -> (Rule, Strikes) {
        let strikes = Strikes::new("503s", self.timeline.clone());
        let answer = Answer {
            method: method.into(),
            path: path.into(),
            first,
            status: 503,
            partner,
        };
        (self.edge.answer(answer, strikes.clone()), strikes)
    }

    pub fn activity(&self) -> &Activity {
        self.timeline.activity()
    }

    /// What became of the exchanges so far, in order: `? METHOD PATH TRACE` and `STATUS METHOD PATH TRACE`.
    pub fn exchanges(&self) -> Vec<String> {
        self.timeline.look(|events: &[momus_engine::event::Event]| {
            let lines = events.iter().filter_map(|event| {
                let trace = event.trace.as_deref().unwrap_or("-");
                match &event.happening {
                    Happening::Request { method, path, .. } => Some(format!("? {method} {path} {trace}")),
                    Happening::Response {
                        status, method, path, ..
                    } => {
                        let status = status.map_or_else(|| "None".to_owned(), |status| status.to_string());
                        Some(format!("{status} {method} {path} {trace}"))
                    }
                    _ => None,
                }
            });
            lines.collect()
        })
    }

    pub fn look<T>(&self, pick: impl Fn(&Happening) -> Option<T>) -> Vec<T> {
        self.timeline.look(|events: &[momus_engine::event::Event]| {
            events.iter().filter_map(|event| pick(&event.happening)).collect()
        })
    }

    /// Waits until there are so many exchanges' lines, and gives them.
    pub async fn soon(&self, count: usize) -> Vec<String> {
        let mut bell = self.timeline.bell();
        while self.exchanges().len() < count {
            timeout(SOON, bell.changed()).await.unwrap().unwrap();
        }
        self.exchanges()
    }

    /// Waits until this is told of a connection.
    pub async fn tells(&self, expected: &str) {
        let told = |happening: &Happening| match happening {
            Happening::Connection { what, .. } => Some(what == expected),
            _ => None,
        };
        let mut bell = self.timeline.bell();
        while !self.look(told).contains(&true) {
            timeout(SOON, bell.changed()).await.unwrap().unwrap();
        }
    }

    pub fn under_way(&self) -> Option<String> {
        match self.activity().quiet() {
            Quiet::NotYet { why, at: None } => why.rsplit_once(" (").map(|(why, _)| why.to_owned()),
            _ => None,
        }
    }

    pub fn counts_from(&self) -> Option<String> {
        match self.activity().quiet() {
            Quiet::NotYet { why, at: Some(_) } => Some(why),
            _ => None,
        }
    }

    pub fn hidden(&self) -> Option<String> {
        match self.activity().quiet() {
            Quiet::Hidden { why } => Some(why),
            _ => None,
        }
    }

    pub async fn is_over(&self) {
        let mut changes = self.activity().changes();
        while self.under_way().is_some() {
            timeout(SOON, changes.changed()).await.unwrap().unwrap();
            changes.mark_unchanged();
        }
    }

    /// Has `/slow` answered.
    pub fn go_on(&self) {
        self.server.go_on.notify_one();
    }

    /// Ends the server's connections.
    pub fn end_server(&self) {
        self.server.end.send_replace(true);
    }

    /// The paths that the server was asked for.
    pub fn seen_by_server(&self) -> Vec<String> {
        self.server.seen.lock().unwrap().clone()
    }
}

impl Server {
    async fn serve(self: Arc<Self>, listener: TcpListener, way: Way) {
        while let Ok((stream, _)) = listener.accept().await {
            let server = Arc::clone(&self);
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(way.through(stream)).await.unwrap();
                let mut end = server.end.subscribe();
                loop {
                    let asked = tokio::select! {
                        asked = connection.accept() => asked,
                        () = server.goodbye.notified() => {
                            connection.graceful_shutdown();
                            continue;
                        }
                        _ = end.wait_for(|end| *end) => return,
                    };
                    let Some(Ok((request, answer))) = asked else { return };
                    tokio::spawn(Arc::clone(&server).answer(request, answer));
                }
            });
        }
    }

    async fn answer(self: Arc<Self>, request: Request<RecvStream>, mut answer: SendResponse<Bytes>) -> Option<()> {
        let (head, content) = request.into_parts();
        let path = head.uri.path().to_owned();
        let count = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(path.clone());
            seen.len().to_string()
        };
        let said = |name: &str| {
            head.headers
                .get(name)
                .map_or("-", |value| value.to_str().unwrap())
                .to_owned()
        };
        let status = |status: u16| {
            let seen = format!("{} {}", said("x-same"), said("x-new"));
            Response::builder()
                .status(status)
                .header("x-seen", seen)
                .body(())
                .unwrap()
        };
        match path.as_str() {
            "/early" => {
                answer.send_informational(status(103)).ok()?;
                answer.send_response(status(204), true).ok()?;
            }
            "/reset" => answer.send_reset(Reason::REFUSED_STREAM),
            "/silent" => std::future::pending().await,
            "/slow" => {
                self.go_on.notified().await;
                answer.send_response(status(204), true).ok()?;
            }
            "/goodbye" => {
                self.goodbye.notify_one();
                answer.send_response(status(204), true).ok()?;
            }
            "/grpc" => {
                let mut only = status(200);
                only.headers_mut().insert("grpc-status", "5".parse().ok()?);
                answer.send_response(only, true).ok()?;
            }
            "/grpc/whole" | "/grpc/none" => {
                let mut sending = answer.send_response(status(200), false).ok()?;
                sending.send_data(Bytes::from_static(b"\0\0\0\0\0"), false).ok()?;
                let mut trailers = HeaderMap::new();
                let code = if path.ends_with("whole") { "0" } else { "none" };
                trailers.insert("grpc-status", code.parse().ok()?);
                sending.send_trailers(trailers).ok()?;
            }
            "/count" => {
                let mut sending = answer.send_response(status(200), false).ok()?;
                sending.send_data(count.into(), true).ok()?;
            }
            _ if path.starts_with("/echo/") => {
                let (content, _) = body(content).await.ok()?;
                let mut trailers = HeaderMap::new();
                trailers.insert("x-length", content.len().into());
                let mut sending = answer.send_response(status(200), false).ok()?;
                sending.send_data(content, false).ok()?;
                sending.send_trailers(trailers).ok()?;
            }
            _ => {
                body(content).await.ok()?;
                answer.send_response(status(404), true).ok()?;
            }
        }
        Some(())
    }
}

/// What a request was answered.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: HeaderMap,
}

/// Sends a request with that content, and hears the whole answer.
pub async fn ask(client: SendRequest<Bytes>, request: Request<()>, content: Bytes) -> Result<Answered, h2::Error> {
    let asking = async {
        let mut client = client.ready().await?;
        let (answer, mut sending) = client.send_request(request, content.is_empty())?;
        if !content.is_empty() {
            sending.send_data(content, true)?;
        }
        let (head, content) = answer.await?.into_parts();
        let (body, trailers) = body(content).await?;
        Ok(Answered {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            trailers,
        })
    };
    timeout(SOON, asking).await.unwrap()
}

/// All of a body, and its trailers.
pub async fn body(mut content: RecvStream) -> Result<(Bytes, HeaderMap), h2::Error> {
    let mut whole = BytesMut::new();
    while let Some(part) = content.data().await {
        let part = part?;
        whole.extend_from_slice(&part);
        content.flow_control().release_capacity(part.len())?;
    }
    let trailers = content.trailers().await?.unwrap_or_default();
    Ok((whole.freeze(), trailers))
}

impl Way {
    /// The stream, what is written to which comes out cut.
    fn through(self, stream: TcpStream) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        stream.set_nodelay(true).unwrap();
        let (from_edge, to_edge) = stream.into_split();
        let (from_peer, to_peer) = tokio::io::split(theirs);
        let size = match self {
            Self::Whole => usize::MAX,
            Self::Cut(size) => size,
        };
        tokio::spawn(pass(from_peer, to_edge, size));
        tokio::spawn(pass(from_edge, to_peer, usize::MAX));
        ours
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, size: usize) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        for piece in buffer[..count].chunks(size.min(buffer.len())) {
            to.write_all(piece).await?;
            tokio::task::yield_now().await;
        }
    }
}
