//! The Kafka edge between clients and a real broker.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod broker;
mod clients;
mod credential;
mod described;
mod groups;
mod killed;
mod names;
mod quiet;
#[path = "../records/mod.rs"]
mod records;
mod topics;
mod transactions;
