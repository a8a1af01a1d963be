//! An HTTP edge between real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use momus_engine::event::Happening;
use momus_engine::injection::Strikes;
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Edge, Protocol, Purpose, Upstream};
use momus_proxies::rule::{Answer, Rule};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

async fn edge() -> (TcpListener, Edge, Timeline) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let timeline = Timeline::new(Clock::start(), 0, "s1");
    let upstream = Upstream::Tcp(listener.local_addr().unwrap());
    let edge = Edge::listen(
        "shop",
        "billing",
        upstream,
        Protocol::Http(Purpose::Calls),
        timeline.clone(),
    )
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

/// Answers the first two `POST /invoices/{id}` 503.
fn answer(edge: &Edge, partner: bool, strikes: &Strikes) -> Rule {
    let answer = Answer {
        method: "POST".into(),
        path: "/invoices/{id}".into(),
        first: 2,
        status: 503,
        partner,
    };
    edge.answer(answer, strikes.clone())
}

/// The exchanges so far: `? METHOD PATH` for a request, `STATUS PATH` for a response, each with its trace; and
/// `call METHOD PATH STATUS BODY` for a call to a partner.
fn exchanges(timeline: &Timeline) -> Vec<String> {
    let told = |events: &[momus_engine::event::Event]| {
        let lines = events.iter().filter_map(|event| {
            let trace = event.trace.as_deref().unwrap_or("-");
            match &event.happening {
                Happening::Request { method, path, .. } => Some(format!("? {method} {path} {trace}")),
                Happening::Response { status, path, .. } => Some(format!("{status:?} {path} {trace}")),
                Happening::PartnerCall {
                    partner,
                    method,
                    path,
                    status,
                    body,
                    ..
                } if partner == "billing" => Some(format!("call {method} {path} {status} {body}")),
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
    let _rule = answer(&edge, false, &strikes);
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
    assert_eq!(statuses.len(), 4, "the dependency is no partner: {statuses:?}");
}

const ANSWER: &str = "HTTP/1.1 503 \r\ncontent-length: 0\r\n\r\n";

/// Waits until so many lines of [`exchanges`] are there, and gives them.
async fn soon(timeline: &Timeline, count: usize) -> Vec<String> {
    let mut bell = timeline.bell();
    while exchanges(timeline).len() < count {
        timeout(SOON, bell.changed()).await.unwrap().unwrap();
    }
    exchanges(timeline)
}

#[tokio::test]
async fn what_is_answered_in_a_partners_place_is_recorded_as_a_call_before_its_response() {
    let (listener, edge, timeline) = edge().await;
    let _rule = answer(&edge, true, &Strikes::new("503s", timeline.clone()));
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let chunked = format!(
        "POST /invoices/7?dry=1 HTTP/1.1\r\nIdempotency-Key: K1\r\ntraceparent: 00-{trace}-b7ad6b7169203331-01\r\n\
        Transfer-Encoding: chunked\r\n\r\nA;x=1\r\n{{\"amount\":\r\n5\r\n12.5}}\r\n0\r\nX: y\r\n\r\n"
    );
    trickle(&mut client, &chunked).await;
    expect(&mut client, ANSWER).await;
    // Pipelined: one without a body, which is answered, and one that passes.
    let passes = "POST /invoices/8 HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
    client
        .write_all(format!("POST /invoices/7 HTTP/1.1\r\n\r\n{passes}").as_bytes())
        .await
        .unwrap();
    expect(&mut server, passes).await;
    expect(&mut client, ANSWER).await;
    let expected = [
        format!("? POST /invoices/7?dry=1 {trace}"),
        "call POST /invoices/7?dry=1 503 {\"amount\":12.5}".to_owned(),
        format!("Some(503) /invoices/7?dry=1 {trace}"),
        "? POST /invoices/7 -".to_owned(),
        "call POST /invoices/7 503 \"\"".to_owned(),
    ];
    let mut seen = exchanges(&timeline);
    seen.retain(|line| !line.starts_with("? POST /invoices/8") && line != "Some(503) /invoices/7 -");
    assert_eq!(seen, expected);
    let headers = timeline.look(|events| {
        events.iter().find_map(|event| match &event.happening {
            Happening::PartnerCall { headers, .. } => Some((headers.clone(), event.trace.clone())),
            _ => None,
        })
    });
    let (headers, traced) = headers.unwrap();
    assert_eq!(headers[0], ("idempotency-key".to_owned(), "K1".to_owned()));
    assert_eq!((headers.len(), traced.as_deref()), (3, Some(trace)));
}

#[tokio::test]
async fn a_caller_that_asks_first_is_told_to_go_on() {
    let (listener, edge, timeline) = edge().await;
    let _rule = answer(&edge, true, &Strikes::new("503s", timeline.clone()));
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (_server, _) = listener.accept().await.unwrap();
    let head = "POST /invoices/7 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    expect(&mut client, "HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(exchanges(&timeline), ["? POST /invoices/7 -"]);
    client.write_all(b"[7]").await.unwrap();
    expect(&mut client, ANSWER).await;
    let answered = [
        "? POST /invoices/7 -",
        "call POST /invoices/7 503 [7]",
        "Some(503) /invoices/7 -",
    ];
    assert_eq!(exchanges(&timeline), answered);

    // On the same connection: this body never comes.
    client.write_all(head.as_bytes()).await.unwrap();
    expect(&mut client, "HTTP/1.1 100 Continue\r\n\r\n").await;
    client.set_zero_linger().unwrap();
    drop(client);
    let ended = [
        "? POST /invoices/7 -",
        "call POST /invoices/7 503 \"\"",
        "None /invoices/7 -",
    ];
    assert_eq!(soon(&timeline, 6).await[3..], ended);
}

#[tokio::test]
async fn a_body_that_ends_too_early_is_recorded_as_far_as_it_came() {
    let (listener, edge, timeline) = edge().await;
    let _rule = answer(&edge, true, &Strikes::new("503s", timeline.clone()));
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (_server, _) = listener.accept().await.unwrap();
    client
        .write_all(b"POST /invoices/7 HTTP/1.1\r\nContent-Length: 9\r\n\r\n[1")
        .await
        .unwrap();
    client.shutdown().await.unwrap();
    expect(&mut client, ANSWER).await;
    let expected = [
        "? POST /invoices/7 -",
        "call POST /invoices/7 503 \"[1 … (the connection ended before the rest came)\"",
        "Some(503) /invoices/7 -",
    ];
    assert_eq!(exchanges(&timeline), expected);
}

#[tokio::test]
async fn a_partner_that_closes_meanwhile_takes_no_answer_away() {
    let (listener, edge, timeline) = edge().await;
    let _rule = answer(&edge, true, &Strikes::new("503s", timeline.clone()));
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    client
        .write_all(b"POST /invoices/7 HTTP/1.1\r\nContent-Length: 3\r\n\r\n[")
        .await
        .unwrap();
    soon(&timeline, 1).await;
    drop(server);
    // An exchange on another connection: what the first one was told meanwhile, it has heard.
    let mut other = TcpStream::connect(edge.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    other.write_all(b"GET /invoices HTTP/1.1\r\n\r\n").await.unwrap();
    expect(&mut server, "GET /invoices HTTP/1.1\r\n\r\n").await;
    server.write_all(b"HTTP/1.1 204 \r\n\r\n").await.unwrap();
    expect(&mut other, "HTTP/1.1 204 \r\n\r\n").await;
    client.write_all(b"7]").await.unwrap();
    expect(&mut client, ANSWER).await;
    assert_eq!(timeout(SOON, client.read(&mut [0])).await.unwrap().unwrap(), 0);
    assert!(exchanges(&timeline).contains(&"call POST /invoices/7 503 [7]".to_owned()));
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
