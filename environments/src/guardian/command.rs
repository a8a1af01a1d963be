//! A program to be started, and the child that it became.

use std::{
    fmt, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{GuardianError, connection::Connection, process::ProcessId, wire::Request};

/// A program to be started by the guardian.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The program: a path (a relative one is meant from `working_dir`), or a name that is looked up in the `PATH` of `environment`.
    pub program: PathBuf,
    /// Its arguments, without the program.
    pub arguments: Vec<String>,
    /// Its whole environment: nothing is inherited. The guardian adds [`RUN_MARKER`](super::RUN_MARKER), [`CHILD_MARKER`](super::CHILD_MARKER) and, where it is not set,
    /// `TMPDIR`: a folder of the run's, so that what a killed program leaves there goes with the run.
    pub environment: Vec<(String, String)>,
    /// Where it runs; `/` when not given.
    pub working_dir: Option<PathBuf>,
    /// User and group number to run as; only root may give another than its own.
    pub user: Option<(u32, u32)>,
    /// What it is called in messages; the program when not given.
    pub label: Option<String>,
    /// The number of a signal that it is sent first when the run ends; it is killed a second later. Without one it is killed at once.
    pub farewell: Option<i32>,
}

impl Command {
    /// A program without arguments and environment.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            working_dir: None,
            user: None,
            label: None,
            farewell: None,
        }
    }

    /// Adds an argument; a path that is not UTF-8 loses what is not.
    #[must_use]
    pub fn argument(mut self, argument: impl AsRef<Path>) -> Self {
        self.arguments.push(argument.as_ref().to_string_lossy().into_owned());
        self
    }

    /// Adds a variable of the environment.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Adds all variables of this process but `TMPDIR`, as a build wants them. Those that are not UTF-8 are left out.
    #[must_use]
    pub fn inherit_environment(mut self) -> Self {
        let readable = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let inherited = std::env::vars_os().filter_map(readable);
        self.environment.extend(inherited.filter(|(name, _)| name != "TMPDIR"));
        self
    }

    /// Sets where it runs.
    #[must_use]
    pub fn working_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.working_dir = Some(folder.into());
        self
    }

    /// Sets the user and group number it runs as, if any.
    #[must_use]
    pub fn user(mut self, user: Option<(u32, u32)>) -> Self {
        self.user = user;
        self
    }

    /// Sets what it is called in messages.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets the signal that it is sent first when the run ends, so that it can give back what outlives a process.
    #[must_use]
    pub fn farewell(mut self, signal: Signal) -> Self {
        self.farewell = Some(signal.as_raw());
        self
    }

    /// Its program with its arguments, where it runs and as whom; without environment, output and markers.
    ///
    /// # Errors
    /// When its working directory is not there.
    pub(super) fn prepare(&self) -> io::Result<std::process::Command> {
        let folder = self.working_dir.as_deref().unwrap_or(Path::new("/"));
        if !folder.is_dir() {
            let folder = folder.display();
            return Err(io::Error::other(format!("its working directory {folder} is not there")));
        }
        let mut prepared = std::process::Command::new(&self.program);
        prepared.args(&self.arguments).env_clear().current_dir(folder);
        if let Some((user, group)) = self.user {
            prepared.uid(user).gid(group);
        }
        Ok(prepared)
    }

    /// Its environment, by name.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let variables = self.environment.iter();
        variables.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What it is called in messages.
    #[must_use]
    pub fn name(&self) -> String {
        self.label.clone().unwrap_or_else(|| self.program.display().to_string())
    }
}

/// Why a program did not start.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The system refused: no such program, no permission, no such working directory.
    #[error("cannot start `{program}`: {reason}")]
    Refused {
        /// The program as it was given.
        program: String,
        /// What the system said.
        reason: String,
    },
    /// There is no guardian to start it.
    #[error(transparent)]
    Guardian(#[from] GuardianError),
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// A signal of this number ended it.
    Signal(i32),
    /// The guardian is gone, and nobody can tell.
    Unknown,
}

impl Exit {
    /// Whether it exited with code 0.
    #[must_use]
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(6) => f.write_str("SIGABRT"),
            Self::Signal(9) => f.write_str("SIGKILL"),
            Self::Signal(11) => f.write_str("SIGSEGV"),
            Self::Signal(15) => f.write_str("SIGTERM"),
            Self::Signal(number) => write!(f, "signal {number}"),
            Self::Unknown => f.write_str("an unknown end: the guardian is gone"),
        }
    }
}

/// A program that has run to its end.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How it ended.
    pub exit: Exit,
    /// All it wrote to standard output and standard error, in the order written.
    pub output: String,
}

/// A child of the guardian. Clones are the same child; dropping them all does not end it.
///
/// It leads a process group of its own. When it exits, what is left of its group is killed, and whatever else came of it: a child is gone
/// with what it forked.
#[derive(Clone, Debug)]
pub struct Child {
    pub(super) process: ProcessId,
    pub(super) name: Arc<str>,
    pub(super) exit: watch::Receiver<Option<Exit>>,
    pub(super) connection: Arc<Connection>,
}

impl Child {
    /// The process.
    #[must_use]
    pub fn process(&self) -> &ProcessId {
        &self.process
    }

    /// Its process number, which is also that of its process group.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.process.pid
    }

    /// What it is called in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for its end; any number of tasks may.
    pub async fn exited(&self) -> Exit {
        let mut exit = self.exit.clone();
        exit.wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|exit| *exit)
            .unwrap_or(Exit::Unknown)
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Sends a signal to its process group.
    ///
    /// # Errors
    /// When it has exited, when the signal may not be sent, and when the guardian is gone.
    pub async fn signal(&self, signal: Signal) -> Result<(), GuardianError> {
        let process = self.process.clone();
        self.connection
            .ask(|id| Request::Signal {
                id,
                process,
                signal: signal.as_raw(),
            })
            .await
    }

    /// Ends it: SIGTERM, and after `grace` SIGKILL. A child that is stopped (SIGSTOP) is continued first, or it could not obey.
    pub async fn stop(&self, grace: Duration) -> Exit {
        // A failed signal means that it is gone already, which the wait below tells.
        let _ = self.signal(Signal::TERM).await;
        let _ = self.signal(Signal::CONT).await;
        match tokio::time::timeout(grace, self.exited()).await {
            Ok(exit) => exit,
            Err(_) => self.kill().await,
        }
    }

    /// Ends it with SIGKILL.
    pub async fn kill(&self) -> Exit {
        let _ = self.signal(Signal::KILL).await;
        self.exited().await
    }
}
