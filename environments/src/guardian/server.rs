//! The guardian's own process.

use std::{
    collections::{HashMap, HashSet},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitOptions, getpid, getppid, set_child_subreaper, setsid, waitpid};
use tokio::{
    net::UnixStream,
    signal::unix::{SignalKind, signal},
};

use super::{
    command::{Command, Exit},
    process::{self, CHILD_MARKER, ProcessId, RUN_MARKER, Within, ended},
    run_folder::{RunFolder, RunId},
    shared_memory::SharedMemory,
    walls,
    wire::{Incoming, Reply, Request, send},
};

/// How long the guardian tries to kill what is left at the end.
const END_LIMIT: Duration = Duration::from_secs(3);
/// How long a runner that has let go of its guardian may take to exit.
const RUNNER_LIMIT: Duration = Duration::from_secs(1);
/// How long the guardian tries to kill what came of a child that has ended.
const STRAYS_LIMIT: Duration = Duration::from_millis(500);
/// How long those that are told to end may take before they are killed.
const FAREWELL_LIMIT: Duration = Duration::from_secs(1);

/// Is the guardian until its runner is gone: the whole of the hidden subcommand that the [`Launcher`](super::Launcher) names.
/// The last two arguments of this process are the run's folder and the run's identifier, its standard input is the socket to the runner.
#[must_use]
pub fn serve() -> ExitCode {
    // A thread of its own, so that it does not matter whether the caller is inside an asynchronous runtime.
    let arguments: Vec<String> = std::env::args().collect();
    // Not on a thread of its own: a program of several threads may not enter a user namespace (unshare(2)).
    if let Some(ended) = walls::serve(&arguments) {
        return ended;
    }
    match std::thread::spawn(run).join() {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(_)) | Err(_) => ExitCode::FAILURE,
    }
}

fn run() -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let socket = std::os::unix::net::UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
            socket.set_nonblocking(true)?;
            let stream = UnixStream::from_std(socket)?;
            let mut server = match Server::begin() {
                Ok(server) => server,
                Err(error) => return send(&stream, &Reply::Failed { error }, &[]).await,
            };
            let closed_in_order = server.converse(&stream).await;
            let in_order = matches!(closed_in_order, Ok(true));
            let killed = server.end(in_order);
            if in_order {
                send(&stream, &Reply::Closed { killed }, &[]).await?;
            }
            Ok(())
        })
}

struct Server {
    run: RunId,
    /// What makes this program the guardian, or one of its kind.
    launcher: Vec<String>,
    runner: Option<ProcessId>,
    folder: RunFolder,
    children: HashMap<i32, ProcessId>,
    /// How many children there have been.
    spawned: u64,
    /// What the processes that came of each child carry.
    markers: HashMap<ProcessId, String>,
    /// The children that stand around a program of theirs.
    walled: HashSet<ProcessId>,
    /// The children that are sent a signal of their own before they are killed.
    farewells: HashMap<ProcessId, i32>,
    /// What those had that were killed.
    shared: SharedMemory,
}

impl Server {
    fn begin() -> Result<Self, String> {
        let arguments: Vec<String> = std::env::args().collect();
        let [launcher @ .., folder, run] = arguments.as_slice() else {
            return Err("no folder and no run given".into());
        };
        let run: RunId = run.parse()?;
        let launcher = launcher.get(1..).unwrap_or_default().to_vec();
        let runner = getppid().and_then(|parent| ProcessId::of(parent.as_raw_nonzero().get()));
        // Fails for the leader of a process group, which is no harm: such a one was not started by a runner.
        let _ = setsid();
        set_child_subreaper(Some(getpid())).map_err(|error| format!("cannot become the reaper of orphans: {error}"))?;
        let _ = std::env::set_current_dir("/");
        let folder = RunFolder::create(Path::new(folder))
            .map_err(|error| format!("cannot make the run's folder {folder}: {error}"))?;
        Ok(Self {
            run,
            launcher,
            runner,
            folder,
            children: HashMap::new(),
            spawned: 0,
            markers: HashMap::new(),
            walled: HashSet::new(),
            farewells: HashMap::new(),
            shared: SharedMemory::default(),
        })
    }

    /// Serves the runner until it closes (`true`: it said so before).
    async fn converse(&mut self, stream: &UnixStream) -> io::Result<bool> {
        let mut child_ended = signal(SignalKind::child())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut incoming = Incoming::default();
        send(stream, &Reply::Ready, &[]).await?;
        loop {
            tokio::select! {
                request = incoming.next(stream) => {
                    let reply = match request? {
                        None => return Ok(false),
                        Some(Request::Close) => return Ok(true),
                        Some(Request::Spawn { id, command, walls }) => {
                            let outputs = (incoming.descriptors.pop_front(), incoming.descriptors.pop_front());
                            let walls = walls.then(|| incoming.descriptors.pop_front()).flatten();
                            match self.spawn(&command, outputs, walls) {
                                Ok(process) => Reply::Spawned { id, process },
                                Err(error) => Reply::Done { id, error: Some(error.to_string()) },
                            }
                        }
                        Some(Request::Signal { id, process, signal }) => {
                            done(id, self.signal(&process, signal))
                        }
                        Some(Request::OwnFolder { id, folder }) => done(id, self.own(folder)),
                    };
                    send(stream, &reply, &[]).await?;
                }
                _ = child_ended.recv() => {
                    for (process, exit) in self.reap() {
                        send(stream, &Reply::Exited { process, exit }, &[]).await?;
                    }
                }
                _ = terminate.recv() => return Ok(false),
                _ = interrupt.recv() => return Ok(false),
            }
        }
    }

    fn spawn(
        &mut self,
        command: &Command,
        outputs: (Option<OwnedFd>, Option<OwnedFd>),
        walls: Option<OwnedFd>,
    ) -> io::Result<ProcessId> {
        let (Some(stdout), Some(stderr)) = outputs else {
            return Err(io::Error::other("no pipes came with the request"));
        };
        self.spawned += 1;
        let marker = format!("{}-{}", self.run, self.spawned);
        let is_walled = walls.is_some();
        let (mut prepared, input) = match walls {
            Some(socket) => (walls::around(&self.launcher), Stdio::from(socket)),
            None => {
                let mut prepared = command.prepare()?;
                prepared.envs(command.variables());
                (prepared, Stdio::null())
            }
        };
        if !command.variables().any(|(name, _)| name == "TMPDIR") {
            prepared.env("TMPDIR", self.folder.temporary());
        }
        prepared
            .env(RUN_MARKER, self.run.as_str())
            .env(CHILD_MARKER, &marker)
            .stdin(input)
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0);
        let child = prepared.spawn()?;
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        // It cannot have been reaped: only this thread reaps.
        let process = ProcessId::of(pid).ok_or_else(|| io::Error::other("it vanished"))?;
        self.children.insert(pid, process.clone());
        self.markers.insert(process.clone(), marker);
        if is_walled {
            self.walled.insert(process.clone());
        }
        self.farewells
            .extend(command.farewell.map(|signal| (process.clone(), signal)));
        Ok(process)
    }

    fn signal(&mut self, process: &ProcessId, signal: i32) -> io::Result<()> {
        let signal =
            Signal::from_named_raw(signal).ok_or_else(|| io::Error::other(format!("no such signal: {signal}")))?;
        match self.children.get(&process.pid) {
            Some(child) if child == process => {
                // What stands around a program ends with it, and tells how it ended: it is not signalled itself.
                let within = self.walled.contains(process).then(|| Within::of(process)).flatten();
                let program = within.as_ref().and_then(|within| within.program.as_ref());
                let leader = program.unwrap_or(process);
                if signal == Signal::KILL {
                    self.note_group(leader);
                }
                match (&within, program) {
                    // It has ended, and so does what stands around it; or none was started yet.
                    (Some(within), None) if signal == Signal::KILL => process::signal(&within.inner, signal),
                    // One that has left the group it led is ended with all that is inside.
                    (Some(within), Some(program)) if signal == Signal::KILL => {
                        process::signal_group(program, signal).or_else(|_| process::signal(&within.inner, signal))
                    }
                    _ => process::signal_group(leader, signal),
                }
            }
            _ => Err(rustix::io::Errno::SRCH.into()),
        }
    }

    /// Notes down what shared memory the group has that `leader` leads.
    fn note_group(&mut self, leader: &ProcessId) {
        let members = process::all().into_iter().filter(|stat| stat.group == leader.pid);
        members.for_each(|stat| self.shared.note(stat.pid));
    }

    fn own(&mut self, folder: PathBuf) -> io::Result<()> {
        self.folder.own(folder)
    }

    /// Reaps the children that ended, with what is left of their groups, and the orphans that came to the guardian.
    fn reap(&mut self) -> Vec<(ProcessId, Exit)> {
        let ended: Vec<(ProcessId, Exit)> = self
            .children
            .values()
            .filter_map(|child| Some((child.clone(), ended(child.pid)?)))
            .collect();
        for (process, _) in &ended {
            // As long as its leader is not reaped, the group's number belongs to nobody else.
            self.note_group(process);
            self.shared.note_made_by(process);
            let _ = process::signal_group(process, Signal::KILL);
            self.children.remove(&process.pid);
            self.farewells.remove(process);
            self.walled.remove(process);
            reap(process.pid);
            // And what left the group for a session of its own.
            if let Some(marker) = self.markers.remove(process) {
                let find = || process::marked(CHILD_MARKER, &marker);
                drop(process::kill_all(find, || {}, &mut self.shared, STRAYS_LIMIT));
            }
        }
        let own = getpid().as_raw_nonzero().get();
        for orphan in process::all() {
            if orphan.parent == own && orphan.is_dead() && !self.children.contains_key(&orphan.pid) {
                reap(orphan.pid);
            }
        }
        ended
    }

    /// Kills everything of the run, removes its folders, and tells what was killed.
    fn end(&mut self, in_order: bool) -> Vec<String> {
        let farewells: Vec<(ProcessId, i32)> = self.farewells.clone().into_iter().collect();
        let told = farewells
            .into_iter()
            .filter(|(child, signal)| self.signal(child, *signal).is_ok());
        let leaving: Vec<ProcessId> = told.map(|(child, _)| child).collect();
        process::await_end(&leaving, FAREWELL_LIMIT);
        self.reap();
        let run = self.run.clone();
        let mut shared = std::mem::take(&mut self.shared);
        let find = || process::of_run(run.as_str());
        let killed = process::kill_all(find, || drop(self.reap()), &mut shared, END_LIMIT);
        shared.remove();
        self.shared.remove();
        if !in_order {
            // While it exits it may still write into its folders.
            process::await_end(self.runner.as_slice(), RUNNER_LIMIT);
        }
        self.folder.remove();
        killed
    }
}

fn done(id: u64, result: io::Result<()>) -> Reply {
    Reply::Done {
        id,
        error: result.err().map(|error| error.to_string()),
    }
}

fn reap(pid: i32) {
    let _ = waitpid(Pid::from_raw(pid), WaitOptions::NOHANG);
}
