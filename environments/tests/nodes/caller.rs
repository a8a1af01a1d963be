//! A caller in a sandbox, its edge to all nodes, and its clients.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use momus_engine::timeline::{Clock, Timeline};
use momus_environments::servers::kafka::KafkaServer;
use momus_proxies::edge::{Edge, Protocol, Upstream};
use momus_proxies::kafka::{Broker, Namespace};
use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use tokio::time::timeout;

use crate::records;
pub use crate::records::aside;

pub const NODES: usize = 3;
pub const TOPIC: &str = "orders.v1";
pub const PARTITIONS: u32 = 6;
pub const SOON: Duration = Duration::from_secs(60);

pub struct Caller {
    pub edge: Edge,
    namespace: Namespace,
}

impl Caller {
    /// A caller in the sandbox of this name.
    pub async fn new(server: &KafkaServer, sandbox: &str) -> Self {
        let timeline = Timeline::new(Clock::start(), 0, sandbox);
        let activity = timeline.activity().clone();
        let namespace = Namespace::new("shop", format!("{sandbox}."), Broker::Real, activity);
        let namespace = namespace.with_credential(server.credential().clone());
        let nodes = server.nodes().map(|node| node.address().parse().unwrap());
        let upstream = Upstream::Nodes(nodes.collect());
        let protocol = Protocol::Kafka(namespace.clone());
        let edge = Edge::listen("shop", "kafka", upstream, protocol, timeline)
            .await
            .unwrap();
        Self { edge, namespace }
    }

    pub fn config(&self, settings: &[(&str, &str)]) -> ClientConfig {
        records::config(&self.edge, settings)
    }

    pub fn member(&self, group: &str, settings: &[(&str, &str)]) -> StreamConsumer {
        let mut config = self.config(&[("auto.offset.reset", "earliest"), ("enable.auto.commit", "false")]);
        config.set("group.id", group);
        for (key, value) in settings {
            config.set(*key, *value);
        }
        let consumer: StreamConsumer = config.create().unwrap();
        consumer.subscribe(&[TOPIC]).unwrap();
        consumer
    }

    /// Waits until its members hold so many partitions.
    pub async fn holds(&self, count: usize) {
        let mut assigned = self.namespace.assigned();
        let held = timeout(SOON, assigned.wait_for(|held| held.len() == count)).await;
        drop(held.unwrap().unwrap());
    }

    /// The ports of the edge.
    pub fn ports(&self) -> BTreeSet<u16> {
        self.edge.addresses().map(|address| address.port()).collect()
    }

    /// Those of them by which connections came that are open.
    pub fn entered(&self) -> BTreeSet<u16> {
        let listed = fs::read_to_string("/proc/self/net/tcp").unwrap();
        let open = listed.lines().skip(1).filter_map(|line| {
            // As proc_pid_net(5) has it: the local address second, the state fourth (01 is established).
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let (_, port) = words[1].rsplit_once(':')?;
            (words[3] == "01").then(|| u16::from_str_radix(port, 16).unwrap())
        });
        open.filter(|port| self.ports().contains(port)).collect()
    }
}

pub async fn next(consumer: &StreamConsumer) -> String {
    records::next(consumer, SOON).await
}
