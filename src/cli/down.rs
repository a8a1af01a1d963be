//! `momus down`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::time::{interval, timeout};

use super::exit;
use super::keep::{OfRun, Order, Record, ask};

/// How long a run may take to end, once its sandboxes are removed.
const LIMIT: Duration = Duration::from_secs(30);
/// How soon one look follows another.
const EACH: Duration = Duration::from_millis(20);

/// Remove sandboxes that runs keep, and the servers of a run that keeps none any more.
///
/// Exit codes: 0 they are gone, 2 no such one is kept, 3 they could not be removed.
#[derive(Args)]
pub struct Down {
    /// RUN, or RUN/SANDBOX, as `momus status` lists them; without it all that is kept.
    #[arg(value_name = "ID")]
    id: Option<String>,
}

/// A run that keeps sandboxes.
struct Keeping {
    run: String,
    folder: PathBuf,
    sandboxes: Vec<String>,
}

impl Down {
    /// Removes them, and tells the exit code.
    pub fn run(&self) -> ExitCode {
        let keeping = match keeping() {
            Ok(keeping) => keeping,
            Err(error) => return failed(exit::UNKNOWN, &error),
        };
        let Some(id) = &self.id else {
            if keeping.is_empty() {
                println!("nothing is kept");
            }
            return told(keeping.iter().try_for_each(remove_all));
        };
        let (run, sandbox) = match id.split_once('/') {
            Some((run, sandbox)) => (run, Some(sandbox)),
            None => (id.as_str(), None),
        };
        let Some(found) = keeping.iter().find(|keeping| keeping.run == run) else {
            return failed(exit::USAGE, &unknown(id, &keeping));
        };
        match sandbox {
            None => told(remove_all(found)),
            Some(name) if found.sandboxes.iter().any(|known| known == name) => told(remove(found, name)),
            Some(_) => failed(exit::USAGE, &unknown(id, &keeping)),
        }
    }
}

fn unknown(id: &str, keeping: &[Keeping]) -> String {
    let of_run = |keeping: &Keeping| {
        let sandboxes = keeping.sandboxes.iter().map(|name| format!("{}/{name}", keeping.run));
        sandboxes.collect::<Vec<_>>()
    };
    let known: Vec<String> = keeping.iter().flat_map(of_run).collect();
    match known.is_empty() {
        true => format!("`{id}` is not kept: nothing is"),
        false => format!("`{id}` is not kept; hint: what is: {}", known.join(", ")),
    }
}

fn keeping() -> Result<Vec<Keeping>, String> {
    let mut keeping = Vec::new();
    for OfRun { run, folder, record } in Record::of_runs()? {
        let record = record.map_err(|error| format!("what run {run} keeps cannot be read: {error}"))?;
        keeping.extend(record.map(|record| Keeping {
            run,
            folder,
            sandboxes: record.sandboxes.into_iter().map(|sandbox| sandbox.name).collect(),
        }));
    }
    Ok(keeping)
}

fn remove_all(keeping: &Keeping) -> Result<(), String> {
    ask(&keeping.folder, &Order::All)?;
    gone(&keeping.folder)?;
    println!("removed: run {}", keeping.run);
    Ok(())
}

fn remove(keeping: &Keeping, sandbox: &str) -> Result<(), String> {
    ask(&keeping.folder, &Order::Sandbox(sandbox.to_owned()))?;
    if keeping.sandboxes.len() == 1 {
        gone(&keeping.folder)?;
    }
    println!("removed: {}/{sandbox}", keeping.run);
    Ok(())
}

/// Waits until nothing of the run is left.
fn gone(folder: &Path) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let gone = async {
        let mut looks = interval(EACH);
        while folder.exists() {
            looks.tick().await;
        }
    };
    let runtime = runtime.map_err(|error| error.to_string())?;
    let waited = runtime.block_on(async { timeout(LIMIT, gone).await });
    waited.map_err(|_| format!("{} is still there", folder.display()))
}

fn told(done: Result<(), String>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(exit::UNKNOWN, &error),
    }
}

fn failed(code: u8, error: &str) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(code)
}
