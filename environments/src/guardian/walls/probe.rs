//! Whether walls are to be had on this system.

use std::process::{Command, ExitCode, Stdio};

use super::{Inside, PROBE, PROBE_INNER, WORD, inner, outer};
use crate::guardian::Launcher;

/// Builds walls around nothing. `Err` says why that cannot be.
///
/// # Errors
/// What the system forbids, or that it has no namespaces at all.
pub fn probe(launcher: &Launcher) -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("this system has no namespaces".to_owned());
    }
    let tried = Command::new(&launcher.program)
        .args(&launcher.arguments)
        .args([WORD, PROBE])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if tried.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&tried.stderr);
    Err(said
        .lines()
        .next()
        .unwrap_or("namespaces are forbidden here")
        .to_owned())
}

/// The outer process of a try.
pub(super) fn outer(launcher: &[String]) -> ExitCode {
    let tried = outer::namespaces().and_then(|()| outer::again(launcher, PROBE_INNER).status());
    match tried {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => said(&error),
    }
}

/// The inner one.
pub(super) fn inner() -> ExitCode {
    inner::build(&Inside::default()).map_or_else(|error| said(&error), |_| ExitCode::SUCCESS)
}

fn said(error: &std::io::Error) -> ExitCode {
    use std::io::Write;
    drop(writeln!(std::io::stderr(), "{error}"));
    ExitCode::FAILURE
}
