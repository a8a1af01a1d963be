//! The cache folder: what is fetched or made once and used by every later run, shared by runs in parallel.

use std::{
    fs::{self, File, OpenOptions},
    future::Future,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::{FlockOperation, flock};
use tokio::sync::oneshot;

use crate::guardian::remove_tree;

/// Told what takes time, as plain text without an end of line.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// Why the cache has not what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// No place for it.
    #[error("no folder for the cache: neither MOMUS_CACHE nor HOME is set")]
    NoFolder,
    /// The file system refused.
    #[error("cannot use the cache at {}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The cache folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The user's: `MOMUS_CACHE`, else `momus` in `XDG_CACHE_HOME` (an absolute path, as the XDG base directory
    /// specification demands), else `~/.cache/momus`. A relative `MOMUS_CACHE` is meant from the working directory.
    ///
    /// # Errors
    /// When none of these is set, or the working directory is gone.
    pub fn of_user() -> Result<Self, CacheError> {
        let variable = |name| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let folder = variable("MOMUS_CACHE")
            .or_else(|| {
                variable("XDG_CACHE_HOME")
                    .filter(|path| path.is_absolute())
                    .map(|path| path.join("momus"))
            })
            .or_else(|| variable("HOME").map(|path| path.join(".cache/momus")))
            .ok_or(CacheError::NoFolder)?;
        let folder = std::path::absolute(&folder).map_err(|source| CacheError::Io { path: folder, source })?;
        Ok(Self { folder })
    }

    /// The one in this folder, an absolute path.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where each run has its folder.
    #[must_use]
    pub fn runs(&self) -> PathBuf {
        self.folder.join("runs")
    }

    /// What is kept under a key. The key tells everything that the content depends on, and is fit for a file's name.
    #[must_use]
    pub fn entry(&self, key: &str) -> Entry {
        Entry {
            cache: self.clone(),
            key: key.to_owned(),
        }
    }
}

/// A folder in the cache, there as a whole or not at all.
#[derive(Clone, Debug)]
pub struct Entry {
    cache: Cache,
    key: String,
}

impl Entry {
    /// Where it is, if it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.cache.folder.join(&self.key)
    }

    /// The entry's folder; when it is not there, `make` fills a new folder, which then becomes the entry. Of runs in parallel one makes it
    /// and the others wait. The folder being filled lies in `run_folder`, of the same cache, so that it goes with a run that is killed.
    ///
    /// # Errors
    /// What `make` fails with, and whatever the file system refuses.
    pub async fn get_or_make<E, F>(
        &self,
        run_folder: &Path,
        progress: &Progress,
        make: impl FnOnce(PathBuf) -> F,
    ) -> Result<PathBuf, E>
    where
        E: From<CacheError>,
        F: Future<Output = Result<(), E>>,
    {
        let path = self.path();
        if path.is_dir() {
            return Ok(path);
        }
        let refused = |path: &Path| {
            let path = path.to_owned();
            move |source| CacheError::Io { path, source }
        };
        let locks = self.cache.folder.join("locks");
        fs::create_dir_all(&locks).map_err(refused(&locks))?;
        let _lock = lock(&locks.join(&self.key), || {
            progress(&format!("waiting for another run, which makes {}", self.key))
        })
        .await
        .map_err(refused(&locks))?;
        if path.is_dir() {
            return Ok(path);
        }
        let temporary = run_folder.join("making").join(&self.key);
        remove_tree(&temporary).map_err(refused(&temporary))?;
        fs::create_dir_all(&temporary).map_err(refused(&temporary))?;
        make(temporary.clone()).await?;
        fs::rename(&temporary, &path).map_err(refused(&path))?;
        Ok(path)
    }
}

/// Takes a lock between processes; it is held until the file is dropped, or the process ends.
async fn lock(path: &Path, wait: impl FnOnce()) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => return Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => wait(),
        Err(error) => return Err(error.into()),
    }
    // A thread that nobody waits for: the process can end while it is blocked, and when this is cancelled the lock is let go once taken.
    let (sender, locked) = oneshot::channel();
    std::thread::spawn(move || {
        let result = flock(&file, FlockOperation::LockExclusive).map(|()| file);
        let _ = sender.send(result.map_err(io::Error::from));
    });
    locked.await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn silent() -> Progress {
        Arc::new(|_| {})
    }

    #[tokio::test]
    async fn of_many_who_want_an_entry_one_makes_it() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path());
        let made = Arc::new(AtomicUsize::new(0));
        let mut wanting = tokio::task::JoinSet::new();
        for number in 0..8 {
            let (entry, made) = (cache.entry("thing-1"), Arc::clone(&made));
            let run_folder = cache.runs().join(number.to_string());
            wanting.spawn(async move {
                let make = |folder: PathBuf| async move {
                    made.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    fs::write(folder.join("content"), "whole").map_err(|source| CacheError::Io { path: folder, source })
                };
                entry.get_or_make(&run_folder, &silent(), make).await.unwrap()
            });
        }
        for path in wanting.join_all().await {
            assert_eq!(fs::read_to_string(path.join("content")).unwrap(), "whole");
        }
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failed_making_leaves_no_entry_and_the_next_one_tries_again() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache::at(home.path());
        let run_folder = cache.runs().join("1");
        let (entry, progress) = (cache.entry("thing"), silent());
        let failed = entry.get_or_make(&run_folder, &progress, async |folder: PathBuf| {
            fs::write(folder.join("half"), "").unwrap();
            Err(CacheError::NoFolder)
        });
        assert!(failed.await.is_err());
        assert!(!cache.entry("thing").path().exists());
        let made = entry.get_or_make(&run_folder, &progress, async |folder: PathBuf| {
            assert!(!folder.join("half").exists());
            Ok::<_, CacheError>(())
        });
        assert!(made.await.unwrap().is_dir());
    }

    #[test]
    fn the_folder_follows_the_xdg_rule() {
        assert!(Cache::of_user().unwrap().folder().is_absolute());
    }
}
