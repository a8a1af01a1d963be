//! `momus check`: the plan alone.

use std::process::ExitCode;

use clap::Args;

use super::exit;
use super::sources::{Sources, plural};

/// Read features and mesh, bind every step, and show every error on its own line; nothing is started.
///
/// A phrase that no step calls is a warning, where all features of the project are read.
///
/// Exit codes: 0 all right, warnings or not, 2 an error in a file, 4 no scenario selected.
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
            Ok(planned) if planned.plan.scenarios.is_empty() && !planned.has_phrases_alone => {
                eprint!("{}", exit::nothing_selected(planned.files));
                ExitCode::from(exit::NOTHING_SELECTED)
            }
            Ok(planned) => {
                for warning in &planned.warnings {
                    eprintln!("{}", planned.masks.text(&warning.to_string()));
                }
                let warnings = match planned.warnings.len() {
                    0 => String::new(),
                    count => format!(", {}", plural(count, "warning")),
                };
                println!(
                    "{}: {}, no error{warnings}",
                    plural(planned.files, "file"),
                    plural(planned.plan.scenarios.len(), "scenario")
                );
                ExitCode::SUCCESS
            }
        }
    }
}
