//! Groups of sandboxes that use the same names at the same time.

use std::collections::BTreeSet;

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::types::RDKafkaErrorCode;

use crate::clients::{
    CONSUMER, admin, aside, groups, hold, member, next, options, producer, receives_nothing, send, share, with_topic,
};

/// Both group protocols: two members share the partitions, the one left takes over, and whoever comes later goes on.
async fn a_group_is_shared(name: &str, settings: &[(&str, &str)]) {
    let (one, other) = (
        with_topic(&format!("{name}1"), "orders.v1").await,
        with_topic(&format!("{name}2"), "orders.v1").await,
    );
    let (from, to) = (producer(&one, &[]), producer(&other, &[]));
    for partition in 0..3 {
        send(&from, "orders.v1", partition, &format!("one {partition}")).await;
        send(&to, "orders.v1", partition, &format!("other {partition}")).await;
    }
    let second_caller = one.beside("bank").await;
    let stranger = member(&other, "billing", "orders.v1", settings);
    let first = member(&one, "billing", "orders.v1", settings);
    let mut received = BTreeSet::new();
    for _ in 0..3 {
        received.insert(next(&first).await);
    }
    assert_eq!(received, (0..3).map(|number| format!("one {number}")).collect());
    first.commit_consumer_state(CommitMode::Sync).unwrap();
    assert_eq!(hold(&one, 3).await.len(), 3);

    let second = member(&second_caller, "billing", "orders.v1", settings);
    let [of_first, of_second] = share([&one, &second_caller], [&first, &second]).await;
    assert!(of_first.is_disjoint(&of_second), "{of_first:?} {of_second:?}");
    assert_eq!(
        groups(&one).await,
        [("billing".to_owned(), if settings.contains(&CONSUMER) { 0 } else { 2 })]
    );

    aside(move || drop(first)).await;
    tokio::select! {
        () = receives_nothing(&second) => unreachable!(),
        _ = hold(&second_caller, 3) => {}
    }
    assert!(one.namespace.assigned().borrow().is_empty(), "it left");
    for partition in 0..3 {
        send(&from, "orders.v1", partition, &format!("later {partition}")).await;
    }
    let mut received = BTreeSet::new();
    for _ in 0..3 {
        received.insert(next(&second).await);
    }
    assert_eq!(received, (0..3).map(|number| format!("later {number}")).collect());
    // These are not committed, so whoever comes next begins with them.
    aside(move || drop(second)).await;
    let third = member(&one, "billing", "orders.v1", settings);
    let mut again = BTreeSet::new();
    for _ in 0..3 {
        again.insert(next(&third).await);
    }
    assert_eq!(again, received);
    for _ in 0..3 {
        assert!(next(&stranger).await.starts_with("other "));
    }
    let calls = [one.calls(), second_caller.calls(), other.calls()].concat();
    assert!(!calls.concat().contains(name), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_classic_group_is_shared_and_resumed() {
    a_group_is_shared("classic", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_the_consumer_protocol_is_shared_and_resumed() {
    a_group_is_shared("consumer", &[CONSUMER]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_both_protocols_share_one_group() {
    let caller = with_topic("mixed", "orders.v1").await;
    let beside = caller.beside("bank").await;
    let new = member(&caller, "billing", "orders.v1", &[CONSUMER]);
    tokio::select! {
        () = receives_nothing(&new) => unreachable!(),
        _ = hold(&caller, 3) => {}
    }
    let classic = member(
        &beside,
        "billing",
        "orders.v1",
        &[("partition.assignment.strategy", "cooperative-sticky")],
    );
    share([&caller, &beside], [&new, &classic]).await;
    aside(move || drop(classic)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_regular_expression_finds_the_sandboxs_own_topics() {
    for (name, settings) in [("regex1", &[][..]), ("regex2", &[CONSUMER])] {
        let caller = with_topic(name, "orders.v1").await;
        let foreign = with_topic(&format!("{name}x"), "orders.v2").await;
        send(&producer(&foreign, &[]), "orders.v2", 0, "foreign").await;
        send(&producer(&caller, &[]), "orders.v1", 0, "own").await;
        let consumer = member(&caller, "billing", "^orders\\..*", settings);
        assert_eq!(next(&consumer).await, "own");
        assert_eq!(hold(&caller, 3).await.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_are_listed_and_removed_each_sandbox_its_own() {
    let (one, other) = (
        with_topic("groups1", "orders.v1").await,
        with_topic("groups2", "orders.v1").await,
    );
    for caller in [&one, &other] {
        send(&producer(caller, &[]), "orders.v1", 0, "x").await;
        let consumer = member(caller, "billing", "orders.v1", &[]);
        next(&consumer).await;
        consumer.commit_consumer_state(CommitMode::Sync).unwrap();
        aside(move || drop(consumer)).await;
    }
    assert_eq!(groups(&one).await, [("billing".to_owned(), 0)]);
    let removed = admin(&one)
        .delete_groups(&["billing", "nothing"], &options())
        .await
        .unwrap();
    let unknown = ("nothing".to_owned(), RDKafkaErrorCode::GroupIdNotFound);
    assert_eq!(removed, [Ok("billing".to_owned()), Err(unknown)]);
    assert_eq!(groups(&one).await, []);
    assert_eq!(groups(&other).await, [("billing".to_owned(), 0)]);
}
