//! The command line: one file a subcommand.

mod broker;
mod check;
mod diagnostic;
mod down;
mod exit;
mod feature_paths;
mod guardian;
mod keep;
#[cfg(feature = "noops")]
mod noop;
mod order;
mod reading;
mod reference;
mod run;
mod secrets;
mod settings_file;
mod sources;
mod status;
mod steps;
mod stopping;
mod telling;
mod vocabulary;

/// Many small things are made in one thread and given up in another (events, from scenarios to reports): the system's own
/// allocator spends a quarter of a large run on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Behavioural tests of a service mesh, in Gherkin, from outside.
#[derive(Parser)]
#[command(name = "momus", version, arg_required_else_help = true)]
struct Momus {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Run),
    Check(check::Check),
    Steps(steps::Steps),
    Status(status::Status),
    Down(down::Down),
    #[command(hide = true)]
    Guardian(guardian::Guardian),
}

/// Reads the arguments and does what they say.
pub fn main() -> ExitCode {
    match Momus::parse().command {
        Command::Run(run) => run.run(),
        Command::Check(check) => check.run(),
        Command::Steps(steps) => steps.run(),
        Command::Status(status) => status.run(),
        Command::Down(down) => down.run(),
        Command::Guardian(guardian) => guardian.run(),
    }
}
