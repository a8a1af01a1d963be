//! Clients of an edge: an admin, producers, members of groups.

use std::collections::BTreeSet;
use std::time::Duration;

use momus_proxies::kafka::Partition;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, StreamConsumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::types::RDKafkaErrorCode;
use tokio::time::timeout;

use crate::broker::Caller;
use crate::records;
pub use crate::records::aside;

pub const SOON: Duration = Duration::from_secs(30);

/// Has a consumer speak the protocol of KIP-848.
pub const CONSUMER: (&str, &str) = ("group.protocol", "consumer");

pub type Admin = AdminClient<DefaultClientContext>;

pub fn admin(caller: &Caller) -> Admin {
    caller.config(&[]).create().unwrap()
}

pub fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(SOON))
        .operation_timeout(Some(SOON))
}

/// Makes the topic, asking for more replicas than there are brokers, as a mesh for production does.
pub async fn make(admin: &Admin, topic: &str, partitions: i32) -> Result<String, (String, RDKafkaErrorCode)> {
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(3)).set("min.insync.replicas", "2");
    admin.create_topics([&new], &options()).await.unwrap().remove(0)
}

/// A caller with a topic of three partitions.
pub async fn with_topic(sandbox: &str, topic: &str) -> Caller {
    let caller = Caller::new(sandbox).await;
    make(&admin(&caller), topic, 3).await.unwrap();
    caller
}

pub fn producer(caller: &Caller, settings: &[(&str, &str)]) -> FutureProducer {
    let mut config = caller.config(settings);
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "0");
    config.create().unwrap()
}

pub async fn send(producer: &FutureProducer, topic: &str, partition: i32, payload: &str) {
    let record = FutureRecord::to(topic).key("k").payload(payload).partition(partition);
    producer.send(record, SOON).await.unwrap();
}

pub fn member(caller: &Caller, group: &str, topic: &str, settings: &[(&str, &str)]) -> StreamConsumer {
    let mut config = caller.config(&[("auto.offset.reset", "earliest"), ("enable.auto.commit", "false")]);
    config
        .set("group.id", group)
        .set("topic.metadata.refresh.interval.ms", "500");
    if !settings.contains(&CONSUMER) {
        config
            .set("session.timeout.ms", "2000")
            .set("heartbeat.interval.ms", "100");
    }
    for (key, value) in settings {
        config.set(*key, *value);
    }
    let consumer: StreamConsumer = config.create().unwrap();
    consumer.subscribe(&[topic]).unwrap();
    consumer
}

pub async fn next(consumer: &StreamConsumer) -> String {
    records::next(consumer, SOON).await
}

/// Polls a consumer for as long as this is awaited; it must have nothing to receive.
pub async fn receives_nothing(consumer: &StreamConsumer) {
    loop {
        if let Ok(message) = consumer.recv().await {
            panic!("there is nothing to receive: {message:?}");
        }
    }
}

/// Waits until the edge has seen that its members hold as many partitions.
pub async fn hold(caller: &Caller, count: usize) -> BTreeSet<Partition> {
    let mut assigned = caller.namespace.assigned();
    let held = timeout(SOON, assigned.wait_for(|held| held.len() == count)).await;
    let Ok(held) = held else {
        panic!("{:?}, {:?}", caller.namespace.assigned().borrow(), caller.calls());
    };
    held.unwrap().clone()
}

/// Waits until members share three partitions, each knows its own, and the edges have seen it: what each holds.
///
/// Before, and while another one leaves, no classic member is to be closed: librdkafka 2.12.1 crashes, or waits for ever, where a
/// rebalance is under way then. The edge knows of one before the member does.
pub async fn share<const N: usize>(callers: [&Caller; N], members: [&StreamConsumer; N]) -> [BTreeSet<Partition>; N] {
    let shared = async {
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        loop {
            looks.tick().await;
            let held = callers.map(|caller| caller.namespace.assigned().borrow().clone());
            let known = members.map(|member| member.assignment().unwrap().count());
            let all: usize = known.iter().sum();
            if all == 3 && !known.contains(&0) && held.each_ref().map(BTreeSet::len) == known {
                return held;
            }
        }
    };
    let polled = futures::future::join_all(members.map(receives_nothing));
    tokio::select! {
        _ = polled => unreachable!(),
        shared = timeout(SOON, shared) => shared.unwrap(),
    }
}

/// What a client sees of the cluster: the names of the topics and their numbers of partitions.
pub async fn topics(caller: &Caller) -> Vec<(String, usize)> {
    let consumer: BaseConsumer = caller.config(&[]).create().unwrap();
    aside(move || {
        let metadata = consumer.fetch_metadata(None, SOON).unwrap();
        let topics = metadata.topics().iter();
        let topics = topics.map(|topic| (topic.name().to_owned(), topic.partitions().len()));
        let mut topics: Vec<_> = topics.collect();
        // The broker names them in any order.
        topics.sort();
        topics
    })
    .await
}

pub async fn groups(caller: &Caller) -> Vec<(String, usize)> {
    let consumer: BaseConsumer = caller.config(&[]).create().unwrap();
    aside(move || {
        let list = consumer.fetch_group_list(None, SOON).unwrap();
        list.groups()
            .iter()
            .map(|group| (group.name().to_owned(), group.members().len()))
            .collect()
    })
    .await
}
