//! An HTTP edge between real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use momus_engine::event::Happening;
use momus_engine::injection::Strikes;
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Edge, Protocol, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

async fn edge() -> (TcpListener, Edge, Timeline) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let timeline = Timeline::new(Clock::start(), 0, "s1");
    let upstream = Upstream::Tcp(listener.local_addr().unwrap());
    let edge = Edge::listen("shop", "billing", upstream, Protocol::Http, timeline.clone())
        .await
        .unwrap();
    (listener, edge, timeline)
}

async fn trickle(stream: &mut TcpStream, text: &str) {
    stream.set_nodelay(true).unwrap();
    for byte in text.bytes() {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
}

async fn expect(stream: &mut TcpStream, text: &str) {
    let mut bytes = vec![0; text.len()];
    timeout(SOON, stream.read_exact(&mut bytes)).await.unwrap().unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), text);
}

/// The exchanges so far: `? METHOD PATH` for a request, `STATUS PATH` for a response, each with its trace's end.
fn exchanges(timeline: &Timeline) -> Vec<String> {
    let told = |events: &[momus_engine::event::Event]| {
        let lines = events.iter().filter_map(|event| {
            let trace = event.trace.as_deref().unwrap_or("-");
            match &event.happening {
                Happening::Request { method, path, .. } => Some(format!("? {method} {path} {trace}")),
                Happening::Response { status, path, .. } => Some(format!("{status:?} {path} {trace}")),
                _ => None,
            }
        });
        lines.collect()
    };
    timeline.look(told)
}

#[tokio::test]
async fn exchanges_in_segments_of_one_byte_are_recorded_and_pass_unmodified() {
    let (listener, edge, timeline) = edge().await;
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let first = format!(
        "POST /invoices HTTP/1.1\r\nHost: b\r\ntraceparent: 00-{trace}-b7ad6b7169203331-01\r\n\
        Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    );
    let second = "HEAD /invoices/7?x=1 HTTP/1.1\r\nHost: b\r\n\r\n";
    trickle(&mut client, &format!("{first}{second}")).await;
    expect(&mut server, &format!("{first}{second}")).await;
    let answers = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok\
        HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    trickle(&mut server, answers).await;
    expect(&mut client, answers).await;
    let expected = [
        format!("? POST /invoices {trace}"),
        "? HEAD /invoices/7?x=1 -".to_owned(),
        format!("Some(201) /invoices {trace}"),
        "Some(200) /invoices/7?x=1 -".to_owned(),
    ];
    assert_eq!(exchanges(&timeline), expected);
}

#[tokio::test]
async fn the_first_two_are_answered_by_the_rule_and_the_third_passes() {
    let (listener, edge, timeline) = edge().await;
    let strikes = Strikes::new("503s", timeline.clone());
    let _rule = edge.answer("POST", "/invoices/{id}", 2, 503, strikes.clone());
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    let (other, struck) = (
        "GET /invoices/7 HTTP/1.1\r\n\r\n",
        "POST /invoices/7 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
    );
    // Pipelined: the rule's answers wait for the upstream's.
    client
        .write_all(format!("{other}{struck}{struck}{struck}").as_bytes())
        .await
        .unwrap();
    expect(&mut server, &format!("{other}{struck}")).await;
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    server.write_all(ok.as_bytes()).await.unwrap();
    let answer = "HTTP/1.1 503 \r\ncontent-length: 0\r\n\r\n";
    expect(&mut client, &format!("{ok}{answer}{answer}")).await;
    server.write_all(ok.as_bytes()).await.unwrap();
    expect(&mut client, ok).await;
    assert_eq!(strikes.count(), 2);
    let statuses: Vec<_> = exchanges(&timeline)
        .into_iter()
        .filter(|line| !line.starts_with('?'))
        .collect();
    assert_eq!(statuses.iter().filter(|line| line.starts_with("Some(503)")).count(), 2);
    assert_eq!(statuses.iter().filter(|line| line.starts_with("Some(200)")).count(), 2);
}

#[tokio::test]
async fn after_an_upgrade_plain_bytes_pass_and_a_lost_answer_has_no_status() {
    let (listener, edge, timeline) = edge().await;
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    let ask = "GET /feed HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    client.write_all(ask.as_bytes()).await.unwrap();
    expect(&mut server, ask).await;
    let switch = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    server.write_all(format!("{switch}hello").as_bytes()).await.unwrap();
    expect(&mut client, &format!("{switch}hello")).await;
    client.write_all(b"GET").await.unwrap();
    expect(&mut server, "GET").await;

    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    client.write_all(b"GET /lost HTTP/1.1\r\n\r\n").await.unwrap();
    expect(&mut server, "GET /lost HTTP/1.1\r\n\r\n").await;
    drop(server);
    assert_eq!(timeout(SOON, client.read(&mut [0])).await.unwrap().unwrap(), 0);
    assert_eq!(
        exchanges(&timeline),
        ["? GET /feed -", "Some(101) /feed -", "? GET /lost -", "None /lost -"]
    );
}
