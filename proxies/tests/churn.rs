//! Ten thousand connections, opened and dropped over edges of each protocol, leave nothing behind; nor do those over edges at
//! which TLS ends.
//!
//! One test alone, for it counts what the process has.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "secured/trust.rs"]
mod trust;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use momus_engine::event::Happening;
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Databases, Edge, Protocol, Purpose, Upstream};
use momus_proxies::kafka::{Broker, Namespace};
use momus_proxies::tls::Authority;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use self::trust::{connector, roots_of};

const SOON: Duration = Duration::from_secs(120);
/// Connections of each edge.
const MANY: usize = 10_000;
/// Those of each edge at which TLS ends: each costs a handshake.
const MANY_OVER_TLS: usize = 1_000;
/// What the process may grow by over them, in bytes: less than one buffer for every hundredth connection.
const GROWTH: usize = 8 * 1024 * 1024;

/// What the process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Holds {
    descriptors: usize,
    tasks: usize,
}

impl Holds {
    fn now() -> Self {
        Self {
            // One is the folder that is read.
            descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count() - 1,
            tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
        }
    }
}

/// The memory that the process has, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// A dependency that reads and says nothing.
async fn dependency() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move { while stream.read(&mut [0; 64]).await.is_ok_and(|count| count > 0) {} });
        }
    });
    address
}

/// Protocols, and the beginning of what is said in each.
fn protocols(timeline: &Timeline) -> [(Protocol, &'static [u8]); 4] {
    let clones = BTreeMap::from([("orders".to_owned(), "s1_orders".to_owned())]);
    let namespace = Namespace::new("shop", "m1-", Broker::Real, timeline.activity().clone());
    [
        (Protocol::Tcp, b"anything"),
        (
            Protocol::Http(Purpose::Calls),
            b"GET /orders HTTP/1.1\r\n\r\nPOST / HTTP",
        ),
        (
            Protocol::Postgres(Databases {
                clones,
                ..Databases::default()
            }),
            b"\0\0\0\x22\0\x03\0\0user\0app\0database\0orders\0\0Q\0\0\0\x20SELECT",
        ),
        (
            Protocol::Kafka(namespace),
            b"\0\0\0\x0a\0\x12\0\0\0\0\0\x07\xff\xff\0\0\0\x20\0\x03",
        ),
    ]
}

/// An edge, as its callers come to it.
struct Way {
    address: SocketAddr,
    /// What they speak TLS with, where it ends there.
    tls: Option<TlsConnector>,
}

/// Opens a connection, says something in some, and drops it: with FIN or with RST. Over TLS some leave amid the handshake, and
/// none says that it closes.
async fn connection(number: usize, way: &Way, says: &[u8]) {
    let mut stream = TcpStream::connect(way.address).await.unwrap();
    if let Some(tls) = &way.tls {
        return match number % 3 {
            0 => leave_amid_a_handshake(number, stream).await,
            _ => within_tls(number, tls, stream, says).await,
        };
    }
    if !number.is_multiple_of(3) {
        stream
            .write_all(&says[..says.len() * (number % 5 + 1) / 5])
            .await
            .unwrap();
    }
    if number.is_multiple_of(2) {
        stream.set_zero_linger().unwrap();
    }
}

/// A client's hello, or as much of it as its number has it say.
async fn leave_amid_a_handshake(number: usize, mut stream: TcpStream) {
    let begins = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    stream.write_all(&begins[..number % begins.len()]).await.unwrap();
    if number.is_multiple_of(2) {
        stream.set_zero_linger().unwrap();
    }
}

async fn within_tls(number: usize, tls: &TlsConnector, stream: TcpStream, says: &[u8]) {
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = tls.connect(name, stream).await.unwrap();
    stream
        .write_all(&says[..says.len() * (number % 5 + 1) / 5])
        .await
        .unwrap();
    stream.flush().await.unwrap();
    if number.is_multiple_of(2) {
        stream.get_ref().0.set_zero_linger().unwrap();
    }
}

/// Opens connections and drops them: one after another, or so many at once.
async fn churn(way: &Way, says: &[u8], timeline: &Timeline, (many, at_once): (usize, usize)) {
    let mut bell = timeline.bell();
    let is_end = |what: &str| what == "closed" || what.starts_with("reset") || what.starts_with("refused");
    for begin in (0..many).step_by(at_once) {
        join_all((begin..begin + at_once).map(|number| connection(number, way, says))).await;
        let mut seen = 0;
        while seen < at_once {
            let rings = timeout(SOON, bell.changed()).await;
            assert!(rings.is_ok(), "{seen} connections of {at_once} have ended");
            seen += timeline.drain().iter().fold(0, |count, event| match &event.happening {
                Happening::Connection { what, .. } => count + usize::from(is_end(what)),
                _ => count,
            });
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_leave_no_task_no_descriptor_and_no_memory() {
    let timeline = Timeline::new(Clock::start(), 0, "s1");
    let authority = Authority::new().unwrap();
    let mut edges = Vec::new();
    for (protocol, says) in protocols(&timeline) {
        let name = format!("{protocol:?}");
        for tls in [false, true] {
            let (upstream, protocol) = (Upstream::Tcp(dependency().await), protocol.clone());
            let edge = match tls {
                false => Edge::listen("shop", "other", upstream, protocol, timeline.clone()).await,
                true => {
                    let identity = authority.identity(&[]).unwrap();
                    Edge::listen_tls("shop", "other", upstream, protocol, &identity, timeline.clone()).await
                }
            };
            let edge = edge.unwrap();
            let way = Way {
                address: edge.address(),
                tls: tls.then(|| connector(roots_of(&authority), &[])),
            };
            leaves_nothing(&way, says, &timeline, &name).await;
            // Its end would change what the process holds beside the next.
            edges.push(edge);
        }
    }
}

async fn leaves_nothing(way: &Way, says: &[u8], timeline: &Timeline, name: &str) {
    let many = if way.tls.is_some() { MANY_OVER_TLS } else { MANY };
    let holds = Holds::now();
    churn(way, says, timeline, (many / 10, many / 100)).await;
    let before = resident();
    churn(way, says, timeline, (many / 5, 1)).await;
    churn(way, says, timeline, (many - many / 5, many / 100)).await;
    assert_eq!(settled(holds).await, holds, "{name}");
    let growth = resident().saturating_sub(before);
    assert!(growth < GROWTH, "{name}: {growth} bytes more");
}

/// What the process holds, as soon as that is this. The ends of connections are recorded a moment before their tasks and
/// sockets are gone.
async fn settled(wanted: Holds) -> Holds {
    let settled = async {
        while Holds::now() != wanted {
            tokio::task::yield_now().await;
        }
    };
    drop(timeout(Duration::from_secs(10), settled).await);
    Holds::now()
}
