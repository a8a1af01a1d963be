//! What keeps a sandbox from being quiet, and what does not.

use std::time::Duration;

use momus_engine::injection::Strikes;
use momus_proxies::kafka::Lag;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::producer::{FutureProducer, Producer};
use tokio::time::timeout;

use crate::broker::{Caller, SETTLE};
use crate::clients::{CONSUMER, SOON, aside, hold, member, next, producer, receives_nothing, send, share, with_topic};

/// Waits until what goes on is as wanted, the members polled meanwhile.
async fn sees(caller: &Caller, members: &[&StreamConsumer], is_it: impl Fn(Option<&str>) -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    let seen = async {
        while !is_it(caller.going_on().as_deref()) {
            looks.tick().await;
        }
    };
    let polled = futures::future::join_all(members.iter().map(|member| receives_nothing(member)));
    let seen = tokio::select! {
        _ = polled, if !members.is_empty() => unreachable!(),
        seen = timeout(SOON, seen) => seen,
    };
    assert!(seen.is_ok(), "{:?}, {:?}", caller.going_on(), caller.calls());
}

async fn is_quiet(caller: &Caller, members: &[&StreamConsumer]) {
    sees(caller, members, |seen| seen.is_none()).await;
}

async fn is_kept_by(caller: &Caller, members: &[&StreamConsumer], text: &str) {
    sees(caller, members, |seen| seen.is_some_and(|seen| seen.contains(text))).await;
}

/// Lets more than a settle pass.
async fn settles(members: &[&StreamConsumer]) {
    let polled = futures::future::join_all(members.iter().map(|member| receives_nothing(member)));
    assert!(timeout(3 * SETTLE, polled).await.is_err());
}

/// A fault's strikes, which nobody counts.
fn strikes(caller: &Caller) -> Strikes {
    Strikes::new("fault", caller.timeline.clone())
}

fn is_behind(caller: &Caller) -> bool {
    caller.namespace.lag("billing").values().any(|lag| lag.is_behind())
}

/// Waits until the group is not behind, the members polled meanwhile.
async fn reads_all(caller: &Caller, members: &[&StreamConsumer]) {
    sees(caller, members, |_| !is_behind(caller)).await;
}

async fn commit(consumer: &StreamConsumer) {
    consumer.commit_consumer_state(CommitMode::Sync).unwrap();
}

/// Both group protocols: behind from the record to the commit, also after the member died; the one after it catches up.
async fn a_group_is_behind(sandbox: &str, settings: &[(&str, &str)]) {
    let shop = with_topic(sandbox, "orders.v1").await;
    let (client, bank) = (shop.beside("client").await, shop.beside("bank").await);
    let to = producer(&client, &[]);
    let first = member(&shop, "billing", "orders.v1", settings);
    tokio::select! {
        () = receives_nothing(&first) => unreachable!(),
        _ = hold(&shop, 3) => {}
    }
    is_quiet(&shop, &[&first]).await;
    send(&to, "orders.v1", 0, "one").await;
    assert!(is_behind(&shop), "before the client knows that it is stored");
    assert_eq!(next(&first).await, "one");
    settles(&[&first]).await;
    is_kept_by(&shop, &[&first], "group billing is behind on orders.v1 [0]: 0 of 1").await;
    commit(&first).await;
    is_quiet(&shop, &[&first]).await;

    // It dies with a record in its hands; the next one takes over when its session is over.
    send(&to, "orders.v1", 0, "two").await;
    assert_eq!(next(&first).await, "two");
    let dead = shop.edge.refuse(strikes(&shop));
    shop.namespace.forget_members();
    is_kept_by(&shop, &[], "on orders.v1 [0]: 1 of 2; no member has the partition").await;
    let second = member(&bank, "billing", "orders.v1", settings);
    assert_eq!(next(&second).await, "two");
    assert!(is_behind(&bank));
    commit(&second).await;
    is_quiet(&bank, &[&second]).await;
    let place = ("orders.v1".to_owned(), 0);
    assert_eq!(bank.namespace.lag("billing")[&place], Lag { position: 2, end: 2 });
    drop(dead);
    share([&shop, &bank], [&first, &second]).await;
    leaves(first, &bank, &second).await;
}

/// A member leaves its group to the other one.
async fn leaves(member: StreamConsumer, caller: &Caller, other: &StreamConsumer) {
    aside(move || drop(member)).await;
    share([caller], [other]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_classic_group_is_behind_until_it_commits_whoever_does() {
    a_group_is_behind("quiet1", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_the_consumer_protocol_is_behind_until_it_commits_whoever_does() {
    a_group_is_behind("quiet2", &[CONSUMER]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_members_that_share_a_group_come_to_rest() {
    for (sandbox, settings) in [("quiet3", &[][..]), ("quiet4", &[CONSUMER])] {
        let shop = with_topic(sandbox, "orders.v1").await;
        let bank = shop.beside("bank").await;
        let first = member(&shop, "billing", "orders.v1", settings);
        tokio::select! {
            () = receives_nothing(&first) => unreachable!(),
            _ = hold(&shop, 3) => {}
        }
        let second = member(&bank, "billing", "orders.v1", settings);
        is_kept_by(&shop, &[&first, &second], "bank joins group billing").await;
        share([&shop, &bank], [&first, &second]).await;
        is_quiet(&shop, &[&first, &second]).await;
        leaves(second, &shop, &first).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_commits_by_itself_is_behind_until_it_does() {
    let shop = with_topic("quiet5", "orders.v1").await;
    let client = shop.beside("client").await;
    let settings = [("enable.auto.commit", "true"), ("auto.commit.interval.ms", "8000")];
    let consumer = member(&shop, "billing", "orders.v1", &settings);
    send(&producer(&client, &[]), "orders.v1", 0, "one").await;
    assert_eq!(next(&consumer).await, "one");
    settles(&[&consumer]).await;
    is_kept_by(&shop, &[&consumer], "group billing is behind").await;
    is_quiet(&shop, &[&consumer]).await;
}

async fn begun(producer: &FutureProducer, payload: &str) {
    producer.begin_transaction().unwrap();
    send(producer, "orders.v1", 0, payload).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_is_under_way_until_it_ends_and_its_markers_are_no_lag() {
    let shop = with_topic("quiet6", "orders.v1").await;
    let bank = shop.beside("bank").await;
    let from = producer(&bank, &[("transactional.id", "settle")]);
    let from = aside(move || {
        from.init_transactions(SOON).unwrap();
        from
    })
    .await;
    let consumer = member(&shop, "billing", "orders.v1", &[("isolation.level", "read_committed")]);
    tokio::select! {
        () = receives_nothing(&consumer) => unreachable!(),
        _ = hold(&shop, 3) => {}
    }
    is_quiet(&shop, &[&consumer]).await;
    begun(&from, "committed").await;
    settles(&[&consumer]).await;
    let open = "a transaction of bank is open (transactional id settle)";
    is_kept_by(&shop, &[&consumer], open).await;
    // Nothing is committed that it could read, which is known from its first fetch on.
    reads_all(&shop, &[&consumer]).await;
    let ended = from.clone();
    aside(move || ended.commit_transaction(SOON).unwrap()).await;
    assert!(is_behind(&shop));
    let message = timeout(SOON, consumer.recv()).await.unwrap().unwrap();
    settles(&[&consumer]).await;
    is_kept_by(&shop, &[&consumer], "group billing is behind on orders.v1 [0]: 0 of 1").await;
    // The offset behind the record, with the marker still to come.
    consumer.commit_message(&message, CommitMode::Sync).unwrap();
    drop(message);
    is_quiet(&shop, &[&consumer]).await;
    let place = ("orders.v1".to_owned(), 0);
    assert_eq!(shop.namespace.lag("billing")[&place], Lag { position: 1, end: 1 });

    begun(&from, "aborted").await;
    is_kept_by(&shop, &[&consumer], open).await;
    let ended = from.clone();
    aside(move || ended.abort_transaction(SOON).unwrap()).await;
    is_quiet(&shop, &[&consumer]).await;
    assert!(!is_behind(&shop), "an aborted record is none for it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_in_a_transaction_count_when_it_is_committed() {
    let shop = with_topic("quiet7", "orders.v1").await;
    let client = shop.beside("client").await;
    let from = producer(&shop, &[("transactional.id", "settle")]);
    let from = aside(move || {
        from.init_transactions(SOON).unwrap();
        from
    })
    .await;
    let consumer = member(&shop, "billing", "orders.v1", &[]);
    send(&producer(&client, &[]), "orders.v1", 1, "one").await;
    assert_eq!(next(&consumer).await, "one");
    begun(&from, "out").await;
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset("orders.v1", 1, rdkafka::Offset::Offset(1))
        .unwrap();
    let (ended, group) = (from.clone(), consumer.group_metadata().unwrap());
    aside(move || ended.send_offsets_to_transaction(&offsets, &group, SOON).unwrap()).await;
    let place = ("orders.v1".to_owned(), 1);
    assert_eq!(shop.namespace.lag("billing")[&place], Lag { position: 0, end: 1 });
    aside(move || from.commit_transaction(SOON).unwrap()).await;
    assert_eq!(shop.namespace.lag("billing")[&place], Lag { position: 1, end: 1 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_for_no_group_is_behind_until_it_fetches_from_the_end() {
    let shop = with_topic("quiet8", "orders.v1").await;
    let client = shop.beside("client").await;
    let settings = [("group.id", "none"), ("enable.auto.commit", "false")];
    let consumer: StreamConsumer = shop.config(&settings).create().unwrap();
    let mut one = TopicPartitionList::new();
    one.add_partition_offset("orders.v1", 0, rdkafka::Offset::Offset(0))
        .unwrap();
    consumer.assign(&one).unwrap();
    settles(&[&consumer]).await;
    // Cut off it is behind; back again it is given the record, and has it when it comes for the next one.
    let refusal = shop.edge.refuse(strikes(&shop));
    send(&producer(&client, &[]), "orders.v1", 0, "one").await;
    is_kept_by(&shop, &[], "shop is behind on orders.v1 [0]: 0 of 1").await;
    refusal.heal();
    assert_eq!(next(&consumer).await, "one");
    is_quiet(&shop, &[&consumer]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sandboxes_with_equal_names_are_quiet_each_for_itself() {
    let (one, other) = (
        with_topic("quiet9", "orders.v1").await,
        with_topic("quiet10", "orders.v1").await,
    );
    let first = member(&one, "billing", "orders.v1", &[]);
    let second = member(&other, "billing", "orders.v1", &[]);
    tokio::select! {
        () = receives_nothing(&second) => unreachable!(),
        _ = hold(&other, 3) => {}
    }
    send(&producer(&one, &[]), "orders.v1", 0, "one").await;
    assert_eq!(next(&first).await, "one");
    settles(&[&second]).await;
    is_kept_by(&one, &[], "group billing is behind").await;
    is_quiet(&other, &[&second]).await;
    assert!(is_behind(&one) && !is_behind(&other));
}
