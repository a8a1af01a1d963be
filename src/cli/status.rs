//! `momus status`.

use std::process::ExitCode;

use clap::Args;

use super::exit;
use super::keep::{OfRun, Record, lasting};

/// List the runs on this machine, and the sandboxes that they keep: what they are of, and where the things in them are.
#[derive(Args)]
pub struct Status {}

impl Status {
    /// Lists them, and tells the exit code.
    pub fn run(&self) -> ExitCode {
        match list() {
            Ok(text) => {
                print!("{text}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::from(exit::UNKNOWN)
            }
        }
    }
}

fn list() -> Result<String, String> {
    let runs = Record::of_runs()?;
    if runs.is_empty() {
        return Ok("no run\n".to_owned());
    }
    let mut lines = Vec::new();
    for OfRun { run, record, .. } in runs {
        match record {
            Ok(Some(record)) => lines.extend(kept(&run, &record)),
            Ok(None) => lines.push(format!("run {run}: running")),
            Err(error) => lines.push(format!("run {run}: what it keeps cannot be read: {error}")),
        }
    }
    Ok(lines.join("\n") + "\n")
}

fn kept(run: &str, record: &Record) -> Vec<String> {
    let walls = record.lacks_walls.as_ref().map(|why| format!(", without walls: {why}"));
    let mut lines = vec![format!(
        "run {run}: mesh {}, kept for {} more{}",
        record.mesh,
        lasting(record.left()),
        walls.unwrap_or_default()
    )];
    for sandbox in &record.sandboxes {
        let (name, place) = (&sandbox.name, &sandbox.place);
        lines.push(format!(
            "  {name}: {} at {place}  {}",
            sandbox.outcome, sandbox.scenario
        ));
        let widest = sandbox.endpoints.iter().map(|(name, _)| name.len()).max();
        for (name, address) in &sandbox.endpoints {
            lines.push(format!("    {name:0$}  {address}", widest.unwrap_or_default()));
        }
        let logs = sandbox.logs.iter().map(|logs| format!("    logs: {}", logs.display()));
        lines.extend(logs);
    }
    lines
}
