//! Topics of sandboxes that use the same names at the same time.

use std::time::Duration;

use rdkafka::admin::{NewPartitions, ResourceSpecifier};
use rdkafka::types::RDKafkaErrorCode;
use tokio::time::timeout;

use crate::broker::Caller;
use crate::clients::{SOON, admin, make, options, topics};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_made_described_changed_and_removed_each_sandbox_its_own() {
    let (one, other) = (Caller::new("topics1").await, Caller::new("topics2").await);
    let (first, second) = (admin(&one), admin(&other));
    assert_eq!(make(&first, "orders.v1", 3).await.unwrap(), "orders.v1");
    assert_eq!(make(&second, "orders.v1", 2).await.unwrap(), "orders.v1");
    let again = make(&first, "orders.v1", 3).await.unwrap_err();
    assert_eq!(again, ("orders.v1".to_owned(), RDKafkaErrorCode::TopicAlreadyExists));
    make(&first, "invoices.v1", 1).await.unwrap();

    let more = NewPartitions::new("orders.v1", 4);
    let grown = first.create_partitions([&more], &options()).await.unwrap();
    assert_eq!(grown, [Ok("orders.v1".to_owned())]);
    let own = |name: &str, count| (name.to_owned(), count);
    // The broker answers once the partitions are made, and shows them a little later.
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let grown = async {
        while topics(&one).await.iter().all(|topic| *topic != own("orders.v1", 4)) {
            looks.tick().await;
        }
    };
    timeout(SOON, grown).await.unwrap();
    assert_eq!(topics(&one).await, [own("invoices.v1", 1), own("orders.v1", 4)]);
    assert_eq!(topics(&other).await, [own("orders.v1", 2)]);

    let described = first
        .describe_configs([&ResourceSpecifier::Topic("orders.v1")], &options())
        .await;
    let described = described.unwrap().remove(0).unwrap();
    assert_eq!(format!("{:?}", described.specifier), "Topic(\"orders.v1\")");
    assert_eq!(
        described.get("min.insync.replicas").unwrap().value.as_deref(),
        Some("1")
    );

    let removed = first
        .delete_topics(&["orders.v1", "nothing"], &options())
        .await
        .unwrap();
    let unknown = ("nothing".to_owned(), RDKafkaErrorCode::UnknownTopicOrPartition);
    assert_eq!(removed, [Ok("orders.v1".to_owned()), Err(unknown)]);
    assert_eq!(topics(&other).await, [own("orders.v1", 2)]);
    let calls = one.calls();
    for call in [
        "CreateTopics orders.v1 (3 partitions)",
        "CreatePartitions orders.v1 to 4 partitions",
    ] {
        assert!(calls.iter().any(|seen| seen == call), "{call} in {calls:?}");
    }
    assert!(!calls.concat().contains("topics1"), "{calls:?}");
}
