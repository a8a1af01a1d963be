//! One real broker for all of the tables, and sandboxes on it.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use momus_engine::activity::Quiet;
use momus_engine::event::Happening;
use momus_engine::timeline::{Clock, Timeline};
use momus_environments::cache::{Cache, Progress};
use momus_environments::guardian::{Guardian, Launcher, RunId};
use momus_environments::servers::kafka::{Distribution, KafkaServer, Ports};
use momus_proxies::edge::{Edge, Entrance, Protocol, Upstream};
use momus_proxies::kafka::{Broker, Namespace};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::recording;
use super::tap::Tap;
use crate::trust::Trust;

/// The broker, on a runtime of its own: each test has another, and the guardian ends what it started with its own.
static BROKER: LazyLock<(Runtime, Guardian, KafkaServer)> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let (guardian, server) = runtime.block_on(async {
        let cache = Cache::of_user().unwrap();
        let launcher = Launcher {
            program: env!("CARGO_BIN_EXE_momus").into(),
            arguments: vec!["guardian".into()],
        };
        let guardian = Guardian::start(&launcher, &cache, RunId::random()).await.unwrap();
        let aloud: Progress = Arc::new(|text| eprintln!("{text}"));
        let server = KafkaServer::start_on(&guardian, &cache, "kafka", &aloud, Ports::free_and_open).await;
        (guardian, server.unwrap())
    });
    (runtime, guardian, server)
});

async fn server() -> &'static KafkaServer {
    tokio::task::spawn_blocking(|| &BROKER.2).await.unwrap()
}

/// Brokers of their own: what each of these sandboxes has for itself.
async fn its_own() -> KafkaServer {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let started = async || {
        let (_, guardian, _) = &*BROKER;
        let cache = Cache::of_user().unwrap();
        let silent: Progress = Arc::new(|_| ());
        let distribution = Distribution::get(guardian, &cache, &silent).await.unwrap();
        let name = format!("own-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        KafkaServer::start_from(guardian, &distribution, &name, 1)
            .await
            .unwrap()
    };
    let start = move || BROKER.0.block_on(started());
    tokio::task::spawn_blocking(start).await.unwrap()
}

/// The broker's own address, where it asks nobody for its credential.
pub async fn direct() -> String {
    server().await.open_address().unwrap()
}

/// How long a program's end may take to be noticed.
const SOON: Duration = Duration::from_secs(20);

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some((front, _)) = &self.front {
            let run_folder = BROKER.1.run_folder();
            front.record("", run_folder);
            self.tap.record(&self.prefix, run_folder);
        }
    }
}

/// A sandbox on the broker, with an edge of one caller, and what was seen behind it.
pub struct Sandbox {
    /// What stands before its names on the broker.
    pub prefix: String,
    edge: Edge,
    tap: Tap,
    /// Where its client is recorded, what it says to the edge, and where the edge serves behind that.
    front: Option<(Tap, Entrance)>,
    timeline: Timeline,
    /// The broker that it has for itself, if it has one.
    own: Option<KafkaServer>,
}

impl Sandbox {
    /// A new one, with a name that no other has. Where somebody is to be trusted, TLS ends at its edge.
    pub async fn new(trust: Option<&Trust>) -> Self {
        Self::on(server().await, Broker::Real, trust).await
    }

    /// As [`new`](Self::new), on a broker that it has for itself.
    pub async fn with_its_own(trust: Option<&Trust>) -> Self {
        let own = its_own().await;
        let mut sandbox = Self::on(&own, Broker::Own, trust).await;
        sandbox.own = Some(own);
        sandbox
    }

    async fn on(server: &KafkaServer, broker: Broker, trust: Option<&Trust>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("mx{}z", NEXT.fetch_add(1, Ordering::Relaxed));
        let tap = Tap::before(server.address().parse().unwrap()).await;
        let timeline = Timeline::new(Clock::start(), 0, name.as_str());
        timeline.activity().settles_in(Some(Duration::ZERO));
        let prefix = format!("{name}.");
        let namespace = Namespace::new("shop", &prefix, broker, timeline.activity().clone())
            .with_credential(server.credential().clone());
        let (upstream, protocol) = (Upstream::Tcp(tap.address()), Protocol::Kafka(namespace));
        let mut front = None;
        let edge = match trust {
            None if recording::is_on() => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
                let tap = Tap::before(listener.local_addr().unwrap()).await;
                let ends = ("shop", "kafka");
                let edge = Edge::at(
                    (tap.address(), Vec::new()),
                    ends,
                    upstream,
                    protocol,
                    None,
                    timeline.clone(),
                );
                front = Some((tap, edge.serve(listener)));
                Ok(edge)
            }
            None => Edge::listen("shop", "kafka", upstream, protocol, timeline.clone()).await,
            Some(trust) => {
                let identity = trust.identity("kafka");
                Edge::listen_tls("shop", "kafka", upstream, protocol, &identity, timeline.clone()).await
            }
        };
        let edge = edge.unwrap();
        Self {
            prefix,
            edge,
            tap,
            front,
            timeline,
            own: None,
        }
    }

    /// Where its client connects.
    pub fn address(&self) -> String {
        self.edge.address().to_string()
    }

    /// The requests that were seen on the wire, with their versions.
    pub fn wire(&self) -> Vec<String> {
        self.tap.seen()
    }

    /// What a program that ended said, once its sandbox is quiet: no call, member or transaction of it is held for one that
    /// is still under way. A group that nobody reads for any more may be behind.
    pub async fn settled(&self, said: Result<String, String>) -> Result<String, String> {
        let activity = self.timeline.activity();
        let mut changes = activity.changes();
        let ongoing = || match activity.quiet() {
            Quiet::Yes { .. } => None,
            Quiet::NotYet { why, .. } | Quiet::Hidden { why } => {
                Some(why).filter(|why| !why.contains("no member has the partition"))
            }
        };
        let quiet = async { while ongoing().is_some() && changes.changed().await.is_ok() {} };
        match timeout(SOON, quiet).await {
            Ok(()) => self.check(said),
            Err(_) => self
                .check(said)
                .and_then(|_| Err(format!("it is not quiet: {:?}", ongoing()))),
        }
    }

    /// What a program said, unless its sandbox shows in it, its edge cut it off, or it sent nothing there.
    pub fn check(&self, said: Result<String, String>) -> Result<String, String> {
        let said = match said {
            Ok(said) if said.contains(self.prefix.trim_end_matches('.')) => Err(format!("its sandbox shows: {said}")),
            said => said,
        };
        let events = self.timeline.snapshot().into_iter();
        let cuts: Vec<_> = events
            .filter_map(|event| match event.happening {
                Happening::Connection { what, .. } if what.starts_with("reset") => Some(what),
                _ => None,
            })
            .collect();
        match said {
            Err(error) => Err(format!("{error}\n{}\n{}", cuts.join("\n"), self.wire().join(" "))),
            Ok(_) if cuts.iter().any(|cut| cut.contains("did not offer")) => Err(cuts.join("\n")),
            Ok(_) if self.wire().is_empty() => Err("nothing was seen on the wire".to_owned()),
            Ok(said) => Ok(said),
        }
    }
}
