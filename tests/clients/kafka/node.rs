//! Node's kafkajs, which knows the classic groups and no codec but gzip.

use tokio::process::Command;

use super::cells::cells;
use crate::table::{judge, must_say};
use crate::tools;

const FEATURES: &[&str] = &["group", "rebalance", "transactions", "codecs", "headers", "admin"];

fn program() -> Command {
    let mut command = Command::new("node");
    command
        .env("NODE_PATH", tools::node_path())
        .arg(tools::programs().join("node/kafka.js"));
    command
}

#[tokio::test]
async fn kafkajs() {
    tokio::task::spawn_blocking(tools::node_path).await.unwrap();
    let cells = cells("kafkajs 2.2.4", "js", FEATURES, program).await;
    judge("Kafka", &cells);
    must_say("kafkajs", &cells);
}
