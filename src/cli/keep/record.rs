//! What is kept of a run, as a file in its folder tells it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use momus_engine::failure::in_words;
use momus_engine::mesh::{Kind, Mesh};
use momus_engine::run::Kept;
use momus_engine::sandbox::CLIENT;
use momus_environments::cache::Cache;
use momus_environments::guardian::{self, RunId};
use serde::{Deserialize, Serialize};

/// The file in the run's folder.
const FILE: &str = "kept.json";

/// What is kept of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    /// The mesh's name.
    pub mesh: String,
    /// Until when.
    pub until: SystemTime,
    /// Why its services run without walls, where they do.
    pub lacks_walls: Option<String>,
    pub sandboxes: Vec<KeptSandbox>,
}

/// A run on this machine.
pub struct OfRun {
    pub run: String,
    pub folder: PathBuf,
    /// What is kept of it, if anything.
    pub record: io::Result<Option<Record>>,
}

/// A sandbox that is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeptSandbox {
    pub name: String,
    /// `failed` or `unknown`.
    pub outcome: String,
    /// `file:line` of its scenario.
    pub place: String,
    /// Its scenario's name.
    pub scenario: String,
    /// Where the test client finds each thing of the mesh.
    pub endpoints: Vec<(String, String)>,
    /// The folder with the logs of its services.
    pub logs: Option<PathBuf>,
}

impl KeptSandbox {
    pub fn of(kept: &Kept, mesh: &Mesh) -> Self {
        let found = |name: &str| {
            let endpoint = kept.sandbox.endpoint(CLIENT, name)?;
            let address = if endpoint.url.is_empty() {
                endpoint.address
            } else {
                endpoint.url
            };
            Some((name.to_owned(), address))
        };
        Self {
            name: kept.timeline.sandbox().to_owned(),
            outcome: kept.outcome.word().to_owned(),
            place: format!("{}:{}", kept.place.file, kept.place.line),
            scenario: kept.place.name.clone(),
            endpoints: mesh.names(&Kind::EDGES).into_iter().filter_map(found).collect(),
            logs: kept.sandbox.logs(),
        }
    }
}

impl Record {
    /// Writes it to the run's folder, whole or not at all.
    ///
    /// # Errors
    /// Of the file system.
    pub fn write(&self, run_folder: &Path) -> io::Result<()> {
        let beside = run_folder.join(format!("{FILE}.new"));
        std::fs::write(&beside, serde_json::to_string(self)?)?;
        std::fs::rename(beside, run_folder.join(FILE))
    }

    /// Reads it from a run's folder; none where nothing is kept of the run.
    ///
    /// # Errors
    /// When the file cannot be read, or another version of Momus wrote it.
    fn read(run_folder: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(run_folder.join(FILE)) {
            Ok(json) => Ok(Some(serde_json::from_slice(&json)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The runs on this machine, by identifier, each with its folder and what is kept of it.
    ///
    /// # Errors
    /// When the runs cannot be listed; what of a single one cannot be read stands in its place.
    pub fn of_runs() -> Result<Vec<OfRun>, String> {
        let cache = Cache::of_user().map_err(|error| error.to_string())?;
        let living = guardian::living(&cache).map_err(|error| format!("the runs cannot be listed: {error}"))?;
        let read = |(run, folder): (RunId, PathBuf)| OfRun {
            record: Self::read(&folder),
            run: run.as_str().to_owned(),
            folder,
        };
        Ok(living.into_iter().map(read).collect())
    }

    /// For how long it is still kept.
    pub fn left(&self) -> Duration {
        self.until.duration_since(SystemTime::now()).unwrap_or_default()
    }
}

/// How long a lease lasts, in whole minutes where it is of some.
pub fn lasting(time: Duration) -> String {
    match time.as_secs() {
        ..=60 => in_words(time),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}
