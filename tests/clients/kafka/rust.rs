//! rdkafka: librdkafka.

use tokio::process::Command;

use super::cells::{FEATURES, cells};
use crate::table::{judge, must_say};
use crate::tools;

#[tokio::test]
async fn rdkafka() {
    let program = tokio::task::spawn_blocking(tools::rust).await.unwrap();
    let cells = cells("rdkafka 0.39.0", "rs", &FEATURES, || Command::new(&program)).await;
    judge("Kafka", &cells);
    must_say("rdkafka", &cells);
}
