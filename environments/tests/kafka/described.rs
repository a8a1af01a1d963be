//! What the newer calls of admin clients tell of topics, producers and transactions is the sandbox's own.

use std::fmt::Debug;

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest as Asked};
use kafka_protocol::messages::{
    DescribeProducersRequest, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
    DescribeTransactionsRequest, ListTransactionsRequest, TopicName, TransactionalId,
};
use kafka_protocol::protocol::{Request, StrBytes};
use momus_environments::servers::kafka::conversation::Conversation;
use rdkafka::producer::{FutureProducer, Producer};
use tokio::time::timeout;

use crate::broker::Caller;
use crate::clients::{SOON, admin, aside, make, producer, send, with_topic};

const LIMIT: i32 = 2000;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

async fn talk(caller: &Caller) -> Conversation {
    Conversation::open(&caller.edge.address().to_string()).await.unwrap()
}

/// What is answered, which tells nothing of any sandbox's name.
async fn ask<R: Request<Response: Debug>>(to: &mut Conversation, request: &R, version: i16) -> R::Response {
    let answer = to.ask(request, version).await.unwrap();
    let told = format!("{answer:?}");
    assert!(!told.contains("described"), "{told}");
    answer
}

fn names(answer: &DescribeTopicPartitionsResponse) -> Vec<(&str, usize)> {
    let topics = answer.topics.iter();
    topics
        .map(|topic| (topic.name.as_ref().unwrap().as_str(), topic.partitions.len()))
        .collect()
}

/// A producer whose transaction with a record in it is open.
async fn opened(caller: &Caller) -> FutureProducer {
    let producer = producer(caller, &[("transactional.id", "settle")]);
    let producer = aside(move || {
        producer.init_transactions(SOON).unwrap();
        producer
    })
    .await;
    producer.begin_transaction().unwrap();
    send(&producer, "orders.v1", 0, "open").await;
    producer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_topics_begin_and_end_with_the_sandboxs() {
    let (before, caller, after) = (
        with_topic("described1", "orders.v1").await,
        with_topic("described2", "orders.v1").await,
        with_topic("described3", "orders.v1").await,
    );
    make(&admin(&caller), "invoices.v1", 1).await.unwrap();
    let mut told = talk(&caller).await;
    let all = DescribeTopicPartitionsRequest::default().with_response_partition_limit(LIMIT);
    // The broker shows topics a little after it made them, in the order in which it did: the last to be made comes last.
    let shown = async {
        loop {
            let answer = ask(&mut told, &all, 0).await;
            if names(&answer).contains(&("invoices.v1", 1)) {
                break answer;
            }
        }
    };
    let answer = timeout(SOON, shown).await.unwrap();
    assert_eq!(names(&answer), [("invoices.v1", 1), ("orders.v1", 3)]);
    assert_eq!(answer.next_cursor, None);

    // Page by page: the cursor that is told is one that can be asked for.
    let first = ask(&mut told, &all.clone().with_response_partition_limit(2), 0).await;
    assert_eq!(names(&first), [("invoices.v1", 1), ("orders.v1", 1)]);
    let next = first.next_cursor.unwrap();
    assert_eq!((next.topic_name.as_str(), next.partition_index), ("orders.v1", 1));
    let cursor = Cursor::default()
        .with_topic_name(next.topic_name)
        .with_partition_index(1);
    let rest = all.clone().with_cursor(Some(cursor)).with_response_partition_limit(2);
    let rest = ask(&mut told, &rest, 0).await;
    assert_eq!(names(&rest), [("orders.v1", 2)]);
    assert_eq!(rest.next_cursor, None, "what comes next is another sandbox's");

    let asked = ["orders.v1", "nothing"].map(|name| Asked::default().with_name(topic(name)));
    let answer = ask(&mut told, &all.with_topics(asked.to_vec()), 0).await;
    assert_eq!(names(&answer), [("nothing", 0), ("orders.v1", 3)]);
    drop((before, after));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_and_producers_are_the_sandboxs_own() {
    let (caller, other) = (
        with_topic("described4", "orders.v1").await,
        with_topic("described5", "orders.v1").await,
    );
    let (ours, theirs) = (opened(&caller).await, opened(&other).await);
    let mut told = talk(&caller).await;
    let listed = ask(&mut told, &ListTransactionsRequest::default(), 1).await;
    let [only] = &listed.transaction_states[..] else {
        panic!("{listed:?}");
    };
    assert_eq!(only.transactional_id.as_str(), "settle");
    for (pattern, count) in [("^set.*", 1), ("tle", 0)] {
        let like = ListTransactionsRequest::default().with_transactional_id_pattern(Some(text(pattern)));
        let listed = ask(&mut told, &like, 2).await;
        assert_eq!(listed.transaction_states.len(), count, "{pattern}");
    }

    let asked = DescribeTransactionsRequest::default().with_transactional_ids(vec![TransactionalId(text("settle"))]);
    let described = ask(&mut told, &asked, 0).await;
    let state = &described.transaction_states[0];
    assert_eq!((state.error_code, state.topics[0].topic.as_str()), (0, "orders.v1"));
    assert_eq!(state.producer_id, only.producer_id);

    let asked = TopicRequest::default()
        .with_name(topic("orders.v1"))
        .with_partition_indexes(vec![0]);
    let asked = DescribeProducersRequest::default().with_topics(vec![asked]);
    let described = ask(&mut told, &asked, 0).await;
    assert_eq!(described.topics[0].name.as_str(), "orders.v1");
    let producers = &described.topics[0].partitions[0].active_producers;
    assert_eq!(producers.len(), 1, "{described:?}");
    assert_eq!(producers[0].producer_id, *only.producer_id);
    aside(move || {
        ours.abort_transaction(SOON).unwrap();
        theirs.abort_transaction(SOON).unwrap();
    })
    .await;
}
