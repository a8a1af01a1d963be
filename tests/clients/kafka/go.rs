//! Go's franz-go.

use tokio::process::Command;

use super::cells::{FEATURES, cells};
use crate::table::{judge, must_say};
use crate::tools;

#[tokio::test]
async fn franz_go() {
    let program = tokio::task::spawn_blocking(|| tools::go("kafka")).await.unwrap();
    let features = [&FEATURES[..], &["admin-more"]].concat();
    let cells = cells("franz-go 1.22.3", "go", &features, || Command::new(&program)).await;
    judge("Kafka", &cells);
    must_say("franz-go", &cells);
}
