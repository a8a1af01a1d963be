//! The real servers behind a mesh's brokers and datastores, each a child of the guardian.

pub mod kafka;
pub mod mock;
pub mod postgres;
mod programs;

use std::{io, path::PathBuf};

use crate::{
    cache::CacheError,
    guardian::{Exit, GuardianError, SpawnError},
};

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A program that it needs is not installed.
    #[error("cannot run {server}: `{program}` is not on PATH")]
    Absent {
        /// The server.
        server: &'static str,
        /// The program.
        program: &'static str,
    },
    /// Its files could not be had.
    #[error("cannot fetch {server}: {reason}")]
    Fetch {
        /// The server and its version.
        server: String,
        /// What was said, of several lines perhaps.
        reason: String,
    },
    /// A step of its preparation failed.
    #[error("cannot prepare {server}: `{program}` ended with {exit}\n{output}")]
    Prepare {
        /// The server.
        server: &'static str,
        /// The program that failed.
        program: String,
        /// How it ended.
        exit: Exit,
        /// What it wrote.
        output: String,
    },
    /// It exited before it was ready.
    #[error("{server} ended with {exit} before it was ready\n{output}")]
    Died {
        /// The server.
        server: &'static str,
        /// How it ended.
        exit: Exit,
        /// The last lines it wrote.
        output: String,
    },
    /// It runs and does not become ready.
    #[error("{server} was not ready within {seconds} s\n{output}")]
    NotReady {
        /// The server.
        server: &'static str,
        /// How long was waited.
        seconds: u64,
        /// The last lines it wrote.
        output: String,
    },
    /// It answers, but not as it should.
    #[error("{server} refused to {action}: {reason}")]
    Refused {
        /// The server.
        server: &'static str,
        /// What was asked of it.
        action: String,
        /// What it said.
        reason: String,
    },
    /// One of its programs did not start, or the guardian is gone.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// Its folder cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No port could be had.
    #[error("no free port on loopback: {0}")]
    Port(#[source] io::Error),
    /// A schema's file is wrong.
    #[error(transparent)]
    Sql(#[from] postgres::SqlError),
}

impl ServerError {
    /// Whether this machine cannot have the server at all, as opposed to one that went wrong: the caller may take another in its stead.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::Absent { .. } | Self::Fetch { .. })
    }
}

impl From<GuardianError> for ServerError {
    fn from(error: GuardianError) -> Self {
        Self::Spawn(error.into())
    }
}

/// For `map_err`: the file system refused something about `path`.
fn folder_error(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> ServerError {
    let path = path.into();
    move |source| ServerError::Folder { path, source }
}
