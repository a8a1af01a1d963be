//! `--keep`: sandboxes of scenarios that did not pass, with their servers, outlive the command for a while.
//!
//! Their edges are in the process of the run. So the command starts the run as a process in a session of its own, passes
//! signals on to it, ends with its exit code once all is reported, and leaves it behind, if there is something to keep.

mod control;
mod foreground;
mod hold;
mod record;

pub use self::control::{Order, ask};
pub use self::foreground::{Foreground, relay};
pub use self::hold::hold;
pub use self::record::{OfRun, Record, lasting};

/// How many sandboxes are kept at most: each has all its services running.
pub const MOST: usize = 3;
