//! A TCP edge between real sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use futures::FutureExt;
use momus_engine::injection::Strikes;
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Door, Edge, Protocol, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

fn timeline() -> Timeline {
    Timeline::new(Clock::start(), 0, "s1")
}

async fn edge(upstream: SocketAddr, timeline: &Timeline) -> Edge {
    Edge::listen(
        "shop",
        "billing",
        Upstream::Tcp(upstream),
        Protocol::Tcp,
        timeline.clone(),
    )
    .await
    .unwrap()
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn a_half_closed_connection_stays_half_closed() {
    let (listener, address) = listener().await;
    let edge = edge(address, &timeline()).await;
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    let mut asked = String::new();
    timeout(SOON, server.read_to_string(&mut asked)).await.unwrap().unwrap();
    assert_eq!(asked, "question");
    server.write_all(b"answer").await.unwrap();
    drop(server);
    let mut answered = String::new();
    timeout(SOON, client.read_to_string(&mut answered))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answered, "answer");
}

#[tokio::test]
async fn an_upstream_that_refuses_and_one_that_resets_reset_the_client() {
    let (listener, address) = listener().await;
    let edge = edge(address, &timeline()).await;
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    server.set_zero_linger().unwrap();
    drop(server);
    assert_reset(&mut client).await;
    drop(listener);
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    assert_reset(&mut client).await;
}

#[tokio::test]
async fn a_refusal_resets_open_and_new_connections_until_it_is_healed() {
    let (listener, address) = listener().await;
    let timeline = timeline();
    let edge = edge(address, &timeline).await;
    let mut open = TcpStream::connect(edge.address()).await.unwrap();
    let (_server, _) = listener.accept().await.unwrap();
    let strikes = Strikes::new("refusal", timeline);
    let rule = edge.refuse(strikes.clone());
    assert_reset(&mut open).await;
    let mut new = TcpStream::connect(edge.address()).await.unwrap();
    assert_reset(&mut new).await;
    assert_eq!(strikes.count(), 2);
    rule.heal();
    let mut healed = TcpStream::connect(edge.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    server.write_all(b"x").await.unwrap();
    assert_eq!(timeout(SOON, healed.read_u8()).await.unwrap().unwrap(), b'x');
}

#[tokio::test]
async fn a_cut_holds_bytes_and_new_connections_and_lets_them_pass_when_healed() {
    let (listener, address) = listener().await;
    let timeline = timeline();
    let edge = edge(address, &timeline).await;
    let mut open = TcpStream::connect(edge.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    let strikes = Strikes::new("cut", timeline.clone());
    let mut bell = timeline.bell();
    let rule = edge.cut(strikes.clone());
    open.write_all(b"held").await.unwrap();
    let _new = TcpStream::connect(edge.address()).await.unwrap();
    while strikes.count() < 2 {
        timeout(SOON, bell.changed()).await.unwrap().unwrap();
    }
    assert!(
        timeout(Duration::from_millis(50), server.read_u8()).await.is_err(),
        "a held byte came through"
    );
    assert!(
        timeout(Duration::from_millis(50), listener.accept()).await.is_err(),
        "a held connection came through"
    );
    drop(rule);
    let mut bytes = [0; 4];
    timeout(SOON, server.read_exact(&mut bytes)).await.unwrap().unwrap();
    assert_eq!(&bytes, b"held");
    timeout(SOON, listener.accept()).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_edge_leads_elsewhere_and_ends_with_its_connections() {
    let (_listener, address) = listener().await;
    let edge = edge(address, &timeline()).await;
    let path = std::env::temp_dir().join(format!("momus-edge-{}.sock", std::process::id()));
    let unix = UnixListener::bind(&path).unwrap();
    edge.lead_to(Upstream::Unix(path.clone()));
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (mut server, _) = timeout(SOON, unix.accept()).await.unwrap().unwrap();
    server.write_all(b"x").await.unwrap();
    assert_eq!(timeout(SOON, client.read_u8()).await.unwrap().unwrap(), b'x');
    drop(edge);
    assert_eq!(timeout(SOON, client.read(&mut [0])).await.unwrap().unwrap_or(0), 0);
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn a_door_is_handed_from_edge_to_edge_and_who_knocks_meanwhile_is_served_by_the_next() {
    let ((first, one), (second, other)) = (listener().await, listener().await);
    let (door, address) = listener().await;
    let at = |upstream| {
        let upstream = Upstream::Tcp(upstream);
        let addresses = (address, Vec::new());
        Edge::at(
            addresses,
            ("shop", "billing"),
            upstream,
            Protocol::Tcp,
            None,
            timeline(),
        )
    };
    let edge = at(one);
    let entrance = edge.enter(Door::open(door));
    let mut open = TcpStream::connect(address).await.unwrap();
    let (_served, _) = first.accept().await.unwrap();
    let door = timeout(SOON, entrance.leave()).await.unwrap().unwrap();
    edge.end();
    assert!(matches!(
        timeout(SOON, open.read(&mut [0])).await.unwrap(),
        Ok(0) | Err(_)
    ));

    let mut knocks = TcpStream::connect(address).await.unwrap();
    knocks.write_all(b"question").await.unwrap();
    let next = at(other);
    let entrance = next.enter(door);
    let (mut server, _) = timeout(SOON, second.accept()).await.unwrap().unwrap();
    let mut asked = [0; 8];
    timeout(SOON, server.read_exact(&mut asked)).await.unwrap().unwrap();
    assert_eq!(&asked, b"question");
    assert!(
        timeout(SOON, first.accept()).now_or_never().is_none(),
        "the first edge leads nobody"
    );
    next.end();
    assert!(
        timeout(SOON, entrance.leave()).await.unwrap().is_none(),
        "its edge has ended"
    );
}

#[tokio::test]
async fn a_reader_that_does_not_read_stops_its_writer_and_loses_nothing() {
    const FAR_MORE_THAN_THE_SYSTEM_HOLDS: usize = 256 << 20;
    let (listener, address) = listener().await;
    let edge = edge(address, &timeline()).await;
    let mut client = TcpStream::connect(edge.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    let (block, mut sent) = (vec![7; 1 << 16], 0);
    while let Ok(count) = timeout(Duration::from_millis(300), client.write(&block)).await {
        sent += count.unwrap();
        assert!(sent < FAR_MORE_THAN_THE_SYSTEM_HOLDS, "nobody held the writer back");
    }
    drop(client);
    let mut seen = Vec::new();
    timeout(SOON, server.read_to_end(&mut seen)).await.unwrap().unwrap();
    assert_eq!(seen.len(), sent);
}

async fn assert_reset(client: &mut TcpStream) {
    let error = timeout(SOON, client.read(&mut [0])).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
