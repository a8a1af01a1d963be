//! One real broker for all tests of a file, and a sandbox's edge to it.

use std::sync::LazyLock;
use std::time::Duration;

use momus_engine::activity::Quiet;
use momus_engine::event::Happening;
use momus_engine::timeline::{Clock, Timeline};
use momus_environments::guardian::Guardian;
use momus_environments::servers::kafka::KafkaServer;
use momus_proxies::edge::{Edge, Protocol, Upstream};
use momus_proxies::kafka::{Broker, Credential, Namespace};
use rdkafka::ClientConfig;
use tokio::runtime::Runtime;

use crate::records::{self, guarded};

/// Services settle in this time.
pub const SETTLE: Duration = Duration::from_millis(200);

/// The broker, on a runtime of its own: each test has another, and the guardian ends what it started with its own.
static BROKER: LazyLock<(Runtime, Guardian, KafkaServer)> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let (guardian, server) = runtime.block_on(async {
        let (guardian, cache, aloud) = guarded().await;
        let server = KafkaServer::start(&guardian, &cache, "kafka", &aloud).await;
        (guardian, server.unwrap())
    });
    (runtime, guardian, server)
});

/// A caller in a sandbox, and what its edge told.
pub struct Caller {
    pub namespace: Namespace,
    pub timeline: Timeline,
    pub edge: Edge,
}

/// The broker.
pub async fn server() -> &'static KafkaServer {
    tokio::task::spawn_blocking(|| &BROKER.2).await.unwrap()
}

impl Caller {
    /// A caller whose sandbox has this name; no two tests of a file may use the same.
    pub async fn new(sandbox: &str) -> Self {
        Self::with(sandbox, server().await.credential().clone()).await
    }

    /// A caller whose edge presents this to the broker.
    pub async fn with(sandbox: &str, credential: Credential) -> Self {
        let timeline = Timeline::new(Clock::start(), 0, sandbox);
        timeline.activity().settles_in(Some(SETTLE));
        let activity = timeline.activity().clone();
        let namespace = Namespace::new("shop", format!("{sandbox}."), Broker::Real, activity);
        Self::at("shop", namespace.with_credential(credential), timeline).await
    }

    /// Another caller of the same sandbox.
    pub async fn beside(&self, name: &str) -> Self {
        Self::at(name, self.namespace.beside(name), self.timeline.clone()).await
    }

    async fn at(name: &str, namespace: Namespace, timeline: Timeline) -> Self {
        let broker = server().await.address();
        let edge = Edge::listen(
            name,
            "kafka",
            Upstream::Tcp(broker.parse().unwrap()),
            Protocol::Kafka(namespace.clone()),
            timeline.clone(),
        );
        let edge = edge.await.unwrap();
        Self {
            namespace,
            timeline,
            edge,
        }
    }

    /// What keeps the sandbox from being quiet, if anything does.
    pub fn going_on(&self) -> Option<String> {
        match self.timeline.activity().quiet() {
            Quiet::Yes { .. } => None,
            Quiet::NotYet { why, .. } | Quiet::Hidden { why } => Some(why),
        }
    }

    /// A client's configuration.
    pub fn config(&self, settings: &[(&str, &str)]) -> ClientConfig {
        records::config(&self.edge, settings)
    }

    /// The calls that stand on the timeline, with their errors, one a line.
    pub fn calls(&self) -> Vec<String> {
        let call = |happening| match happening {
            Happening::KafkaCall { api, about, error, .. } => Some(match error {
                Some(error) => format!("{api} {about}: error {error}"),
                None => format!("{api} {about}"),
            }),
            Happening::Connection { what, .. } if what.starts_with("reset") => Some(what),
            _ => None,
        };
        let events = self.timeline.snapshot().into_iter();
        events.filter_map(|event| call(event.happening)).collect()
    }
}
