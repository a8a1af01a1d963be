//! The forward proxy, with clients that nobody here wrote.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::SocketAddr;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use momus_proxies::http::forward::{ForwardProxy, Ways};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);

/// A proxy that leads to one server under two names, and what was asked for beyond them.
struct Bench {
    proxy: ForwardProxy,
    server: TcpListener,
    beyond: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    async fn new() -> Self {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let edge = server.local_addr().unwrap();
        let mut ways = Ways::default();
        ways.add("api.bank.example", 80, edge);
        ways.add("api.bank.example", 443, edge);
        ways.add("nobody.example", 80, unused().await);
        let beyond = Arc::<Mutex<Vec<String>>>::default();
        let told = Arc::clone(&beyond);
        let tell = move |to: &str| told.lock().unwrap().push(to.to_owned());
        let proxy = ForwardProxy::listen(ways, tell).await.unwrap();
        Self { proxy, server, beyond }
    }

    async fn client(&self) -> TcpStream {
        TcpStream::connect(self.proxy.address()).await.unwrap()
    }

    async fn server(&self) -> TcpStream {
        timeout(SOON, self.server.accept()).await.unwrap().unwrap().0
    }

    /// What curl makes of it.
    async fn curl(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("curl");
        command.args(["-sS", "--proxy", &self.proxy.address().to_string()]);
        timeout(SOON, command.args(arguments).output()).await.unwrap().unwrap()
    }
}

/// An address at which nobody listens.
async fn unused() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

async fn expect(stream: &mut TcpStream, text: &str) {
    let mut bytes = vec![0; text.len()];
    timeout(SOON, stream.read_exact(&mut bytes)).await.unwrap().unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), text);
}

/// All until the other end's FIN, or its reset.
async fn rest(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut text = String::new();
    timeout(SOON, stream.read_to_string(&mut text)).await.unwrap()?;
    Ok(text)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const TUNNEL: &str = "CONNECT API.bank.example.:443 HTTP/1.1\r\nHost: api.bank.example:443\r\n\r\n";
const MADE: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

#[tokio::test]
async fn a_way_carries_bytes_and_each_directions_end() {
    let bench = Bench::new().await;
    let mut client = bench.client().await;
    // What comes with the head is the server's already.
    client.write_all(format!("{TUNNEL}early").as_bytes()).await.unwrap();
    let mut server = bench.server().await;
    expect(&mut server, "early").await;
    expect(&mut client, MADE).await;
    client.write_all(b" and late").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut server).await.unwrap(), " and late");
    let much = "x".repeat(1_000_000);
    let answers = async {
        server.write_all(much.as_bytes()).await.unwrap();
        server.shutdown().await.unwrap();
    };
    let (heard, ()) = tokio::join!(rest(&mut client), answers);
    assert_eq!(heard.unwrap(), much);
}

#[tokio::test]
async fn a_reset_is_passed_on() {
    let bench = Bench::new().await;
    let requests = [TUNNEL, "GET http://api.bank.example/ HTTP/1.1\r\n\r\n"];
    for request in requests {
        let mut client = bench.client().await;
        client.write_all(request.as_bytes()).await.unwrap();
        let mut server = bench.server().await;
        if request == TUNNEL {
            expect(&mut client, MADE).await;
        } else {
            expect(&mut server, "GET / HTTP/1.1\r\n").await;
        }
        server.set_zero_linger().unwrap();
        drop(server);
        let ended = rest(&mut client).await.unwrap_err();
        assert_eq!(ended.kind(), std::io::ErrorKind::ConnectionReset, "{request}");
    }
}

#[tokio::test]
async fn a_plain_request_goes_to_the_edge_as_to_a_server_and_its_connection_ends_with_the_response() {
    let bench = Bench::new().await;
    let mut client = bench.client().await;
    let request = "POST http://api.bank.example/charges?a=1 HTTP/1.1\r\nHost: api.bank.example\r\nProxy-Connection: keep-alive\r\n\
                   Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    let mut server = bench.server().await;
    let head = "POST /charges?a=1 HTTP/1.1\r\nHost: api.bank.example\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    expect(&mut server, head).await;
    expect(&mut server, "5\r\nhello\r\n").await;
    // What follows is another request, which would have to be led elsewhere.
    let more = "0\r\n\r\nGET http://other.example/ HTTP/1.1\r\n\r\n";
    client.write_all(more.as_bytes()).await.unwrap();
    expect(&mut server, "0\r\n\r\n").await;
    let answer = "HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    server.write_all(answer.as_bytes()).await.unwrap();
    server.shutdown().await.unwrap();
    assert_eq!(rest(&mut client).await.unwrap(), answer);
    assert_eq!(rest(&mut server).await.unwrap(), "");
    assert_eq!(bench.beyond.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_caller_that_leaves_is_gone_for_the_edge_too() {
    let bench = Bench::new().await;
    let mut client = bench.client().await;
    let request = "POST http://api.bank.example/ HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel";
    client.write_all(request.as_bytes()).await.unwrap();
    let mut server = bench.server().await;
    drop(client);
    assert!(rest(&mut server).await.unwrap().ends_with("\r\n\r\nhel"));
}

#[tokio::test]
async fn whom_no_edge_is_for_is_refused_and_told() {
    let bench = Bench::new().await;
    let plain = bench.curl(&["-d", "x", "http://other.example/a"]).await;
    assert_eq!(
        text(&plain.stdout),
        "no edge leads to other.example:80; hint: `also_at` of the service in the mesh says where it finds what it depends on\n"
    );
    let tunnel = bench.curl(&["https://api.bank.example:8443/"]).await;
    assert_eq!(tunnel.status.code(), Some(56));
    assert!(text(&tunnel.stderr).contains("403"), "{}", text(&tunnel.stderr));
    assert_eq!(
        *bench.beyond.lock().unwrap(),
        ["other.example:80", "api.bank.example:8443"]
    );
    let down = bench.curl(&["-w", "%{http_code}", "http://nobody.example/"]).await;
    let told = "the edge to nobody.example:80: Connection refused (os error 111)\n502";
    assert_eq!(text(&down.stdout), told);
}

#[tokio::test]
async fn what_is_no_request_to_a_proxy_is_told_so() {
    let bench = Bench::new().await;
    let large = format!("GET http://api.bank.example/{} HTTP/1.1\r\n", "x".repeat(70_000));
    for (request, why) in [
        (
            "GET /a HTTP/1.1\r\n\r\n",
            "ask for `http://HOST/PATH`, or for a way by CONNECT",
        ),
        ("\u{16}\u{3}\u{1}\u{0}", "which speaks HTTP/1.1"),
        (large.as_str(), "the head of the request is too large"),
    ] {
        let mut client = bench.client().await;
        client.write_all(request.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        let answer = rest(&mut client).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        assert!(answer.contains(why), "{answer}");
    }
    assert_eq!(bench.beyond.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn it_ends_with_its_connections_when_it_is_dropped() {
    let bench = Bench::new().await;
    let mut client = bench.client().await;
    client.write_all(TUNNEL.as_bytes()).await.unwrap();
    let (mut server, address) = (bench.server().await, bench.proxy.address());
    expect(&mut client, MADE).await;
    drop(bench);
    assert_eq!(rest(&mut server).await.unwrap(), "");
    let again = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(again.kind(), std::io::ErrorKind::ConnectionRefused);
}
