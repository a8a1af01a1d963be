//! A caller of the mock cluster behind its edge, and its clients.

use std::net::SocketAddr;
use std::time::Duration;

use momus_engine::activity::Quiet;
use momus_engine::event::Happening;
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Edge, Protocol, Upstream};
use momus_proxies::kafka::{Broker, Namespace};
use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::message::Message;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord};
use tokio::time::timeout;

pub const SOON: Duration = Duration::from_secs(20);

pub type Mock = MockCluster<'static, DefaultProducerContext>;

/// A caller's edge to the mock cluster, in the sandbox of a prefix.
pub struct Caller {
    pub namespace: Namespace,
    pub timeline: Timeline,
    pub edge: Edge,
}

/// Services settle in this time.
pub const SETTLE: Duration = Duration::from_millis(200);

impl Caller {
    /// A service in the sandbox of this prefix.
    pub async fn new(mock: &Mock, prefix: &str) -> Self {
        let timeline = Timeline::new(Clock::start(), 0, prefix);
        timeline.activity().settles_in(Some(SETTLE));
        let namespace = Namespace::new("shop", prefix, Broker::Mock, timeline.activity().clone());
        Self::at(mock, "shop", namespace, timeline).await
    }

    /// Another caller of the same sandbox.
    pub async fn beside(&self, mock: &Mock, name: &str) -> Self {
        Self::at(mock, name, self.namespace.beside(name), self.timeline.clone()).await
    }

    async fn at(mock: &Mock, name: &str, namespace: Namespace, timeline: Timeline) -> Self {
        let addresses = mock.bootstrap_servers();
        let nodes: Vec<SocketAddr> = addresses.split(',').map(|node| node.parse().unwrap()).collect();
        let edge = Edge::listen(
            name,
            "kafka",
            Upstream::Nodes(nodes),
            Protocol::Kafka(namespace.clone()),
            timeline.clone(),
        )
        .await
        .unwrap();
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

    /// Waits until what keeps the sandbox from being quiet reads like this.
    pub async fn is_kept_by(&self, text: &str) {
        self.sees(text, |seen| seen.is_some_and(|seen| seen.contains(text)))
            .await;
    }

    /// Waits until the sandbox is quiet.
    pub async fn is_quiet(&self) {
        self.sees("nothing", |seen| seen.is_none()).await;
    }

    async fn sees(&self, wanted: &str, is_it: impl Fn(Option<&str>) -> bool) {
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        let seen = async {
            while !is_it(self.going_on().as_deref()) {
                looks.tick().await;
            }
        };
        let seen = timeout(SOON, seen).await;
        assert!(seen.is_ok(), "{wanted} is expected to go on, not {:?}", self.going_on());
    }

    pub fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.edge.address().to_string());
        config
    }

    pub fn producer(&self) -> FutureProducer {
        self.config().create().unwrap()
    }

    pub fn consumer(&self, group: &str, settings: &[(&str, &str)]) -> StreamConsumer {
        let mut config = self.config();
        config.set("group.id", group).set("auto.offset.reset", "earliest");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        let consumer: StreamConsumer = config.create().unwrap();
        consumer.subscribe(&["orders.v1"]).unwrap();
        consumer
    }

    /// The calls that stand on the timeline: their APIs, what they were about, and their errors.
    pub fn calls(&self) -> Vec<(String, String, Option<i16>)> {
        let call = |happening| match happening {
            Happening::KafkaCall { api, about, error, .. } => Some((api, about, error)),
            _ => None,
        };
        let events = self.timeline.snapshot().into_iter();
        events.filter_map(|event| call(event.happening)).collect()
    }

    /// What connections came to.
    pub fn ends(&self) -> Vec<String> {
        let what = |happening| match happening {
            Happening::Connection { what, .. } => Some(what),
            _ => None,
        };
        let events = self.timeline.snapshot().into_iter();
        events.filter_map(|event| what(event.happening)).collect()
    }

    /// Waits until a connection has ended in a way that says this.
    pub async fn sees_end(&self, text: &str) {
        let mut bell = self.timeline.bell();
        let seen = async {
            while !self.ends().iter().any(|what| what.contains(text)) {
                bell.changed().await.unwrap();
            }
        };
        let seen = timeout(SOON, seen).await;
        assert!(seen.is_ok(), "{text}: {:?}", self.ends());
    }
}

/// A cluster that holds the topic under the names of these sandboxes.
pub fn mock(prefixes: &[&str]) -> Mock {
    mock_of(1, prefixes)
}

/// The same, of so many nodes, which lead two partitions of it each.
pub fn mock_of(nodes: i32, prefixes: &[&str]) -> Mock {
    let mock = MockCluster::new(nodes).unwrap();
    for prefix in prefixes {
        mock.create_topic(&format!("{prefix}orders.v1"), 2 * nodes, 1).unwrap();
    }
    mock
}

pub async fn send(producer: &FutureProducer, payload: &str) {
    let record = FutureRecord::to("orders.v1").key("k").payload(payload).partition(0);
    producer.send(record, SOON).await.unwrap();
}

pub async fn next(consumer: &StreamConsumer) -> String {
    let message = timeout(SOON, consumer.recv()).await.unwrap().unwrap();
    assert_eq!(message.topic(), "orders.v1");
    String::from_utf8(message.payload().unwrap().to_vec()).unwrap()
}

/// Has the consumer join its group, for as long as this is awaited.
pub async fn receives_nothing(consumer: &StreamConsumer) {
    loop {
        // An error is of a connection, which librdkafka makes anew.
        if let Ok(message) = consumer.recv().await {
            panic!("there is nothing to receive: {message:?}");
        }
    }
}
