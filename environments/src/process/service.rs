//! One service of one sandbox: its process, its log, its state.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use momus_engine::event::{Happening, ServiceState};
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{LogFormat, Mesh, Service, Source};
use momus_engine::sandbox::Endpoint;
use momus_engine::timeline::Timeline;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

use super::address::Addresses;
use super::incident::Incident;
use super::standins;
use crate::guardian::{Child, Command, Exit, Guardian, Lines, Signal};
use crate::standins::log_line;

/// How many of a service's last lines a message shows.
const SHOWN: usize = 20;

/// How a process ends that is killed.
const KILLED: Exit = Exit::Signal(9);

/// Variables of the runner that a service sees besides its own: without them hardly any program runs.
const INHERITED: [&str; 5] = ["PATH", "HOME", "USER", "LANG", "TZ"];

/// A service that Momus starts.
pub(super) struct Process {
    pub(super) name: String,
    mesh: Arc<Mesh>,
    guardian: Guardian,
    timeline: Timeline,
    log: PathBuf,
    running: Mutex<Option<Running>>,
    /// Becomes the exits that no step told it to.
    untold: Incident,
    last: Arc<Mutex<VecDeque<String>>>,
    /// How many streams of its processes are read at this moment.
    read: watch::Sender<usize>,
}

/// A process of it.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) child: Child,
    pub(super) ports: BTreeMap<String, u16>,
    stage: Arc<Mutex<Stage>>,
    /// True once its end is on the timeline, and told where nobody had told it to.
    noted: watch::Sender<bool>,
}

/// What the end of a process means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Whoever starts it and waits until it is ready tells it.
    Starting,
    /// The system under test failed.
    Live,
    /// A step told it to end.
    ToldToEnd,
    /// Its sandbox is being closed, and kills it: any other end is its own, and came just before.
    Closing,
}

impl Running {
    /// From now on its end means something else; what it meant before.
    pub(super) fn enter(&self, stage: Stage) -> Stage {
        std::mem::replace(&mut *self.stage.lock().unwrap_or_else(PoisonError::into_inner), stage)
    }

    /// Kills it with its sandbox. Had it ended by itself just before, that is told first.
    pub(super) async fn close(&self) {
        let stage = if self.stage() == Stage::Live {
            Stage::Closing
        } else {
            Stage::ToldToEnd
        };
        self.enter(stage);
        self.child.kill().await;
        if self.child.exit() != Some(KILLED) {
            let mut noted = self.noted.subscribe();
            drop(tokio::time::timeout(Duration::from_secs(2), noted.wait_for(|noted| *noted)).await);
        }
    }

    fn stage(&self) -> Stage {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Process {
    pub(super) fn new(
        name: &str,
        mesh: Arc<Mesh>,
        guardian: Guardian,
        timeline: Timeline,
        logs: &Path,
        untold: Incident,
    ) -> Self {
        Self {
            name: name.to_owned(),
            mesh,
            guardian,
            timeline,
            log: logs.join(format!("{name}.log")),
            running: Mutex::default(),
            untold,
            last: Arc::default(),
            read: watch::Sender::new(0),
        }
    }

    /// What the mesh says of it.
    ///
    /// # Errors
    /// Never for a process made of a mesh's service.
    pub(super) fn declared(&self) -> Result<&Service, StepError> {
        let found = self.mesh.services.get(&self.name);
        found.ok_or_else(|| Failure::unknown(format!("the mesh has no service {}", self.name)))
    }

    /// Its process, when it runs.
    pub(super) fn running(&self) -> Option<Running> {
        self.lock().clone().filter(|running| running.child.exit().is_none())
    }

    /// Its latest process, which may have ended.
    ///
    /// # Errors
    /// When it was never started.
    pub(super) fn latest(&self) -> Result<Running, StepError> {
        let latest = self.lock().clone();
        latest.ok_or_else(|| Failure::failed(format!("{} was never started", self.name)))
    }

    /// Waits until all that an ended process wrote is read. Gives up after a second, for somebody else may hold the pipe.
    pub(super) async fn settled(&self) {
        if self.running().is_none() {
            let mut read = self.read.subscribe();
            drop(tokio::time::timeout(Duration::from_secs(1), read.wait_for(|open| *open == 0)).await);
        }
    }

    /// Its process.
    ///
    /// # Errors
    /// When it does not run.
    pub(super) fn must_run(&self) -> Result<Running, StepError> {
        self.running()
            .ok_or_else(|| Failure::failed(format!("{} does not run", self.name)).hint("`… is started` starts it"))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last lines that it wrote.
    pub(super) fn last_lines(&self) -> Vec<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().cloned().collect()
    }

    /// Starts a process on ports of the system's choice.
    pub(super) async fn spawn(
        &self,
        endpoints: &BTreeMap<(String, String), Endpoint>,
        stage: Stage,
    ) -> Result<Running, StepError> {
        let service = self.declared()?;
        let Source::Command(command) = &service.source else {
            return Err(Failure::failed(format!(
                "{} is served already, at a url: Momus cannot start it",
                self.name
            )));
        };
        if self.running().is_some() {
            return Err(Failure::failed(format!("{} runs already", self.name)));
        }
        let ports =
            free_ports(service).map_err(|error| Failure::unknown(format!("no port for {}: {error}", self.name)))?;
        let addresses = Addresses {
            endpoints,
            service: &self.name,
            ports: &ports,
            bin: self.mesh.bin.as_deref(),
        };
        let mut words = command.iter().map(|word| addresses.fill(word));
        let program = words
            .next()
            .unwrap_or_else(|| Ok(String::new()))
            .map_err(Failure::unknown)?;
        let mut started = Command::new(&program)
            .working_dir(&service.working_dir)
            .label(&self.name);
        for word in words {
            started = started.argument(word.map_err(Failure::unknown)?);
        }
        for name in INHERITED {
            if let Ok(value) = std::env::var(name) {
                started = started.variable(name, value);
            }
        }
        for (name, value) in &service.environment {
            started = started.variable(name, addresses.fill(value).map_err(Failure::unknown)?);
        }
        let spawned = self.guardian.spawn(started).await;
        let (child, output) = spawned.map_err(|error| {
            let failure = Failure::unknown(format!("{} cannot be started: {error}", self.name));
            failure.hint(format!("its `command` stands at {}", command.place))
        })?;
        let file = tokio::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .await;
        let file = file.map_err(|error| Failure::unknown(format!("the log {}: {error}", self.log.display())))?;
        let file = Arc::new(tokio::sync::Mutex::new(file));
        for lines in [output.stdout, output.stderr] {
            let reader = Reader {
                file: Arc::clone(&file),
                service: self.name.clone(),
                format: service.logs,
                timeline: self.timeline.clone(),
                last: Arc::clone(&self.last),
            };
            let read = self.read.clone();
            read.send_modify(|open| *open += 1);
            tokio::spawn(async move {
                reader.read(lines).await;
                read.send_modify(|open| *open -= 1);
            });
        }
        let running = Running {
            child,
            ports,
            stage: Arc::new(Mutex::new(stage)),
            noted: watch::Sender::new(false),
        };
        *self.lock() = Some(running.clone());
        self.tell(ServiceState::Started);
        self.watch(running.clone());
        Ok(running)
    }

    /// Notes its exit, and that nobody told it to.
    fn watch(&self, running: Running) {
        let mut read = self.read.subscribe();
        let (name, timeline, untold, last) = (
            self.name.clone(),
            self.timeline.clone(),
            self.untold.clone(),
            Arc::clone(&self.last),
        );
        tokio::spawn(async move {
            let exit = running.child.exited().await;
            // What it wrote last is read first; somebody else may hold the pipe.
            drop(tokio::time::timeout(Duration::from_secs(1), read.wait_for(|open| *open == 0)).await);
            let stage = running.stage();
            let told = stage == Stage::ToldToEnd || (stage == Stage::Closing && exit == KILLED);
            let status = exit.to_string();
            timeline.record(Happening::Service {
                service: name.clone(),
                state: ServiceState::Exited { status, told },
            });
            if !told && stage != Stage::Starting && exit != Exit::Unknown {
                let last = last.lock().unwrap_or_else(PoisonError::into_inner);
                let failure = Failure::failed(format!("{name} ended with {exit}, and no step told it to"))
                    .output(last.iter().cloned());
                drop(last);
                untold.happens(failure);
            }
            running.noted.send_replace(true);
        });
    }

    /// Sends a signal to its process.
    pub(super) async fn signal(&self, signal: Signal, state: ServiceState) -> Result<(), StepError> {
        let running = self.must_run()?;
        let sent = running.child.signal(signal).await;
        sent.map_err(|error| Failure::unknown(format!("{} cannot be signalled: {error}", self.name)))?;
        self.tell(state);
        Ok(())
    }

    /// Puts what became of it on the timeline.
    pub(super) fn tell(&self, state: ServiceState) {
        self.timeline.record(Happening::Service {
            service: self.name.clone(),
            state,
        });
    }
}

/// A port for each that the service declares, free at this moment.
fn free_ports(service: &Service) -> std::io::Result<BTreeMap<String, u16>> {
    let mut held = Vec::new();
    for name in service.ports.keys() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        held.push((name.clone(), listener.local_addr()?.port(), listener));
    }
    Ok(held.into_iter().map(|(name, port, _)| (name, port)).collect())
}

/// Where the lines of a stream go.
struct Reader {
    file: Arc<tokio::sync::Mutex<tokio::fs::File>>,
    service: String,
    format: Option<LogFormat>,
    timeline: Timeline,
    last: Arc<Mutex<VecDeque<String>>>,
}

impl Reader {
    /// Reads a stream to its end: each line goes to the log file, the timeline and the last lines.
    async fn read(&self, mut lines: Lines) {
        while let Some(line) = lines.next().await {
            {
                let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.len() == SHOWN {
                    last.pop_front();
                }
                last.push_back(line.clone());
            }
            match self.format {
                Some(LogFormat::Ecs | LogFormat::Json) => {
                    let parsed = log_line::parse(&line);
                    let happening = standins::log(&self.service, &parsed);
                    self.timeline.record_traced(parsed.trace, happening);
                }
                Some(LogFormat::Plain) | None => self.timeline.record(Happening::Log {
                    service: self.service.clone(),
                    level: None,
                    message: line.clone(),
                }),
            }
            // A full disk loses the log, not the run.
            drop(self.file.lock().await.write_all(format!("{line}\n").as_bytes()).await);
        }
        drop(self.file.lock().await.flush().await);
    }
}
