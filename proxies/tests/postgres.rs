//! A Postgres edge between real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::time::Duration;

use momus_engine::event::Happening;
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Databases, Edge, Protocol, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

fn packet(code: u32, rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(rest.len() + 8).unwrap();
    [&length.to_be_bytes(), &code.to_be_bytes(), rest].concat()
}

#[tokio::test]
async fn a_session_asks_for_encryption_is_declined_and_reaches_the_clone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let timeline = Timeline::new(Clock::start(), 0, "s1");
    let upstream = Upstream::Tcp(listener.local_addr().unwrap());
    let protocol = Protocol::Postgres(Databases {
        clones: BTreeMap::from([("billing".to_owned(), "billing_s1".to_owned())]),
        ..Databases::default()
    });
    let edge = Edge::listen("billing", "billing-db", upstream, protocol, timeline.clone())
        .await
        .unwrap();
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    for request in [80_877_104, 80_877_103] {
        client.write_all(&packet(request, b"")).await.unwrap();
        assert_eq!(timeout(SOON, client.read_u8()).await.unwrap().unwrap(), b'N');
    }
    client
        .write_all(&packet(196_608, b"user\0app\0database\0billing\0\0"))
        .await
        .unwrap();
    client.write_all(b"more").await.unwrap();
    let expected = [
        packet(196_608, b"user\0app\0database\0billing_s1\0\0"),
        b"more".to_vec(),
    ]
    .concat();
    let mut seen = vec![0; expected.len()];
    timeout(SOON, server.read_exact(&mut seen)).await.unwrap().unwrap();
    assert_eq!(seen, expected);
    server.write_all(b"R").await.unwrap();
    assert_eq!(timeout(SOON, client.read_u8()).await.unwrap().unwrap(), b'R');
    let session = |event: &momus_engine::event::Event| {
        matches!(&event.happening,
        Happening::DatabaseSession { caller, datastore, role } if (caller.as_str(), datastore.as_str(), role.as_str()) == ("billing", "billing", "app"))
    };
    assert_eq!(
        timeline.look(|events| events.iter().filter(|event| session(event)).count()),
        1
    );
}

#[tokio::test]
async fn a_cancel_request_passes_as_it_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let timeline = Timeline::new(Clock::start(), 0, "s1");
    let upstream = Upstream::Tcp(listener.local_addr().unwrap());
    let protocol = Protocol::Postgres(Databases {
        clones: BTreeMap::new(),
        ..Databases::default()
    });
    let edge = Edge::listen("billing", "billing-db", upstream, protocol, timeline)
        .await
        .unwrap();
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    let cancel = packet(80_877_102, &[0, 0, 0, 7, 1, 2, 3, 4]);
    client.write_all(&cancel).await.unwrap();
    client.shutdown().await.unwrap();
    let mut seen = Vec::new();
    timeout(SOON, server.read_to_end(&mut seen)).await.unwrap().unwrap();
    assert_eq!(seen, cancel);
}

#[tokio::test]
async fn a_database_that_no_edge_leads_to_is_refused_and_the_try_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let timeline = Timeline::new(Clock::start(), 0, "s1");
    let upstream = Upstream::Tcp(listener.local_addr().unwrap());
    let protocol = Protocol::Postgres(Databases {
        clones: BTreeMap::from([("shop-db".to_owned(), "s1_shop-db".to_owned())]),
        ..Databases::default()
    });
    let edge = Edge::listen("shop", "shop-db", upstream, protocol, timeline.clone())
        .await
        .unwrap();
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    client
        .write_all(&packet(196_608, b"user\0app\0database\0billing-db\0\0"))
        .await
        .unwrap();
    let (mut answer, mut passed) = (Vec::new(), Vec::new());
    timeout(SOON, client.read_to_end(&mut answer)).await.unwrap().unwrap();
    timeout(SOON, server.read_to_end(&mut passed)).await.unwrap().unwrap();
    assert!(passed.is_empty());
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.contains("\0C3D000\0Mdatabase \"billing-db\" does not exist for shop"),
        "{answer}"
    );
    let told = |event: &momus_engine::event::Event| {
        matches!(&event.happening,
        Happening::Connection { what, .. } if what == "refused: it names database `billing-db`, to which shop has no edge")
    };
    assert_eq!(
        timeline.look(|events| events.iter().filter(|event| told(event)).count()),
        1
    );
}
