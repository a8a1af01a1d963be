//! The command line: one file a subcommand.

mod check;
mod drawing;
mod feature_files;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Exit code of a run whose usage, features or mesh are in error.
const USAGE: u8 = 2;
/// Exit code when nothing was selected.
const NOTHING_SELECTED: u8 = 4;

/// Behavioural tests of a service mesh, in Gherkin, from outside.
#[derive(Parser)]
#[command(name = "momus", version, arg_required_else_help = true)]
struct Momus {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Check),
}

/// Reads the arguments and does what they say.
pub fn main() -> ExitCode {
    match Momus::parse().command {
        Command::Check(check) => check.run(),
    }
}
