//! The process environment from end to end: real servers, services that are processes, sandboxes side by side.
//!
//! The services of the small mesh are this program again: see `service`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod ends;
mod failures;
mod forward;
mod life;
mod nodes;
mod own;
mod reuse;
mod run;
mod sandboxes;
#[path = "../segments/mod.rs"]
mod segments;
mod service;
mod tls;
