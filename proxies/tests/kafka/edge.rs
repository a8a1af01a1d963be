//! What passes an edge, and what does not.

use std::collections::BTreeSet;
use std::time::Duration;

use momus_engine::injection::Strikes;
use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::caller::{Caller, SOON, mock, next, receives_nothing, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_arrives_whole_and_the_calls_stand_on_the_timeline() {
    let mock = mock(&["m1-"]);
    let shop = Caller::new(&mock, "m1-").await;
    let headers = OwnedHeaders::new().insert(Header {
        key: "trace",
        value: Some("7"),
    });
    let record = FutureRecord::to("orders.v1")
        .key("k")
        .payload("v")
        .headers(headers)
        .partition(1);
    shop.producer().send(record, SOON).await.unwrap();
    let consumer = shop.consumer("billing", &[]);
    let message = timeout(SOON, consumer.recv()).await.unwrap().unwrap();
    assert_eq!((message.topic(), message.partition()), ("orders.v1", 1));
    assert_eq!((message.key(), message.payload()), (Some(&b"k"[..]), Some(&b"v"[..])));
    assert_eq!(message.headers().unwrap().get(0).value, Some(&b"7"[..]));
    consumer.commit_message(&message, CommitMode::Sync).unwrap();
    let calls = shop.calls();
    for (api, about) in [
        ("Produce", "orders.v1 ×1 [partition 1]"),
        ("JoinGroup", "group billing"),
        ("OffsetCommit", "group billing: orders.v1 [partition 1] at 1"),
    ] {
        let call = (api.to_owned(), about.to_owned(), None);
        assert!(calls.contains(&call), "{call:?} in {calls:?}");
    }
    assert!(shop.namespace.lacking().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sandboxes_with_equal_names_see_nothing_of_each_other() {
    let mock = mock(&["m1-", "m2-"]);
    let (one, other) = (Caller::new(&mock, "m1-").await, Caller::new(&mock, "m2-").await);
    let (first, second) = (one.consumer("billing", &[]), other.consumer("billing", &[]));
    let (from, to) = (one.producer(), other.producer());
    for number in 0..20 {
        send(&from, &format!("one {number}")).await;
        send(&to, &format!("other {number}")).await;
    }
    for number in 0..20 {
        assert_eq!(next(&first).await, format!("one {number}"));
        assert_eq!(next(&second).await, format!("other {number}"));
    }
    let listed = |caller: &Caller| {
        let consumer: BaseConsumer = caller.config().create().unwrap();
        let metadata = consumer.fetch_metadata(None, SOON).unwrap();
        let topics = metadata.topics().iter().map(|topic| topic.name().to_owned());
        let brokers = metadata.brokers().iter().map(|broker| broker.port());
        (
            topics.collect::<Vec<_>>(),
            brokers.collect::<Vec<_>>(),
            caller.edge.address().port(),
        )
    };
    for caller in [&one, &other] {
        let (topics, brokers, port) = listed(caller);
        assert_eq!(topics, ["orders.v1"]);
        assert_eq!(brokers, [i32::from(port)]);
    }
}

/// Both group protocols: every partition is assigned to whoever joins, and to nobody once all left.
async fn is_assigned_and_left(settings: &[(&str, &str)]) {
    let mock = mock(&["m1-"]);
    let shop = Caller::new(&mock, "m1-").await;
    let mut assigned = shop.namespace.assigned();
    assert!(assigned.borrow().is_empty());
    let all = BTreeSet::from([("orders.v1".to_owned(), 0), ("orders.v1".to_owned(), 1)]);
    let consumer = shop.consumer("billing", settings);
    tokio::select! {
        () = receives_nothing(&consumer) => {}
        seen = timeout(SOON, assigned.wait_for(|seen| *seen == all)) => drop(seen.unwrap().unwrap()),
    }
    drop(tokio::task::spawn_blocking(move || drop(consumer)));
    timeout(SOON, assigned.wait_for(BTreeSet::is_empty))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_classic_groups_partitions_are_known_while_it_has_them() {
    is_assigned_and_left(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_protocols_partitions_are_known_while_it_has_them() {
    is_assigned_and_left(&[("group.protocol", "consumer")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_a_killed_caller_are_forgotten() {
    let mock = mock(&["m1-"]);
    let shop = Caller::new(&mock, "m1-").await;
    let mut assigned = shop.namespace.assigned();
    let consumer = shop.consumer("billing", &[]);
    tokio::select! {
        () = receives_nothing(&consumer) => {}
        seen = timeout(SOON, assigned.wait_for(|seen| seen.len() == 2)) => drop(seen.unwrap().unwrap()),
    }
    // One that is dropped in the moment in which it is given its partitions waits for ever (librdkafka 2.12.1:
    // `rd_kafka_assign` within the poll of its closing).
    let has_them = async {
        while consumer.assignment().unwrap().count() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = receives_nothing(&consumer) => {}
        has = timeout(SOON, has_them) => has.unwrap(),
    }
    shop.namespace.forget_members();
    assert!(assigned.borrow_and_update().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_edge_holds_records_back_until_it_is_healed() {
    let mock = mock(&["m1-"]);
    let shop = Caller::new(&mock, "m1-").await;
    let (producer, consumer) = (shop.producer(), shop.consumer("billing", &[]));
    send(&producer, "before").await;
    assert_eq!(next(&consumer).await, "before");
    let strikes = Strikes::new("a cut", shop.timeline.clone());
    let cut = shop.edge.cut(strikes.clone());
    let sent = tokio::spawn(async move { send(&producer, "held").await });
    let held = timeout(Duration::from_millis(500), consumer.recv()).await;
    assert!(held.is_err() && !sent.is_finished());
    assert!(strikes.count() > 0);
    cut.heal();
    assert_eq!(next(&consumer).await, "held");
    timeout(SOON, sent).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_not_there_is_not_made_by_who_asks_for_it() {
    let mock = mock(&["m1-"]);
    let shop = Caller::new(&mock, "m1-").await;
    let topics = |client: FutureProducer, topic: Option<&str>| {
        let known = client.client().fetch_metadata(topic, SOON).unwrap();
        let topics = known.topics().iter();
        topics
            .map(|topic| (topic.name().to_owned(), topic.error()))
            .collect::<Vec<_>>()
    };
    let unknown = rdkafka::types::RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    assert_eq!(
        topics(shop.producer(), Some("nowhere.v1")),
        [("nowhere.v1".to_owned(), Some(unknown))]
    );
    assert_eq!(topics(shop.producer(), None), [("orders.v1".to_owned(), None)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_mock_cluster_lacks_is_named() {
    let mock = mock(&["m1-"]);
    let shop = Caller::new(&mock, "m1-").await;
    let admin: AdminClient<DefaultClientContext> = shop.config().create().unwrap();
    let topic = NewTopic::new("invoices.v1", 3, TopicReplication::Fixed(1));
    let options = AdminOptions::new().request_timeout(Some(SOON));
    let made = timeout(SOON, admin.create_topics([&topic], &options)).await;
    let refused = Err(("invoices.v1".to_owned(), RDKafkaErrorCode::UnsupportedVersion));
    assert_eq!(made.unwrap().unwrap(), [refused]);
    let consumer: BaseConsumer = shop.config().set("group.id", "billing").create().unwrap();
    let mut times = TopicPartitionList::new();
    times
        .add_partition_offset("orders.v1", 0, rdkafka::Offset::Offset(1))
        .unwrap();
    drop(consumer.offsets_for_times(times, SOON));
    let producer: FutureProducer = shop.config().set("transactional.id", "settle").create().unwrap();
    producer.init_transactions(SOON).unwrap();
    assert_eq!(
        shop.namespace.lacking(),
        ["CreateTopics", "ListOffsets", "InitProducerId"]
    );
    let call = (
        "CreateTopics".to_owned(),
        "invoices.v1 (3 partitions)".to_owned(),
        Some(35),
    );
    assert!(shop.calls().contains(&call), "{:?}", shop.calls());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_claims_two_gigabytes_closes_the_connection_with_a_reason() {
    let mock = mock(&[]);
    let shop = Caller::new(&mock, "m1-").await;
    let mut client = TcpStream::connect(shop.edge.address()).await.unwrap();
    client.write_all(&i32::MAX.to_be_bytes()).await.unwrap();
    assert!(timeout(SOON, client.read_u8()).await.unwrap().is_err());
    shop.sees_end("claims 2147483647 bytes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_was_not_offered_closes_the_connection_with_a_reason() {
    let mock = mock(&[]);
    let shop = Caller::new(&mock, "m1-").await;
    let mut client = TcpStream::connect(shop.edge.address()).await.unwrap();
    // DescribeAcls (29) in version 1, correlation id 7, no client id.
    let request = [0, 0, 0, 10, 0, 29, 0, 1, 0, 0, 0, 7, 0xff, 0xff];
    client.write_all(&request).await.unwrap();
    assert!(timeout(SOON, client.read_u8()).await.unwrap().is_err());
    shop.sees_end("called DescribeAcls in version 1").await;
}
