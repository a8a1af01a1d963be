//! What edges tell of what goes on, between real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use momus_engine::activity::{Activity, Quiet, Telemetry};
use momus_engine::injection::Strikes;
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Edge, Protocol, Purpose, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);
/// Far longer than a test.
const SETTLE: Duration = Duration::from_secs(600);
const READY: &str = "the services, ready less than `settle` ago";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLS: Protocol = Protocol::Http(Purpose::Calls);
const OBJECTS: Protocol = Protocol::Http(Purpose::Objects);

/// An edge with what goes on behind it.
struct Wired {
    listener: TcpListener,
    edge: Edge,
    timeline: Timeline,
    activity: Activity,
}

impl Wired {
    async fn new(caller: &str, dependency: &str, protocol: Protocol) -> Self {
        let timeline = Timeline::new(Clock::start(), 0, "s1");
        timeline.activity().settles_in(Some(SETTLE));
        Self::on(&timeline, caller, dependency, protocol).await
    }

    async fn on(timeline: &Timeline, caller: &str, dependency: &str, protocol: Protocol) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Upstream::Tcp(listener.local_addr().unwrap());
        let edge = Edge::listen(caller, dependency, upstream, protocol, timeline.clone());
        Self {
            listener,
            edge: edge.await.unwrap(),
            timeline: timeline.clone(),
            activity: timeline.activity().clone(),
        }
    }

    async fn connect(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.edge.address()).await.unwrap();
        let (server, _) = timeout(SOON, self.listener.accept()).await.unwrap().unwrap();
        (client, server)
    }

    /// An exchange on a connection of its own: how many effects it was, and what was under way meanwhile.
    async fn exchange(&self, request: &str, headers: &str, answer: &str) -> (u64, Option<String>) {
        let before = self.activity.effects();
        let (mut client, mut server) = self.connect().await;
        let head = format!("{request} HTTP/1.1\r\n{headers}\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        expect(&mut server, &head).await;
        let meanwhile = self.under_way();
        let length = answer.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{answer}");
        server.write_all(answer.as_bytes()).await.unwrap();
        expect(&mut client, &answer).await;
        drop(client);
        // The server's connection ends when all is told.
        assert_eq!(timeout(SOON, server.read(&mut [0])).await.unwrap().unwrap(), 0);
        drop(server);
        self.is_over().await;
        (self.activity.effects() - before, meanwhile)
    }

    fn under_way(&self) -> Option<String> {
        match self.activity.quiet() {
            Quiet::NotYet { why, at: None } => why.rsplit_once(" (").map(|(why, _)| why.to_owned()),
            _ => None,
        }
    }

    async fn is_over(&self) {
        let mut changes = self.activity.changes();
        while self.under_way().is_some() {
            timeout(SOON, changes.changed()).await.unwrap().unwrap();
            changes.mark_unchanged();
        }
    }

    fn counts_from(&self) -> Option<String> {
        match self.activity.quiet() {
            Quiet::NotYet { why, at: Some(_) } => Some(why),
            _ => None,
        }
    }
}

async fn expect(stream: &mut TcpStream, text: &str) {
    let mut bytes = vec![0; text.len()];
    timeout(SOON, stream.read_exact(&mut bytes)).await.unwrap().unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), text);
}

fn traceparent() -> String {
    format!("traceparent: 00-{TRACE}-b7ad6b7169203331-01\r\n")
}

#[tokio::test]
async fn a_call_is_under_way_from_its_first_byte_to_its_answers_last_and_an_effect_twice() {
    let wired = Wired::new("billing", "bank", CALLS).await;
    let call = wired.exchange("GET /rates", "", "1.1").await;
    assert_eq!(call, (2, Some("billing → bank  GET /rates".into())));
    assert_eq!(wired.counts_from().as_deref(), Some("billing → bank  GET /rates 200"));

    let (mut client, mut server) = wired.connect().await;
    client.write_all(b"POST /charges HTTP/1.1\r\nContent-").await.unwrap();
    let mut bell = wired.timeline.bell();
    while wired.under_way().as_deref() != Some("billing → bank  a request") {
        tokio::task::yield_now().await;
    }
    client.write_all(b"Length: 5\r\n\r\n12").await.unwrap();
    timeout(SOON, bell.changed()).await.unwrap().unwrap();
    client.write_all(b".50").await.unwrap();
    expect(&mut server, "POST /charges HTTP/1.1\r\nContent-Length: 5\r\n\r\n12.50").await;
    assert_eq!(wired.under_way().as_deref(), Some("billing → bank  POST /charges"));
    server
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        .await
        .unwrap();
    expect(&mut client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no").await;
    assert_eq!(wired.under_way().as_deref(), Some("billing → bank  POST /charges"));
    drop(server);
    wired.is_over().await;
    let why = wired.counts_from();
    assert_eq!(why.as_deref(), Some("billing → bank  POST /charges without an answer"));
}

#[tokio::test]
async fn an_object_that_is_read_again_is_an_effect_where_it_changed() {
    let wired = Wired::new("shop", "receipts", OBJECTS).await;
    let read =
        |headers: &'static str, answer: &'static str| wired.exchange("GET /receipts?list-type=2", headers, answer);
    let mut effects = Vec::new();
    for answer in ["none", "none", "one", "one", "none"] {
        effects.push(read("", answer).await.0);
    }
    assert_eq!(effects, [1, 0, 1, 0, 1]);
    assert_eq!(read("Range: bytes=0-3\r\n", "none").await.0, 1);
    assert_eq!(read("Range: bytes=0-3\r\n", "none").await.0, 0);
    for write in [
        "PUT /receipts/7",
        "DELETE /receipts/7",
        "POST /receipts/7?uploads",
        "PUT /receipts/7",
    ] {
        let (effects, meanwhile) = wired.exchange(write, "", "").await;
        assert_eq!((effects, meanwhile), (1, Some(format!("shop → receipts  {write}"))));
    }
}

#[tokio::test]
async fn a_request_of_the_test_client_is_no_effect_and_settle_counts_from_its_end() {
    let wired = Wired::new("client", "shop", CALLS).await;
    let sent = wired.exchange("POST /orders", "", "").await;
    assert_eq!(sent, (0, Some("client → shop  POST /orders".into())));
    assert_eq!(wired.counts_from().as_deref(), Some("client → shop  POST /orders 200"));
    let bucket = Wired::new("client", "receipts", OBJECTS).await;
    assert_eq!(bucket.exchange("GET /receipts/7", "", "1").await, (0, None));
    assert_eq!(bucket.counts_from().as_deref(), Some(READY));
}

#[tokio::test]
async fn a_probe_and_what_services_do_about_it_is_nothing_by_its_trace() {
    let wired = Wired::new("client", "shop", CALLS).await;
    let on = |caller, dependency, protocol| Wired::on(&wired.timeline, caller, dependency, protocol);
    let (billing, bucket) = (
        on("shop", "billing", CALLS).await,
        on("billing", "receipts", OBJECTS).await,
    );
    let probe = wired.activity.probe(Some(TRACE), "shop");
    assert_eq!(wired.exchange("GET /orders/7", &traceparent(), "").await, (0, None));
    drop(probe);
    assert_eq!(billing.exchange("POST /search", &traceparent(), "").await, (0, None));
    assert_eq!(bucket.exchange("GET /receipts/7", &traceparent(), "").await, (0, None));
    assert_eq!(wired.counts_from().as_deref(), Some(READY));
    let other = traceparent().replace("0af7", "0af8");
    assert_eq!(billing.exchange("GET /invoices", &other, "").await.0, 2);
}

#[tokio::test]
async fn a_read_without_a_trace_may_be_for_a_probe() {
    let wired = Wired::new("shop", "billing", CALLS).await;
    let probe = wired.activity.probe(Some(TRACE), "shop");
    let (effects, meanwhile) = wired.exchange("GET /invoices", "", "").await;
    assert_eq!((effects, meanwhile.is_some()), (0, true));
    assert_eq!(
        wired.counts_from().as_deref(),
        Some("shop → billing  GET /invoices 200")
    );
    assert_eq!(wired.exchange("POST /invoices", "", "").await.0, 2);
    drop(probe);
}

#[tokio::test]
async fn what_another_service_reads_for_a_probe_takes_no_verdict_back_with_a_trace_or_without() {
    for headers in [traceparent(), String::new()] {
        let wired = Wired::new("shop", "billing", CALLS).await;
        let probe = wired.activity.probe(Some(TRACE), "shop");
        let (mut client, mut server) = wired.connect().await;
        let head = format!("GET /invoices HTTP/1.1\r\n{headers}\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        expect(&mut server, &head).await;
        wired.activity.effect_or_probe("billing", "billing reads");
        assert_eq!(wired.activity.effects(), 0);
        drop(probe);
    }
}

#[tokio::test]
async fn log_lines_that_are_sent_are_under_way_where_they_count() {
    let wired = Wired::new("shop", "logs", Protocol::Http(Purpose::Logs)).await;
    assert_eq!(wired.exchange("POST /_bulk", "", "").await, (0, None));
    wired.activity.counts(Telemetry::Logs);
    let (effects, meanwhile) = wired.exchange("POST /_bulk", "", "").await;
    assert_eq!((effects, meanwhile), (0, Some("shop → logs  POST /_bulk".into())));
}

#[tokio::test]
async fn what_is_not_understood_hides_the_sandbox() {
    let hidden = |wired: &Wired| match wired.activity.quiet() {
        Quiet::Hidden { why } => why,
        other => panic!("{other:?}"),
    };
    let plain = Wired::new("shop", "cache", Protocol::Tcp).await;
    assert!(plain.counts_from().is_some());
    let (_client, mut server) = plain.connect().await;
    // The connection is carried once a byte has passed.
    server.write_all(b"x").await.unwrap();
    let mut changes = plain.activity.changes();
    while !matches!(plain.activity.quiet(), Quiet::Hidden { .. }) {
        timeout(SOON, changes.changed()).await.unwrap().unwrap();
    }
    assert_eq!(
        hidden(&plain),
        "what passes between shop and cache is in no protocol that is understood"
    );

    let upgraded = Wired::new("shop", "billing", CALLS).await;
    let (mut client, mut server) = upgraded.connect().await;
    let ask = "GET /feed HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    client.write_all(ask.as_bytes()).await.unwrap();
    expect(&mut server, ask).await;
    assert!(upgraded.under_way().is_some());
    let switch = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    server.write_all(switch.as_bytes()).await.unwrap();
    expect(&mut client, switch).await;
    assert_eq!(
        hidden(&upgraded),
        "what passes between shop and billing is neither HTTP/1.1 nor HTTP/2"
    );

    let foreign = Wired::new("shop", "billing", CALLS).await;
    let (mut client, mut server) = foreign.connect().await;
    client.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
    expect(&mut server, "SSH-2.0-OpenSSH_9.2\r\n").await;
    assert_eq!(
        hidden(&foreign),
        "what passes between shop and billing is neither HTTP/1.1 nor HTTP/2"
    );
}

#[tokio::test]
async fn an_idle_connection_is_nothing_and_a_refused_one_an_effect() {
    let wired = Wired::new("billing", "bank", CALLS).await;
    let (client, _server) = wired.connect().await;
    wired.is_over().await;
    assert_eq!((wired.activity.effects(), wired.under_way()), (0, None));
    let rule = wired.edge.refuse(Strikes::new("refusal", wired.timeline.clone()));
    let mut new = TcpStream::connect(wired.edge.address()).await.unwrap();
    timeout(SOON, new.read(&mut [0])).await.unwrap().unwrap_err();
    let mut changes = wired.activity.changes();
    while wired.activity.effects() < 2 {
        timeout(SOON, changes.changed()).await.unwrap().unwrap();
    }
    drop((rule, client));
}

#[tokio::test]
async fn what_a_cut_holds_is_under_way_until_it_passes() {
    let wired = Wired::new("billing", "bank", CALLS).await;
    let (mut client, mut server) = wired.connect().await;
    wired.is_over().await;
    let strikes = Strikes::new("cut between billing and bank", wired.timeline.clone());
    let mut bell = wired.timeline.bell();
    let rule = wired.edge.cut(strikes.clone());
    assert_eq!(wired.under_way(), None, "an idle connection holds nothing");
    client.write_all(b"GET /rates HTTP/1.1\r\n\r\n").await.unwrap();
    while strikes.count() == 0 {
        timeout(SOON, bell.changed()).await.unwrap().unwrap();
    }
    let held = Some("bytes held by the cut between billing and bank".to_owned());
    while wired.under_way() != held {
        tokio::task::yield_now().await;
    }
    drop(rule);
    expect(&mut server, "GET /rates HTTP/1.1\r\n\r\n").await;
    assert_eq!(wired.under_way().as_deref(), Some("billing → bank  GET /rates"));
    server.write_all(b"HTTP/1.1 204 \r\n\r\n").await.unwrap();
    expect(&mut client, "HTTP/1.1 204 \r\n\r\n").await;
    wired.is_over().await;

    let rule = wired.edge.cut(strikes);
    let _new = TcpStream::connect(wired.edge.address()).await.unwrap();
    while wired.under_way().is_none() {
        tokio::task::yield_now().await;
    }
    drop(rule);
    wired.is_over().await;
}
