//! What is spoken within TLS where it ends at an edge, between sockets that speak it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod secured;

use std::net::SocketAddr;
use std::time::Duration;

use http::{Request, Response};
use momus_engine::event::{Event, Happening};
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Protocol, Purpose, Upstream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use self::secured::Secured;

const SOON: Duration = Duration::from_secs(20);
const CALLS: Protocol = Protocol::Http(Purpose::Calls);

fn timeline() -> Timeline {
    Timeline::new(Clock::start(), 0, "s1")
}

/// What client and server each think that they speak, once a byte has gone either way.
async fn spoken(bench: &Secured, way: SocketAddr, client: &[&str], server: &[&str]) -> [Result<String, ()>; 2] {
    let named =
        |name: Option<&[u8]>| name.map_or_else(|| "nothing".into(), |name| String::from_utf8(name.into()).unwrap());
    let client = async {
        let mut stream = bench.connect(way, client).await.map_err(drop)?;
        stream.write_all(b"\0").await.map_err(drop)?;
        stream.read_u8().await.map_err(drop)?;
        Ok(named(stream.get_ref().1.alpn_protocol()))
    };
    let server = async {
        let mut stream = bench.accept(server).await.map_err(drop)?;
        stream.read_u8().await.map_err(drop)?;
        stream.write_all(b"\0").await.map_err(drop)?;
        Ok(named(stream.get_ref().1.alpn_protocol()))
    };
    let both = async {
        let (client, server) = tokio::join!(client, server);
        [client, server]
    };
    timeout(SOON, both).await.unwrap()
}

#[tokio::test]
async fn caller_and_upstream_agree_on_what_they_would_agree_on_without_the_edge() {
    let both: &[&str] = &["h2", "http/1.1"];
    let timeline = timeline();
    let bench = Secured::new(CALLS, timeline.clone()).await;
    let [direct, edge] = bench.ways();
    for (client, server, agreed) in [
        (both, both, Ok("h2")),
        (both, &["http/1.1"][..], Ok("http/1.1")),
        (both, &["http/1.1", "h2"], Ok("http/1.1")),
        (&["http/1.1"], both, Ok("http/1.1")),
        (&["h2"], both, Ok("h2")),
        (both, &[], Ok("nothing")),
        (&[], both, Ok("nothing")),
        (&["h2"], &["http/1.1"], Err(())),
    ] {
        let agreed = [agreed.map(str::to_owned), agreed.map(str::to_owned)];
        assert_eq!(
            spoken(&bench, direct, client, server).await,
            agreed,
            "{client:?} {server:?}"
        );
        assert_eq!(
            spoken(&bench, edge, client, server).await,
            agreed,
            "{client:?} {server:?}"
        );
    }
}

/// Answers every request of a connection of HTTP/2 204.
async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((_, mut answer))) = connection.accept().await {
        let head = Response::builder().status(204).body(()).unwrap();
        answer.send_response(head, true).unwrap();
    }
}

async fn ask(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> u16 {
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("https://localhost/rates").body(()).unwrap();
    let (answer, _) = client.ready().await.unwrap().send_request(request, true).unwrap();
    timeout(SOON, answer).await.unwrap().unwrap().status().as_u16()
}

fn responses(timeline: &Timeline) -> Vec<String> {
    let told = |event: &Event| match &event.happening {
        Happening::Response {
            method, path, status, ..
        } => Some(format!("{method} {path} {status:?}")),
        _ => None,
    };
    timeline.look(|events: &[Event]| events.iter().filter_map(told).collect())
}

#[tokio::test]
async fn http_2_within_tls_is_recorded() {
    let timeline = timeline();
    let bench = Secured::new(CALLS, timeline.clone()).await;
    let [_, edge] = bench.ways();
    let (client, server) = tokio::join!(bench.connect(edge, &["h2"]), bench.accept(&["h2", "http/1.1"]));
    let server = server.unwrap();
    tokio::spawn(serve(server));
    assert_eq!(ask(client.unwrap()).await, 204);
    assert_eq!(responses(&timeline), ["GET /rates Some(204)"]);
}

#[tokio::test]
async fn a_caller_that_speaks_http_2_alone_speaks_it_with_a_server_without_tls() {
    let timeline = timeline();
    let bench = Secured::new(CALLS, timeline.clone()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    bench.edge.lead_to(Upstream::Tcp(listener.local_addr().unwrap()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    let [_, edge] = bench.ways();
    let client = bench.connect(edge, &["h2"]).await.unwrap();
    assert_eq!(client.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(ask(client).await, 204);
    assert_eq!(responses(&timeline), ["GET /rates Some(204)"]);
    let other = bench.connect(edge, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(other.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}
