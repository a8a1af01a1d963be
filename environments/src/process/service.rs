//! One service of one sandbox: its process, its log, its state.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use momus_engine::event::{Happening, ServiceState};
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Located, Mesh, Service, Source, Template};
use momus_engine::sandbox::Endpoint;
use momus_engine::timeline::Timeline;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::address::Addresses;
use super::forwarding;
use super::incident::Incident;
use super::log::Log;
use super::ports::{Ports, Unshared};
use super::running::{Running, Stage};
use super::trust::Trust;
use super::within::{House, NotWithin};
use crate::guardian::{Command, Exit, Guardian, Signal, SpawnError};

/// How a process ends that is killed.
const KILLED: Exit = Exit::Signal(9);

/// Variables of the runner that a service sees besides its own: without them hardly any program runs.
const INHERITED: [&str; 5] = ["PATH", "HOME", "USER", "LANG", "TZ"];

/// A service that Momus starts.
pub(super) struct Process {
    pub(super) name: String,
    mesh: Arc<Mesh>,
    guardian: Guardian,
    pub(super) timeline: Timeline,
    pub(super) log: PathBuf,
    unshared: Unshared,
    /// The CA of the run, if it has one.
    trust: Option<Arc<Trust>>,
    latest: Mutex<Option<Running>>,
    /// Who notes the end of the latest.
    noting: Mutex<Option<AbortHandle>>,
    /// Whether a step did something to one of its processes.
    pub(super) harmed: AtomicBool,
    /// Told of the exits that no step told it to.
    untold: Incident,
}

impl Process {
    pub(super) fn new(
        name: &str,
        mesh: Arc<Mesh>,
        guardian: Guardian,
        timeline: Timeline,
        logs: &Path,
        (unshared, untold): (Unshared, Incident),
        trust: Option<Arc<Trust>>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            mesh,
            guardian,
            timeline,
            log: logs.join(format!("{name}.log")),
            unshared,
            trust,
            latest: Mutex::default(),
            noting: Mutex::default(),
            harmed: AtomicBool::new(false),
            untold,
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

    /// Its process.
    ///
    /// # Errors
    /// When it does not run.
    pub(super) fn must_run(&self) -> Result<Running, StepError> {
        self.running()
            .ok_or_else(|| Failure::failed(format!("{} does not run", self.name)).hint("`… is started` starts it"))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Running>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a process: within walls on the ports that it declares, else on ports of the system's choice, and told of its
    /// forward proxy if it has one.
    pub(super) async fn spawn(
        &self,
        endpoints: &BTreeMap<(String, String), Endpoint>,
        house: Option<House<'_>>,
        proxy: Option<SocketAddr>,
        stage: Stage,
    ) -> Result<Running, StepError> {
        let service = self.declared()?;
        let Source::Command(command) = &service.source else {
            let message = format!("{} is served already, at a url: Momus cannot start it", self.name);
            return Err(Failure::failed(message));
        };
        if self.running().is_some() {
            return Err(Failure::failed(format!("{} runs already", self.name)));
        }
        let ports = match house {
            Some(_) => Ok(Ports::declared(service)),
            None => Ports::draw(service, self.unshared.allows(&self.name)),
        };
        let ports = ports.map_err(|error| Failure::unknown(format!("no port for {}: {error}", self.name)))?;
        let started = self
            .command(service, command, endpoints, &ports, proxy)
            .map_err(Failure::unknown)?;
        let with = Arc::new(started.clone());
        let spawned = match house {
            Some(house) => {
                let told = self.trust.as_ref().map(|trust| trust.files()).unwrap_or_default();
                let run = house
                    .run(&self.name, &self.guardian, started, told, &self.timeline)
                    .await;
                run.map(|(child, output, walls, served)| (child, output, Some((walls, served))))
            }
            None => {
                let spawned = self.guardian.spawn(started).await;
                spawned
                    .map(|(child, output)| (child, output, None))
                    .map_err(NotWithin::Spawn)
            }
        };
        let (child, output, within) = spawned.map_err(|error| self.not_started(service, command, &error))?;
        let (walls, served) = within.unzip();
        let log = Log::begin((&self.name, service), self.timeline.clone(), output, &self.log).await;
        let log = log.map_err(|error| Failure::unknown(format!("the log {}: {error}", self.log.display())))?;
        let running = Running {
            child,
            ports: Arc::new(ports),
            log,
            command: with,
            walls,
            served: Arc::new(Mutex::new(served)),
            stage: Arc::new(Mutex::new(stage)),
            noted: watch::Sender::new(false),
        };
        self.begin(&running, ServiceState::Started);
        Ok(running)
    }

    /// A process of it runs from now on.
    pub(super) fn begin(&self, running: &Running, state: ServiceState) {
        *self.lock() = Some(running.clone());
        self.tell(state);
        let noting = self.watch(running.clone());
        *self.noting.lock().unwrap_or_else(PoisonError::into_inner) = Some(noting);
    }

    /// Its process is no longer its own, and its end no longer noted.
    pub(super) fn forget(&self) {
        *self.lock() = None;
        if let Some(noting) = self.noting.lock().unwrap_or_else(PoisonError::into_inner).take() {
            noting.abort();
        }
    }

    /// Its command and environment, filled in.
    pub(super) fn command(
        &self,
        service: &Service,
        command: &[Template],
        endpoints: &BTreeMap<(String, String), Endpoint>,
        ports: &Ports,
        proxy: Option<SocketAddr>,
    ) -> Result<Command, String> {
        let addresses = Addresses {
            endpoints,
            service: &self.name,
            ports: ports.numbers(),
            bin: self.mesh.bin.as_deref(),
            ca: self.trust.as_ref().map(|trust| trust.pem.as_path()),
        };
        let words = command.iter().map(|word| addresses.fill(word));
        let mut words = words.collect::<Result<Vec<_>, _>>()?.into_iter();
        let mut started = Command::new(words.next().unwrap_or_default())
            .working_dir(&service.working_dir)
            .label(&self.name);
        started = words.fold(started, Command::argument);
        for name in INHERITED {
            if let Ok(value) = std::env::var(name) {
                started = started.variable(name, value);
            }
        }
        for (name, value) in self
            .trust
            .iter()
            .flat_map(|it| it.variables(&self.mesh, &self.name, service))
        {
            started = started.variable(name, value);
        }
        for (name, value) in proxy
            .into_iter()
            .flat_map(|proxy| forwarding::variables(proxy, service))
        {
            started = started.variable(name, value);
        }
        for (name, value) in &service.environment {
            started = started.variable(name, addresses.fill(value)?);
        }
        Ok(started)
    }

    fn not_started(&self, service: &Service, command: &Located<Vec<Template>>, error: &NotWithin) -> StepError {
        let why = match error {
            NotWithin::Spawn(SpawnError::Refused { program, reason }) => format!("`{program}`: {reason}"),
            error => error.to_string(),
        };
        let failure = Failure::unknown(format!("{} cannot be started: {why}", self.name));
        let folder = service.working_dir.display();
        failure.hint(format!(
            "its `command` stands at {}, and runs in {folder}",
            command.place
        ))
    }

    /// Notes its exit, and that nobody told it to.
    fn watch(&self, running: Running) -> AbortHandle {
        let (name, timeline, untold) = (self.name.clone(), self.timeline.clone(), self.untold.clone());
        let noting = tokio::spawn(async move {
            let exit = running.child.exited().await;
            // What it wrote last is read first.
            running.log.settled().await;
            running.end_within().await;
            let stage = running.enter(Stage::Ended);
            let told = match stage {
                Stage::ToldToEnd => true,
                Stage::Closing { .. } => exit == KILLED,
                Stage::Starting | Stage::Live | Stage::Ended => false,
            };
            let while_starting = matches!(stage, Stage::Starting | Stage::Closing { while_starting: true });
            let status = exit.to_string();
            timeline.record(Happening::Service {
                service: name.clone(),
                state: ServiceState::Exited { status, told },
            });
            if !told && !while_starting && exit != Exit::Unknown {
                let message = format!("{name} ended with {exit}, and no step told it to");
                untold.happens(Failure::failed(message).output(running.log.last_lines()));
            }
            running.noted.send_replace(true);
        });
        noting.abort_handle()
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
