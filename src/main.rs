//! `momus`: a behavioural integration-test harness for a service mesh.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
