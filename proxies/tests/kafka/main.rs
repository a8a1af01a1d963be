//! The Kafka edge between librdkafka's client and its mock cluster.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

mod caller;
mod edge;
mod narrow;
mod quiet;
