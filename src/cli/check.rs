//! `momus check`: the plan alone.

use std::process::ExitCode;

use clap::Args;

use super::exit;
use super::sources::{Sources, plural};

/// Read features and mesh, bind every step, and show every error on its own line; nothing is started.
///
/// Exit codes: 0 all right, 2 an error in a file, 4 no scenario selected.
#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    sources: Sources,
}

impl Check {
    /// Checks every file, also after one in error.
    pub fn run(&self) -> ExitCode {
        match self.sources.plan() {
            Err(errors) => {
                errors.show();
                ExitCode::from(exit::USAGE)
            }
            Ok(planned) if planned.plan.scenarios.is_empty() => {
                eprint!("{}", exit::nothing_selected(planned.files));
                ExitCode::from(exit::NOTHING_SELECTED)
            }
            Ok(planned) => {
                println!(
                    "{}: {}, no error",
                    plural(planned.files, "file"),
                    plural(planned.plan.scenarios.len(), "scenario")
                );
                ExitCode::SUCCESS
            }
        }
    }
}
