//! Go's franz-go.

use tokio::process::Command;

use super::cells::cells;
use crate::table::judge;
use crate::tools;

const FEATURES: &[&str] = &[
    "group",
    "group-848",
    "rebalance",
    "rebalance-848",
    "transactions",
    "codecs",
    "headers",
    "admin",
    "admin-more",
];

#[tokio::test]
async fn franz_go() {
    let program = tokio::task::spawn_blocking(|| tools::go("kafka")).await.unwrap();
    let cells = cells("franz-go 1.22.3", "go", FEATURES, || Command::new(&program));
    judge("Kafka", &cells.await);
}
