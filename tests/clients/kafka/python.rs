//! Python's confluent-kafka: librdkafka.

use tokio::process::Command;

use super::cells::{FEATURES, cells};
use crate::table::{judge, must_say};
use crate::tools;

/// Its program, ready to get its arguments.
pub fn program() -> Command {
    let mut command = Command::new(tools::python());
    command.arg(tools::programs().join("python/kafka_client.py"));
    command
}

#[tokio::test]
async fn confluent_kafka_for_python() {
    tokio::task::spawn_blocking(tools::python).await.unwrap();
    let cells = cells("confluent-kafka 2.16.1", "py", &FEATURES, program).await;
    judge("Kafka", &cells);
    must_say("confluent-kafka", &cells);
}
