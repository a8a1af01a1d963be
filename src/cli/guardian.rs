//! The hidden subcommand that is the guardian of a run.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

/// The word that makes this program the guardian.
pub const NAME: &str = "guardian";

/// Outlive the runner and end what it started. Started by `momus run` itself.
#[derive(Args)]
pub struct Guardian {
    /// The run's folder.
    _folder: PathBuf,
    /// The run's identifier.
    _run: String,
}

impl Guardian {
    /// Is the guardian until its runner is gone; it reads the arguments itself.
    pub fn run(&self) -> ExitCode {
        momus_environments::guardian::serve()
    }
}
