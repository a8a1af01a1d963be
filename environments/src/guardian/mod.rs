//! The guardian: a process that outlives the runner and ends what it started.
//!
//! Everything that a run starts (servers, services, builds) is a child of the guardian, never of the runner.
//! The guardian is the same program again, in a session of its own, reaper of its descendants' orphans, with none of the
//! variables by which a CI server finds what it kills at the end of a job. Runner and guardian share one Unix stream socket
//! (the guardian's standard input); when the runner's end closes, for whatever reason, the guardian kills whatever it
//! started and whatever came of that, removes the folders of the run, and exits.
//!
//! Should the guardian be killed as well, what it leaves is found by the next run: see [`sweep`].

mod client;
mod command;
mod connection;
mod output;
mod process;
mod run_folder;
mod server;
mod shared_memory;
pub mod walls;
mod wire;

pub use client::{Guardian, GuardianError, Launcher};
pub use command::{Child, Command, Exit, Finished, SpawnError};
pub use output::{Lines, Output, Tail};
pub use process::{CHILD_MARKER, ProcessId, RUN_MARKER, own_memory};
pub use run_folder::{RunId, living, sweep};
pub use server::serve;

pub(crate) use run_folder::remove_tree;
pub use rustix::process::Signal;
