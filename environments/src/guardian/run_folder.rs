//! A run's folder, `<cache>/runs/<id>/`: all that a run leaves on the disk, and the lease by which another run sees whether it still lives.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

use super::{process, shared_memory::SharedMemory};
use crate::cache::Cache;

/// The identifier of a run: short, for it is part of socket paths; letters and digits only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunId(String);

impl RunId {
    /// A new one, drawn at random.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string()[..10].to_owned())
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        valid
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| format!("`{text}` is not the identifier of a run"))
    }
}

/// The folder for temporary files of whatever the run starts.
pub(super) const TEMPORARY: &str = "tmp";
/// Held locked (flock(2)) by the guardian for as long as it lives.
const LEASE: &str = "lease";
/// Folders elsewhere that go with the run, one JSON string a line.
const OWNED: &str = "owned";

/// The run's folder in the guardian's hands.
pub(super) struct RunFolder {
    path: PathBuf,
    owned: Vec<PathBuf>,
    _lease: File,
}

impl RunFolder {
    /// Makes the folder (mode 0700) and takes its lease.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        loop {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
            let opened = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path.join(LEASE));
            let lease = match opened {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            flock(&lease, FlockOperation::LockExclusive)?;
            // A sweep may have come between the folder and the lock; then what is locked is no longer there.
            if is_at(&lease, &path.join(LEASE)) {
                fs::create_dir_all(path.join(TEMPORARY))?;
                return Ok(Self {
                    path: path.to_owned(),
                    owned: Vec::new(),
                    _lease: lease,
                });
            }
        }
    }

    /// The folder for temporary files.
    pub(super) fn temporary(&self) -> PathBuf {
        self.path.join(TEMPORARY)
    }

    /// Takes a folder elsewhere into the run's care; it need not exist yet.
    pub(super) fn own(&mut self, folder: PathBuf) -> io::Result<()> {
        let mut list = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path.join(OWNED))?;
        writeln!(list, "{}", serde_json::to_string(&folder)?)?;
        self.owned.push(folder);
        Ok(())
    }

    /// Removes the folder and all owned ones; the lease last, so that no sweep takes what is half removed for a dead run's.
    pub(super) fn remove(&self) {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let inside = entries
            .filter(|entry| entry.file_name() != LEASE)
            .map(|entry| entry.path());
        for path in self.owned.iter().cloned().chain(inside).chain([self.path.clone()]) {
            let _ = remove_tree(&path);
        }
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(ref held), Ok(ref there)) if identity(held) == identity(there))
}

/// How long a sweep tries to kill what one dead run left.
const SWEEP_LIMIT: Duration = Duration::from_secs(3);

/// Clears away what runs left whose guardian is gone: kills their processes, removes their folders. Returns a line for each
/// such run, fit to be shown. Blocks; call it where that is allowed.
///
/// # Errors
/// When the folder of runs cannot be read. What a single run left and cannot be removed is told in its line.
pub fn sweep(cache: &Cache) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(cache.runs()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut told = Vec::new();
    for entry in entries.flatten() {
        let Some(run) = entry.file_name().to_str().and_then(|name| name.parse::<RunId>().ok()) else {
            continue;
        };
        // An empty folder is a run's that just begins or ends, and holds nothing to tell of.
        if fs::remove_dir(entry.path()).is_ok() {
            continue;
        }
        let Ok(lease) = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(entry.path().join(LEASE))
        else {
            continue;
        };
        if flock(&lease, FlockOperation::NonBlockingLockExclusive).is_err() || !is_at(&lease, &entry.path().join(LEASE))
        {
            continue;
        }
        // Without it no guardian has held the lease yet: the run begins, and makes its folder again.
        let began = entry.path().join(TEMPORARY).exists();
        let mut shared = SharedMemory::default();
        let killed = process::kill_all(
            || process::marked_families(process::RUN_MARKER, run.as_str()),
            || {},
            &mut shared,
            SWEEP_LIMIT,
        );
        shared.remove();
        let owned = fs::read_to_string(entry.path().join(OWNED)).unwrap_or_default();
        let owned = owned
            .lines()
            .filter_map(|line| serde_json::from_str::<PathBuf>(line).ok());
        let failures: Vec<String> = owned
            .chain([entry.path()])
            .filter_map(|folder| {
                remove_tree(&folder)
                    .err()
                    .map(|error| format!("; cannot remove {}: {error}", folder.display()))
            })
            .collect();
        if !began && killed.is_empty() && failures.is_empty() {
            continue;
        }
        told.push(format!(
            "cleared away what run {run} left: {} processes killed{}",
            killed.len(),
            failures.concat()
        ));
    }
    Ok(told)
}

/// The runs whose guardian lives, by identifier, with their folders.
///
/// # Errors
/// When the folder of runs cannot be read.
pub fn living(cache: &Cache) -> io::Result<Vec<(RunId, PathBuf)>> {
    let entries = match fs::read_dir(cache.runs()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut living = Vec::new();
    for entry in entries.flatten() {
        let run = entry.file_name().to_str().and_then(|name| name.parse::<RunId>().ok());
        let (Some(run), Ok(lease)) = (run, File::open(entry.path().join(LEASE))) else {
            continue;
        };
        if flock(&lease, FlockOperation::NonBlockingLockShared).is_err() {
            living.push((run, entry.path()));
        }
    }
    living.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    Ok(living)
}

/// Removes a folder and all in it; one that is not there is no error. Folders that forbid it (a Go module cache has such) are
/// opened first.
pub(crate) fn remove_tree(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(_) => {
            open_up(folder);
            match fs::remove_dir_all(folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                result => result,
            }
        }
        Ok(()) => Ok(()),
    }
}

fn open_up(folder: &Path) {
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_whose_lease_is_held_is_left_alone_and_another_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path());
        let living = RunFolder::create(&cache.runs().join("living")).unwrap();
        let elsewhere = home.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let mut dead = RunFolder::create(&cache.runs().join("dead")).unwrap();
        dead.own(elsewhere.clone()).unwrap();
        drop(dead);
        assert_eq!(
            sweep(&cache).unwrap(),
            ["cleared away what run dead left: 0 processes killed"]
        );
        assert!(!cache.runs().join("dead").exists() && !elsewhere.exists());
        assert!(cache.runs().join("living").exists());
        living.remove();
        assert!(!cache.runs().join("living").exists());
    }

    #[test]
    fn a_folder_of_a_run_that_just_begins_is_nothing_to_tell_of() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path());
        let (empty, unlocked) = (cache.runs().join("empty"), cache.runs().join("unlocked"));
        fs::create_dir_all(&empty).unwrap();
        fs::create_dir_all(&unlocked).unwrap();
        fs::write(unlocked.join(LEASE), "").unwrap();
        assert_eq!(sweep(&cache).unwrap(), [""; 0]);
        assert!(!empty.exists() && !unlocked.exists());
        let begun = RunFolder::create(&unlocked).unwrap();
        assert_eq!(sweep(&cache).unwrap(), [""; 0]);
        assert!(begun.temporary().exists());
    }

    #[test]
    fn runs_that_begin_and_end_beside_a_sweep_are_never_taken_for_dead() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path());
        std::thread::scope(|scope| {
            let runs = scope.spawn(|| {
                for round in 0..200 {
                    let folder = RunFolder::create(&cache.runs().join(format!("run{round}"))).unwrap();
                    fs::write(folder.temporary().join("file"), "").unwrap();
                    folder.remove();
                }
            });
            while !runs.is_finished() {
                assert_eq!(sweep(&cache).unwrap(), [""; 0]);
            }
        });
    }

    #[test]
    fn folders_that_forbid_it_are_removed_all_the_same() {
        let home = tempfile::tempdir().unwrap();
        let closed = home.path().join("run/closed/inner");
        fs::create_dir_all(&closed).unwrap();
        fs::write(closed.join("file"), "").unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
        fs::set_permissions(closed.parent().unwrap(), fs::Permissions::from_mode(0o0)).unwrap();
        remove_tree(&home.path().join("run")).unwrap();
        assert!(!home.path().join("run").exists());
        remove_tree(&home.path().join("run")).unwrap();
    }

    #[test]
    fn an_identifier_is_never_a_path() {
        assert!("../x".parse::<RunId>().is_err() && "".parse::<RunId>().is_err());
        assert!(RunId::random().as_str().parse::<RunId>().is_ok());
    }
}
