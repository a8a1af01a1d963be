//! What keeps a sandbox from being quiet, and what does not.

use std::time::Duration;

use momus_engine::activity::Quiet;
use momus_engine::injection::Strikes;
use momus_proxies::kafka::Lag;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::timeout;

use crate::caller::{Caller, Mock, SETTLE, SOON, mock, next, receives_nothing, send};

/// Commits nothing by itself.
const MANUAL: (&str, &str) = ("enable.auto.commit", "false");

async fn shop_and_client(mock: &Mock) -> (Caller, Caller) {
    let shop = Caller::new(mock, "m1-").await;
    let client = shop.beside(mock, "client").await;
    (shop, client)
}

/// Lets time pass in which more than a settle is over, and the consumer goes on fetching.
async fn settles(consumer: &StreamConsumer) {
    assert!(timeout(3 * SETTLE, receives_nothing(consumer)).await.is_err());
}

/// Waits until the consumer has what it is assigned.
async fn joins(caller: &Caller, consumer: &StreamConsumer) {
    let mut assigned = caller.namespace.assigned();
    tokio::select! {
        () = receives_nothing(consumer) => {}
        seen = timeout(SOON, assigned.wait_for(|seen| seen.len() == 2)) => drop(seen.unwrap().unwrap()),
    }
}

/// A consumer of one partition that joins no group and commits nothing.
async fn reads_for_no_group(caller: &Caller) -> StreamConsumer {
    let mut config = caller.config();
    config.set("group.id", "none").set("enable.auto.commit", "false");
    let consumer: StreamConsumer = config.create().unwrap();
    let mut one = TopicPartitionList::new();
    one.add_partition_offset("orders.v1", 0, Offset::Offset(0)).unwrap();
    consumer.assign(&one).unwrap();
    settles(&consumer).await;
    consumer
}

/// A fault's strikes, which nobody counts.
fn strikes(caller: &Caller) -> Strikes {
    Strikes::new("fault", caller.timeline.clone())
}

async fn is_behind_until_it_commits(settings: &[(&str, &str)]) {
    let mock = mock(&["m1-"]);
    let (shop, client) = shop_and_client(&mock).await;
    let consumer = shop.consumer("billing", &[&[MANUAL], settings].concat());
    joins(&shop, &consumer).await;
    shop.is_quiet().await;
    let producer = client.producer();
    send(&producer, "first").await;
    let text = "group billing is behind on orders.v1 [0]: 0 of 1, and it has committed nothing there yet";
    assert!(shop.going_on().unwrap().starts_with(text), "{:?}", shop.going_on());
    assert_eq!(next(&consumer).await, "first");
    settles(&consumer).await;
    shop.is_kept_by(text).await;
    consumer.commit_consumer_state(CommitMode::Sync).unwrap();
    shop.is_quiet().await;
    send(&producer, "second").await;
    shop.is_kept_by("group billing is behind on orders.v1 [0]: 1 of 2 (")
        .await;
    let place = ("orders.v1".to_owned(), 0);
    assert_eq!(shop.namespace.lag("billing")[&place], Lag { position: 1, end: 2 });
    assert_eq!(next(&consumer).await, "second");
    consumer.commit_consumer_state(CommitMode::Sync).unwrap();
    shop.is_quiet().await;
    assert_eq!(shop.namespace.lag("billing")[&place], Lag { position: 2, end: 2 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_classic_group_is_behind_until_it_commits() {
    is_behind_until_it_commits(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_the_consumer_protocol_is_behind_until_it_commits() {
    is_behind_until_it_commits(&[("group.protocol", "consumer")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_commits_now_and_then_is_behind_in_between() {
    let mock = mock(&["m1-"]);
    let (shop, client) = shop_and_client(&mock).await;
    let consumer = shop.consumer("billing", &[("auto.commit.interval.ms", "1500")]);
    joins(&shop, &consumer).await;
    send(&client.producer(), "first").await;
    assert_eq!(next(&consumer).await, "first");
    settles(&consumer).await;
    shop.is_kept_by("group billing is behind").await;
    tokio::select! {
        () = receives_nothing(&consumer) => {}
        () = shop.is_quiet() => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_test_client_does_and_what_waits_is_nothing_that_goes_on() {
    let mock = mock(&["m1-"]);
    let (shop, client) = shop_and_client(&mock).await;
    let (service, own) = (shop.consumer("billing", &[MANUAL]), client.consumer("momus", &[MANUAL]));
    joins(&shop, &service).await;
    shop.is_quiet().await;
    let before = shop.timeline.activity().quiet();
    assert!(matches!(before, Quiet::Yes { .. }));
    tokio::select! {
        () = settles(&service) => {}
        () = receives_nothing(&own) => {}
    }
    assert_eq!(shop.timeline.activity().quiet(), before, "fetches wait, heartbeats go");
    drop(service);
    send(&client.producer(), "first").await;
    assert_eq!(next(&own).await, "first");
    let Quiet::Yes { effects } = before else { unreachable!() };
    assert_eq!(shop.timeline.activity().effects(), effects);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_service_produces_and_is_given_is_an_effect() {
    let mock = mock(&["m1-"]);
    let (shop, client) = shop_and_client(&mock).await;
    // Long enough to be seen.
    shop.timeline.activity().settles_in(Some(Duration::from_secs(5)));
    let effects = || shop.timeline.activity().effects();
    let before = effects();
    send(&shop.producer(), "first").await;
    assert_eq!(effects(), before + 2, "asked for, and answered");
    shop.is_kept_by("shop → kafka  Produce orders.v1 ×1 [partition 0]")
        .await;
    shop.is_quiet().await;
    let consumer = shop.consumer("billing", &[("auto.commit.interval.ms", "50")]);
    assert_eq!(next(&consumer).await, "first");
    // librdkafka leaves its first connection for others; with bytes that it has not read that is a reset, an effect of its own.
    let resets = shop.ends().iter().filter(|end| end.starts_with("reset")).count() as u64;
    assert_eq!(effects(), before + 3 + resets, "handed over");
    shop.is_kept_by("kafka → shop  Fetch orders.v1 [partition 0]").await;
    drop(client);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_whose_member_was_killed_is_behind() {
    let mock = mock(&["m1-"]);
    let (shop, client) = shop_and_client(&mock).await;
    let consumer = shop.consumer("billing", &[MANUAL]);
    joins(&shop, &consumer).await;
    send(&client.producer(), "first").await;
    assert_eq!(next(&consumer).await, "first");
    let dead = shop.edge.refuse(strikes(&shop));
    shop.namespace.forget_members();
    shop.is_kept_by("0 of 1, and it has committed nothing there yet; no member has the partition")
        .await;
    drop(dead);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_for_no_group_has_what_it_is_given_when_it_comes_for_more() {
    let mock = mock(&["m1-"]);
    let (shop, client) = shop_and_client(&mock).await;
    let consumer = reads_for_no_group(&shop).await;
    shop.is_quiet().await;
    send(&client.producer(), "first").await;
    assert!(shop.going_on().is_some(), "before the client knows that it is stored");
    assert_eq!(next(&consumer).await, "first");
    shop.is_quiet().await;
    tokio::task::spawn_blocking(move || drop(consumer)).await.unwrap();
    send(&client.producer(), "second").await;
    shop.is_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_was_cut_off_is_behind_until_it_is_back() {
    let mock = mock(&["m1-"]);
    let (shop, client) = shop_and_client(&mock).await;
    let consumer = reads_for_no_group(&shop).await;
    let refusal = shop.edge.refuse(strikes(&shop));
    send(&client.producer(), "first").await;
    shop.is_kept_by("shop is behind on orders.v1 [0]: 0 of 1").await;
    refusal.heal();
    let again = async {
        // Errors are of the connections that were refused.
        while consumer.recv().await.is_err() {}
    };
    timeout(SOON, again).await.unwrap();
    shop.is_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sandboxes_with_equal_names_are_quiet_each_for_itself() {
    let mock = mock(&["m1-", "m2-"]);
    let (one, other) = (Caller::new(&mock, "m1-").await, Caller::new(&mock, "m2-").await);
    let (first, second) = (one.consumer("billing", &[MANUAL]), other.consumer("billing", &[MANUAL]));
    joins(&one, &first).await;
    joins(&other, &second).await;
    send(&one.producer(), "first").await;
    assert_eq!(next(&first).await, "first");
    settles(&second).await;
    one.is_kept_by("group billing is behind").await;
    other.is_quiet().await;
    assert!(one.namespace.lag("billing").values().any(|lag| lag.is_behind()));
    assert!(!other.namespace.lag("billing").values().any(|lag| lag.is_behind()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_joins_is_under_way_until_the_others_have_joined_again() {
    let mock = mock(&["m1-"]);
    let shop = Caller::new(&mock, "m1-").await;
    let bank = shop.beside(&mock, "bank").await;
    // The mock cluster waits for members for as long as a session lasts, less a second.
    let settings = [MANUAL, ("session.timeout.ms", "4000"), ("heartbeat.interval.ms", "100")];
    let first = shop.consumer("billing", &settings);
    joins(&shop, &first).await;
    shop.is_quiet().await;
    let second = bank.consumer("billing", &settings);
    // The first member joins again only when somebody polls it.
    tokio::select! {
        () = receives_nothing(&second) => {}
        () = shop.is_kept_by("joins group billing") => {}
    }
    tokio::select! {
        () = receives_nothing(&first) => {}
        () = receives_nothing(&second) => {}
        () = shop.is_quiet() => {}
    }
    let assigned = || shop.namespace.assigned().borrow().len() + bank.namespace.assigned().borrow().len();
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    tokio::select! {
        () = receives_nothing(&first) => {}
        () = receives_nothing(&second) => {}
        () = async { while assigned() != 2 { looks.tick().await; } } => {}
        _ = tokio::time::sleep_until(tokio::time::Instant::now() + SOON) => panic!("{} are assigned", assigned()),
    }
    shop.is_quiet().await;
}
