//! The Kafka edge between librdkafka's client and its mock cluster.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

mod caller;
mod credential;
mod edge;
mod frames;
mod narrow;
mod nodes;
mod quiet;
#[path = "../secured/trust.rs"]
mod trust;
