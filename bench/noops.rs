//! Momus with one sentence more, which does nothing: the program that `bench/run` compares with other runners on no-op steps.
//!
//! The vocabulary itself has no such sentence, by design: each of its own fails where there is nothing for it to do.

use std::process::ExitCode;

#[path = "../src/cli/mod.rs"]
mod cli;

fn main() -> ExitCode {
    cli::main()
}
