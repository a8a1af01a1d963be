//! Clients that nobody here wrote, direct and through the edge: the same program must say the same, feature by feature.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]
#![allow(dead_code, reason = "the tables come one by one")]

mod kafka;
mod postgres;
mod table;
mod tools;
