//! Slow and silent peers, and peers that speak something else.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::time::Duration;

use momus_engine::activity::Quiet;
use momus_engine::event::Happening;
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Databases, Edge, Protocol, Purpose, Upstream};
use momus_proxies::kafka::{Broker, Namespace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

const HTTP: Protocol = Protocol::Http(Purpose::Calls);

fn postgres() -> Protocol {
    let clones = BTreeMap::from([("orders".to_owned(), "s1_orders".to_owned())]);
    Protocol::Postgres(Databases {
        clones,
        ..Databases::default()
    })
}

fn packet(version: u32, rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(rest.len() + 8).unwrap();
    [&length.to_be_bytes(), &version.to_be_bytes(), rest].concat()
}

fn startup(database: &str) -> Vec<u8> {
    packet(196_608, format!("user\0app\0database\0{database}\0\0").as_bytes())
}

/// An edge between two ends that the test holds.
struct Between {
    listener: TcpListener,
    edge: Edge,
    timeline: Timeline,
}

impl Between {
    async fn new(protocol: impl FnOnce(&Timeline) -> Protocol) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let timeline = Timeline::new(Clock::start(), 0, "s1");
        timeline.activity().settles_in(Some(Duration::ZERO));
        let upstream = Upstream::Tcp(listener.local_addr().unwrap());
        let protocol = protocol(&timeline);
        let edge = Edge::listen("shop", "other", upstream, protocol, timeline.clone());
        Self {
            listener,
            edge: edge.await.unwrap(),
            timeline,
        }
    }

    async fn kafka() -> Self {
        Self::new(|timeline| Protocol::Kafka(Namespace::new("shop", "m1-", Broker::Real, timeline.activity().clone())))
            .await
    }

    async fn connect(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.edge.address()).await.unwrap();
        let (server, _) = timeout(SOON, self.listener.accept()).await.unwrap().unwrap();
        client.set_nodelay(true).unwrap();
        (client, server)
    }

    fn connections(&self) -> Vec<String> {
        let what = |happening| match happening {
            Happening::Connection { what, .. } => Some(what),
            _ => None,
        };
        let events = self.timeline.snapshot().into_iter();
        events.filter_map(|event| what(event.happening)).collect()
    }

    /// Waits until this stands on the timeline of the connections.
    async fn tells(&self, text: &str) {
        let mut bell = self.timeline.bell();
        let told = async {
            while !self.connections().iter().any(|what| what.contains(text)) {
                bell.changed().await.unwrap();
            }
        };
        assert!(timeout(SOON, told).await.is_ok(), "{text}: {:?}", self.connections());
    }
}

async fn expect(stream: &mut TcpStream, bytes: &[u8]) {
    let mut seen = vec![0; bytes.len()];
    timeout(SOON, stream.read_exact(&mut seen)).await.unwrap().unwrap();
    assert_eq!(seen, bytes);
}

async fn is_reset(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let read = timeout(SOON, stream.read_to_end(&mut rest)).await.unwrap();
    assert!(read.is_err(), "{rest:?}");
}

/// An ApiVersions request of version 0 that names no client, and an answer to it.
const KAFKA: (&[u8], &[u8]) = (
    b"\0\0\0\x0a\0\x12\0\0\0\0\0\x07\xff\xff",
    b"\0\0\0\x10\0\0\0\x07\0\0\0\0\0\x01\0\x12\0\0\0\x04",
);

/// What is asked, as it comes to the dependency, and what is answered.
type Exchange = (Vec<u8>, Vec<u8>, Vec<u8>);

async fn all() -> [(Between, Exchange); 4] {
    let get = b"GET / HTTP/1.1\r\n\r\n".to_vec();
    let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec();
    let ready = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I".to_vec();
    [
        (
            Between::new(|_| Protocol::Tcp).await,
            (b"ask".into(), b"ask".into(), b"told".into()),
        ),
        (Between::new(|_| HTTP).await, (get.clone(), get, ok)),
        (
            Between::new(|_| postgres()).await,
            (startup("orders"), startup("s1_orders"), ready),
        ),
        (Between::kafka().await, (KAFKA.0.into(), KAFKA.0.into(), KAFKA.1.into())),
    ]
}

#[tokio::test]
async fn a_byte_at_a_time_passes_and_holds_up_nobody_else() {
    for (between, (asked, got, answered)) in all().await {
        let (mut slow, mut slow_server) = between.connect().await;
        for (number, byte) in asked.iter().enumerate() {
            slow.write_all(&[*byte]).await.unwrap();
            if number % 8 == 0 {
                let (mut client, mut server) = between.connect().await;
                client.write_all(&asked).await.unwrap();
                expect(&mut server, &got).await;
                server.write_all(&answered).await.unwrap();
                expect(&mut client, &answered).await;
            }
        }
        expect(&mut slow_server, &got).await;
        for byte in &answered {
            slow_server.write_all(&[*byte]).await.unwrap();
        }
        expect(&mut slow, &answered).await;
    }
}

#[tokio::test]
async fn who_says_nothing_or_half_of_something_holds_up_nobody_and_ends_with_the_edge() {
    for (between, (asked, got, answered)) in all().await {
        let mut silent = Vec::new();
        for number in 0..40 {
            let (mut client, server) = between.connect().await;
            let part = [0, 1, asked.len() / 2, asked.len() - 1][number % 4];
            client.write_all(&asked[..part]).await.unwrap();
            silent.push((client, server));
        }
        let (mut client, mut server) = between.connect().await;
        client.write_all(&asked).await.unwrap();
        expect(&mut server, &got).await;
        server.write_all(&answered).await.unwrap();
        expect(&mut client, &answered).await;
        let Between { edge, timeline, .. } = between;
        drop(edge);
        for (mut client, mut server) in silent {
            for end in [&mut client, &mut server] {
                let mut rest = Vec::new();
                assert!(
                    timeout(SOON, end.read_to_end(&mut rest)).await.is_ok(),
                    "it is open still"
                );
            }
        }
        let quiet = timeline.activity().quiet();
        let is_over = match &quiet {
            Quiet::NotYet { at, .. } => at.is_some(),
            Quiet::Yes { .. } | Quiet::Hidden { .. } => true,
        };
        assert!(is_over, "{quiet:?}");
    }
}

#[tokio::test]
async fn garbage_in_a_session_of_postgres_closes_it_with_the_reason() {
    let huge = b"Q\x7f\xff\xff\xff";
    for (from_client, garbage) in [
        (true, &b"GET / HTTP/1.1\r\n"[..]),
        (false, b"HTTP/1.1 400 \r\n"),
        (true, huge),
        (false, huge),
    ] {
        let between = Between::new(|_| postgres()).await;
        let (mut client, mut server) = between.connect().await;
        client.write_all(&startup("orders")).await.unwrap();
        expect(&mut server, &startup("s1_orders")).await;
        let (speaker, why) = match from_client {
            true => (
                &mut client,
                "reset: what the caller sent is no message of PostgreSQL's protocol",
            ),
            false => (
                &mut server,
                "reset: what the server answered is no message of PostgreSQL's protocol",
            ),
        };
        speaker.write_all(garbage).await.unwrap();
        is_reset(&mut client).await;
        is_reset(&mut server).await;
        between.tells(why).await;
        assert!(!matches!(between.timeline.activity().quiet(), Quiet::Hidden { .. }));
    }
}

#[tokio::test]
async fn what_is_no_startup_packet_closes_the_connection_with_the_reason() {
    for (says, why) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "it claims 1195725856 bytes"),
        (b"\x7f\xff\xff\xff".to_vec(), "it claims 2147483647 bytes"),
        (b"\0\0\0\x04".to_vec(), "it claims 4 bytes"),
        (
            packet(131_072, b"user\0app\0\0"),
            "it asks for version 2.0 of the protocol",
        ),
    ] {
        let between = Between::new(|_| postgres()).await;
        let (mut client, mut server) = between.connect().await;
        client.write_all(&says).await.unwrap();
        is_reset(&mut client).await;
        is_reset(&mut server).await;
        between.tells(why).await;
    }
}

#[tokio::test]
async fn a_replication_is_no_garbage() {
    let between = Between::new(|_| postgres()).await;
    let (mut client, mut server) = between.connect().await;
    let start = |database| {
        packet(
            196_608,
            format!("user\0app\0replication\0database\0database\0{database}\0\0").as_bytes(),
        )
    };
    client.write_all(&start("orders")).await.unwrap();
    expect(&mut server, &start("s1_orders")).await;
    server.write_all(b"W\0\0\0\x07\0\0\0d\0\0\0\x05w").await.unwrap();
    expect(&mut client, b"W\0\0\0\x07\0\0\0d\0\0\0\x05w").await;
    client.write_all(b"d\0\0\0\x05r").await.unwrap();
    expect(&mut server, b"d\0\0\0\x05r").await;
    assert_eq!(between.connections(), ["opened"]);
}

#[tokio::test]
async fn a_broker_that_speaks_no_kafka_closes_the_connection_with_the_reason() {
    for (answer, why) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "claims 1213486160 bytes"),
        (b"\0\0\0\x06\0\0\0\x08\0\0", "the broker answered request 8 before 7"),
        (
            b"\0\0\0\x0a\0\0\0\x07\0\0\x7f\xff\xff\xff",
            "an answer to an ApiVersions request of version 0",
        ),
    ] {
        let between = Between::kafka().await;
        let (mut client, mut server) = between.connect().await;
        client.write_all(KAFKA.0).await.unwrap();
        expect(&mut server, KAFKA.0).await;
        server.write_all(answer).await.unwrap();
        is_reset(&mut client).await;
        between.tells(why).await;
    }
}

#[tokio::test]
async fn an_array_that_claims_two_billion_elements_closes_the_connection_with_the_reason() {
    let between = Between::kafka().await;
    let (mut client, _server) = between.connect().await;
    // Metadata (3) in version 1 of no client, and in place of topics only their number.
    client
        .write_all(b"\0\0\0\x0e\0\x03\0\x01\0\0\0\x07\xff\xff\x7f\xff\xff\xff")
        .await
        .unwrap();
    is_reset(&mut client).await;
    between
        .tells("reset: a Metadata request of version 1: Array length is negative")
        .await;
}

#[tokio::test]
async fn what_is_no_http_passes_an_http_edge_and_is_told_once() {
    for (says, answers, why) in [
        (
            &b"\x16\x03\x01 hello"[..],
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            "the caller speaks no HTTP/1.1",
        ),
        (
            b"GET / HTTP/1.1\r\n\r\n",
            b"SSH-2.0-OpenSSH\r\n",
            "the answer is no HTTP/1.1",
        ),
        (b"", b"220 mail ESMTP\r\n", "an answer came to no request"),
    ] {
        let between = Between::new(|_| HTTP).await;
        let (mut client, mut server) = between.connect().await;
        for _ in 0..2 {
            client.write_all(says).await.unwrap();
            expect(&mut server, says).await;
            server.write_all(answers).await.unwrap();
            expect(&mut client, answers).await;
        }
        drop((client, server));
        between.tells("closed").await;
        let told = format!("passes on as bytes: {why}");
        assert_eq!(between.connections(), ["opened", told.as_str(), "closed"]);
    }
}

#[tokio::test]
async fn an_upgrade_is_no_garbage() {
    let between = Between::new(|_| HTTP).await;
    let (mut client, mut server) = between.connect().await;
    client
        .write_all(b"GET /feed HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
        .await
        .unwrap();
    expect(&mut server, b"GET /feed HTTP/1.1\r\nUpgrade: websocket\r\n\r\n").await;
    server
        .write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x01")
        .await
        .unwrap();
    expect(&mut client, b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x01").await;
    client.write_all(b"\x02").await.unwrap();
    expect(&mut server, b"\x02").await;
    assert_eq!(between.connections(), ["opened"]);
}
