//! Clients that nobody here wrote, direct and through the edge: the same program must say the same, feature by feature.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod http;
mod kafka;
mod postgres;
mod program;
mod table;
mod tools;
mod trust;
