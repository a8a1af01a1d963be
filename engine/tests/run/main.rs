//! The runner, over an environment that only notes what is asked of it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod endings;
mod phrases;
mod pool;
mod retry;
mod room;
mod testbed;
