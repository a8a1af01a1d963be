//! The guardian as a program of its own, for tests; `momus` is its own guardian.

fn main() -> std::process::ExitCode {
    momus_environments::guardian::serve()
}
