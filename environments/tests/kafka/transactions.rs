//! Transactions of sandboxes that use the same transactional id at the same time.

use rdkafka::consumer::Consumer;
use rdkafka::producer::{FutureRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::clients::{SOON, aside, hold, member, next, producer, receives_nothing, send, with_topic};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_is_seen_when_it_is_committed_and_fences_nobody_elses() {
    let (one, other) = (
        with_topic("txn1", "orders.v1").await,
        with_topic("txn2", "orders.v1").await,
    );
    let settings = [("transactional.id", "settle")];
    let (from, to) = (producer(&one, &settings), producer(&other, &settings));
    let (from, to) = aside(move || {
        from.init_transactions(SOON).unwrap();
        to.init_transactions(SOON).unwrap();
        (from, to)
    })
    .await;
    let consumer = member(&one, "billing", "orders.v1", &[("isolation.level", "read_committed")]);
    let begun = async |payload: &str| {
        from.begin_transaction().unwrap();
        send(&from, "orders.v1", 0, payload).await;
    };
    begun("aborted").await;
    let producer = from.clone();
    aside(move || producer.abort_transaction(SOON).unwrap()).await;
    begun("committed").await;
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset("orders.v1", 1, Offset::Offset(7)).unwrap();
    let held = tokio::select! {
        () = receives_nothing(&consumer) => unreachable!("nothing is committed yet"),
        held = hold(&one, 3) => held,
    };
    assert_eq!(held.len(), 3);
    let (producer, group) = (from.clone(), consumer.group_metadata().unwrap());
    aside(move || {
        producer.send_offsets_to_transaction(&offsets, &group, SOON).unwrap();
        producer.commit_transaction(SOON).unwrap();
    })
    .await;
    assert_eq!(next(&consumer).await, "committed");
    let mut asked = TopicPartitionList::new();
    asked.add_partition("orders.v1", 1);
    let committed = aside(move || consumer.committed_offsets(asked, SOON).unwrap()).await;
    assert_eq!(committed.elements()[0].offset(), Offset::Offset(7));
    // The other sandbox's producer has the same transactional id, and is alive.
    let producer = to.clone();
    aside(move || producer.begin_transaction().unwrap()).await;
    send(&to, "orders.v1", 0, "other").await;
    aside(move || to.commit_transaction(SOON).unwrap()).await;
    for call in [
        "InitProducerId transactional id settle",
        "EndTxn transactional id settle, aborted",
        "EndTxn transactional id settle, committed",
        "TxnOffsetCommit transactional id settle, group billing: orders.v1 [partition 1] at 7",
    ] {
        assert!(
            one.calls().iter().any(|seen| seen == call),
            "{call} in {:?}",
            one.calls()
        );
    }
    // A newer producer of the own sandbox fences the older.
    let newer = self::producer(&one, &settings);
    aside(move || newer.init_transactions(SOON).unwrap()).await;
    from.begin_transaction().unwrap();
    let record = FutureRecord::to("orders.v1").key("k").payload("fenced").partition(0);
    assert!(from.send(record, SOON).await.is_err());
}
