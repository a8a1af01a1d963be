//! The runner's side of the guardian.

use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use rustix::pipe::{PipeFlags, pipe_with};
use tokio::net::{UnixStream, unix::pipe::Receiver};

use super::{
    command::{Child, Command, Finished, SpawnError},
    connection::{Answer, Connection},
    output::{Lines, Output},
    run_folder::{RunId, TEMPORARY},
    walls::Walls,
    wire::{Incoming, Reply, Request},
};
use crate::cache::Cache;

/// How the guardian is started: a program and arguments that end in a call of [`serve`](super::serve).
#[derive(Clone, Debug)]
pub struct Launcher {
    /// The program, normally the one that runs now.
    pub program: PathBuf,
    /// What makes it the guardian; the run's folder and identifier are added.
    pub arguments: Vec<String>,
}

/// Why the guardian could not do something.
#[derive(Debug, thiserror::Error)]
pub enum GuardianError {
    /// It did not start.
    #[error("cannot start the guardian `{program}`: {reason}")]
    Start {
        /// The launcher's program.
        program: String,
        /// What went wrong.
        reason: String,
    },
    /// It is gone: killed from outside, or closed before.
    #[error("the guardian is gone: it was killed, or closed before")]
    Gone,
    /// The system refused what was asked of it.
    #[error("the guardian was refused: {0}")]
    Refused(String),
    /// A pipe could not be made.
    #[error("cannot make a pipe: {0}")]
    Pipe(#[source] io::Error),
}

/// The variables that the guardian itself is given. All others are kept from it, among them those by which CI servers find
/// the processes they kill (`BUILD_ID`, `JENKINS_NODE_COOKIE`, `RUNNER_TRACKING_ID` and their like).
const KEPT_VARIABLES: [&str; 5] = ["HOME", "LD_LIBRARY_PATH", "PATH", "RUST_BACKTRACE", "TMPDIR"];

/// The guardian of one run. Clones are the same one. When the last handle on it and on its children is dropped, or this
/// process ends in whatever way, it ends the run on its own.
#[derive(Clone, Debug)]
pub struct Guardian {
    run: RunId,
    folder: PathBuf,
    connection: Arc<Connection>,
    process: Arc<tokio::sync::Mutex<tokio::process::Child>>,
    /// Held shared by each work in the run's folders, and alone when they are removed.
    folders: Arc<tokio::sync::RwLock<()>>,
}

impl Guardian {
    /// Starts the guardian of a run; it makes the run's folder, `<cache>/runs/<run>`, with mode 0700.
    ///
    /// # Errors
    /// When the launcher's program does not start, or does not become a guardian that can make the folder.
    pub async fn start(launcher: &Launcher, cache: &Cache, run: RunId) -> Result<Self, GuardianError> {
        let folder = cache.runs().join(run.as_str());
        let failed = |reason: String| GuardianError::Start {
            program: launcher.program.display().to_string(),
            reason,
        };
        let (stream, theirs) = UnixStream::pair().map_err(|error| failed(error.to_string()))?;
        let theirs = theirs
            .into_std()
            .and_then(|socket| socket.set_nonblocking(false).map(|()| socket));
        let theirs = OwnedFd::from(theirs.map_err(|error| failed(error.to_string()))?);
        let kept = KEPT_VARIABLES
            .into_iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        let process = tokio::process::Command::new(&launcher.program)
            .args(&launcher.arguments)
            .arg(&folder)
            .arg(run.as_str())
            .env_clear()
            .envs(kept)
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let mut incoming = Incoming::default();
        match incoming.next(&stream).await {
            Ok(Some(Reply::Ready)) => {}
            Ok(Some(Reply::Failed { error })) => return Err(failed(error)),
            Ok(_) => return Err(failed("it exited before it was ready".into())),
            Err(error) => return Err(failed(error.to_string())),
        }
        let connection = Arc::new(Connection::new(stream, incoming));
        Ok(Self {
            run,
            folder,
            connection,
            process: Arc::new(tokio::sync::Mutex::new(process)),
            folders: Arc::default(),
        })
    }

    /// The run that it guards.
    #[must_use]
    pub fn run_id(&self) -> &RunId {
        &self.run
    }

    /// The run's folder, which goes with the run.
    #[must_use]
    pub fn run_folder(&self) -> &Path {
        &self.folder
    }

    /// Where what the run starts puts its temporary files; it goes with the run.
    #[must_use]
    pub fn temporary_folder(&self) -> PathBuf {
        self.folder.join(TEMPORARY)
    }

    /// Starts a program.
    ///
    /// # Errors
    /// When the program cannot be started, or the guardian is gone.
    pub async fn spawn(&self, command: Command) -> Result<(Child, Output), SpawnError> {
        let (stdout, stdout_end) = pipe()?;
        let (stderr, stderr_end) = pipe()?;
        let child = self.spawn_with(command, vec![stdout_end, stderr_end]).await?;
        Ok((child, Output { stdout, stderr }))
    }

    /// Starts what stands around a program: walls, in which nothing is built yet. The child ends as the program does that is
    /// run inside.
    ///
    /// # Errors
    /// When it cannot be started, or the guardian is gone.
    pub async fn spawn_walls(&self, label: &str) -> Result<(Child, Output, Walls), SpawnError> {
        let (stdout, stdout_end) = pipe()?;
        let (stderr, stderr_end) = pipe()?;
        let (stream, theirs) = UnixStream::pair().map_err(GuardianError::Pipe)?;
        let theirs = theirs.into_std().map_err(GuardianError::Pipe)?;
        let descriptors = vec![stdout_end, stderr_end, theirs.into()];
        let child = self.spawn_with(Command::new(label).label(label), descriptors).await?;
        Ok((child, Output { stdout, stderr }, Walls::new(stream)))
    }

    /// Runs a program to its end and keeps what it writes; each line is also handed to `line` as it comes.
    /// When this is cancelled, the program is killed.
    ///
    /// # Errors
    /// When the program cannot be started, or the guardian is gone. That the program fails is no error here: look at the exit.
    pub async fn run(&self, command: Command, mut line: impl FnMut(&str)) -> Result<Finished, SpawnError> {
        let (mut lines, end) = pipe()?;
        let other_end = end.try_clone().map_err(GuardianError::Pipe)?;
        let child = self.spawn_with(command, vec![end, other_end]).await?;
        let mut unfinished = KillOnDrop(Some(child.clone()));
        let mut output = String::new();
        while let Some(next) = lines.next().await {
            line(&next);
            output.push_str(&next);
            output.push('\n');
        }
        let exit = child.exited().await;
        unfinished.0 = None;
        Ok(Finished { exit, output })
    }

    async fn spawn_with(&self, command: Command, descriptors: Vec<OwnedFd>) -> Result<Child, SpawnError> {
        let (program, name) = (command.program.display().to_string(), command.name());
        let walls = descriptors.len() > 2;
        let answer = self
            .connection
            .request(|id| Request::Spawn { id, command, walls }, descriptors)
            .await;
        match answer {
            Ok(Answer::Spawned(process, exit)) => Ok(Child {
                process,
                exit,
                name: name.into(),
                connection: Arc::clone(&self.connection),
            }),
            Ok(Answer::Done(_)) => Err(GuardianError::Gone.into()),
            Err(GuardianError::Refused(reason)) => Err(SpawnError::Refused { program, reason }),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a folder outside the run's own into the run's care: it is removed with it. Call it before the folder is made.
    ///
    /// # Errors
    /// When the guardian cannot note it down, or is gone.
    pub async fn own_folder(&self, folder: &Path) -> Result<(), GuardianError> {
        let folder = folder.to_owned();
        self.connection.ask(|id| Request::OwnFolder { id, folder }).await
    }

    /// Does work that blocks in the run's folders, on a thread of its own. It goes on when nobody waits for it any more, and the folders
    /// are not removed before it is done.
    ///
    /// # Errors
    /// What the work fails with, or that it panicked.
    pub async fn in_folders<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let open = Arc::clone(&self.folders).read_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(open);
            result
        });
        done.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// Ends the run: kills what is left, removes its folders. Returns the programs that had to be killed.
    ///
    /// # Errors
    /// When the guardian is gone already.
    pub async fn close(&self) -> Result<Vec<String>, GuardianError> {
        let _alone = self.folders.write().await;
        let closed = self.connection.close().await;
        // Whatever it says, it exits; it is not left a zombie.
        let _ = self.process.lock().await.wait().await;
        closed
    }
}

/// Kills a child whose end nobody waits for any more.
struct KillOnDrop(Option<Child>);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if let Some(child) = self.0.take() {
            child.connection.kill_unheard(child.process);
        }
    }
}

fn pipe() -> Result<(Lines, OwnedFd), GuardianError> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC).map_err(|error| GuardianError::Pipe(error.into()))?;
    let receiver = Receiver::from_owned_fd(read).map_err(GuardianError::Pipe)?;
    Ok((Lines::new(receiver), write))
}
