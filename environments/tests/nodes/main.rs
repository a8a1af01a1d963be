//! A broker of three nodes, behind the edges of two sandboxes. One test alone: three JVMs are much for a machine.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod caller;
#[path = "../records/mod.rs"]
mod records;
mod told;

use std::collections::BTreeSet;
use std::time::Instant;

use futures::future::join_all;
use momus_environments::guardian::{Exit, Guardian, Signal};
use momus_environments::servers::kafka::{KafkaServer, NewTopic, Node};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};

use crate::caller::{Caller, NODES, PARTITIONS, SOON, TOPIC, aside, next};
use crate::records::guarded;

/// How many records are written before a node dies, and behind it.
const BEFORE: usize = 60;
const ALL: usize = 240;

async fn start() -> (Guardian, KafkaServer) {
    let (guardian, cache, aloud) = guarded().await;
    // What a machine does once is not told as the cluster's.
    momus_environments::servers::kafka::Distribution::get(&guardian, &cache, &aloud)
        .await
        .unwrap();
    let began = Instant::now();
    let server = KafkaServer::start_nodes(&guardian, &cache, "kafka", NODES, &aloud).await;
    eprintln!("{NODES} nodes ready after {:?}", began.elapsed());
    (guardian, server.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_are_one_broker_of_which_one_may_die() {
    let (guardian, server) = start().await;
    let (one, other) = (Caller::new(&server, "s0").await, Caller::new(&server, "s1").await);
    for sandbox in ["s0", "s1"] {
        let topic = NewTopic {
            name: format!("{sandbox}.{TOPIC}"),
            partitions: PARTITIONS,
            config: Vec::new(),
        };
        assert_eq!(server.create_topics(vec![topic]).await.unwrap(), []);
    }
    told::only_the_edges_addresses_are(&one).await;
    told::only_the_edges_addresses_are(&other).await;
    told::topics_are_replicated(&one).await;
    carries_transactions_of_two_sandboxes(&one, &other).await;
    removes_groups_at_each_node(&server, &one, &other).await;
    survives_the_death_of_a_node(&server, &one).await;
    server.stop().await.unwrap();
    assert!(guardian.close().await.unwrap().is_empty());
}

fn transactional(caller: &Caller) -> FutureProducer {
    caller.config(&[("transactional.id", "settle")]).create().unwrap()
}

/// Writes to every partition within a transaction, which is left open.
async fn begins(producer: &FutureProducer, payload: &str) {
    producer.begin_transaction().unwrap();
    for partition in 0..PARTITIONS {
        let payload = format!("{payload} {partition}");
        let record = FutureRecord::to(TOPIC).key("k").payload(&payload);
        let sent = producer.send(record.partition(partition.cast_signed()), SOON).await;
        sent.unwrap();
    }
}

async fn carries_transactions_of_two_sandboxes(one: &Caller, other: &Caller) {
    let producers = [transactional(one), transactional(other)];
    let [ours, theirs] = aside(move || {
        for producer in &producers {
            producer.init_transactions(SOON).unwrap();
        }
        producers
    })
    .await;
    let settings = [("isolation.level", "read_committed")];
    let (first, second) = (one.member("billing", &settings), other.member("billing", &settings));
    begins(&ours, "aborted").await;
    begins(&theirs, "their").await;
    let producer = ours.clone();
    aside(move || producer.abort_transaction(SOON).unwrap()).await;
    begins(&ours, "our").await;
    aside(move || {
        ours.commit_transaction(SOON).unwrap();
        theirs.commit_transaction(SOON).unwrap();
    })
    .await;
    for (consumer, whose) in [(&first, "our"), (&second, "their")] {
        let mut received = BTreeSet::new();
        for _ in 0..PARTITIONS {
            received.insert(next(consumer).await);
        }
        let wanted = (0..PARTITIONS).map(|partition| format!("{whose} {partition}"));
        assert_eq!(received, wanted.collect());
        consumer.commit_consumer_state(CommitMode::Sync).unwrap();
    }
    // The clients that wrote and read are there still.
    assert_eq!(one.entered(), one.ports(), "a connection came to each node's address");
    for caller in [one, other] {
        let client: BaseConsumer = caller.config(&[]).create().unwrap();
        let (topics, groups) = aside(move || {
            let metadata = client.fetch_metadata(None, SOON).unwrap();
            let groups = client.fetch_group_list(None, SOON).unwrap();
            let topics = metadata.topics().iter().map(|topic| topic.name().to_owned());
            let groups = groups.groups().iter().map(|group| group.name().to_owned());
            (topics.collect::<Vec<_>>(), groups.collect::<Vec<_>>())
        })
        .await;
        assert_eq!((topics, groups), (vec![TOPIC.to_owned()], vec!["billing".to_owned()]));
    }
    aside(move || drop((first, second))).await;
}

/// Groups have coordinators on several nodes, and go with their sandbox all the same.
async fn removes_groups_at_each_node(server: &KafkaServer, one: &Caller, other: &Caller) {
    let coordinators = told::commits_for_groups(one).await;
    assert!(coordinators.len() > 1, "{coordinators:?}");
    told::commits_for_groups(other).await;
    let of = async |prefix: &str| {
        let groups = server.groups().await.unwrap().into_iter();
        groups.filter(|group| group.starts_with(prefix)).count()
    };
    assert_eq!((of("s0.").await, of("s1.").await), (told::GROUPS + 1, told::GROUPS + 1));
    server.delete_groups("s0.").await.unwrap();
    assert_eq!((of("s0.").await, of("s1.").await), (0, told::GROUPS + 1));
    server.delete_groups("s1.").await.unwrap();
    server.delete_topics(Vec::new(), "s1.").await.unwrap();
}

async fn writes(producer: &FutureProducer, numbers: std::ops::Range<usize>) {
    let sent = numbers.map(|number| async move {
        let payload = format!("record {number}");
        let partition = i32::try_from(number).unwrap() % PARTITIONS.cast_signed();
        let record = FutureRecord::to(TOPIC).key("k").payload(&payload).partition(partition);
        producer.send(record, SOON).await.unwrap();
    });
    join_all(sent).await;
}

async fn survives_the_death_of_a_node(server: &KafkaServer, caller: &Caller) {
    let settings = [("acks", "all"), ("enable.idempotence", "true"), ("linger.ms", "0")];
    let producer: FutureProducer = caller.config(&settings).create().unwrap();
    let consumer = caller.member("shipping", &[]);
    let reads = async {
        let mut received = BTreeSet::new();
        while received.len() < ALL {
            let record = next(&consumer).await;
            // What came before it is of transactions.
            if record.starts_with("record ") {
                received.insert(record);
            }
        }
        received
    };
    let lives = async {
        caller.holds(PARTITIONS as usize).await;
        writes(&producer, 0..BEFORE).await;
        let dying: &Node = server.nodes().last().unwrap();
        dying.child().signal(Signal::KILL).await.unwrap();
        assert_eq!(server.exited().await, Exit::Signal(9));
        let began = Instant::now();
        writes(&producer, BEFORE..ALL).await;
        eprintln!("written within {:?} of a node's death", began.elapsed());
    };
    let (received, ()) = tokio::join!(reads, lives);
    assert_eq!(received, (0..ALL).map(|number| format!("record {number}")).collect());
    told::only_these_are_left(caller, NODES - 1).await;
    aside(move || drop(consumer)).await;
}
