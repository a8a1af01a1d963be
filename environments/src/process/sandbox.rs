//! A sandbox: data of its own, services of its own, edges of its own.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::{join_all, try_join_all};
use momus_engine::event::{Happening, ServiceState};
use momus_engine::extensions::Extensions;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Mesh, Source};
use momus_engine::outcome::Outcome;
use momus_engine::sandbox::{Endpoint, PartnerAnswer, Sandbox};
use momus_engine::timeline::Timeline;
use momus_proxies::edge::Upstream;
use momus_proxies::edges::Edges;
use momus_proxies::kafka::Namespace;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::ready::Candidate;
use super::servers::{Servers, failure};
use super::service::{Process, Running, Stage};
use super::standins::StandIns;
use super::wiring::{NOWHERE, Wiring, clone_of, prefix};
use crate::guardian::{Guardian, Signal, remove_tree};

/// How often a service is started anew when its port was taken meanwhile.
const PORT_TRIES: usize = 5;
/// What programs say of a port that is taken: libc, Go, Node, Java, Rust.
const PORT_TAKEN: [&str; 3] = ["ddress already in use", "EADDRINUSE", "ddress in use"];

/// A sandbox of local processes.
pub(super) struct ProcessSandbox {
    mesh: Arc<Mesh>,
    timeline: Timeline,
    folder: PathBuf,
    servers: Arc<Servers>,
    /// Declared before the edges: they end first.
    processes: BTreeMap<String, Arc<Process>>,
    extensions: Extensions,
    endpoints: BTreeMap<(String, String), Endpoint>,
    namespaces: BTreeMap<(String, String), Namespace>,
    standins: StandIns,
    ready_limit: Duration,
    incident: watch::Sender<Option<StepError>>,
    /// Whether its services were all ready once: from there on an exit is the system's failure.
    live: AtomicBool,
    watching: Vec<AbortHandle>,
}

impl ProcessSandbox {
    /// Makes a sandbox and waits until all its services are ready.
    pub(super) async fn make(
        mesh: Arc<Mesh>,
        guardian: Guardian,
        servers: Arc<Servers>,
        ready_limit: Duration,
        timeline: Timeline,
    ) -> Result<Arc<Self>, StepError> {
        let began = Instant::now();
        let folder = guardian.run_folder().join("sandboxes").join(timeline.sandbox());
        let logs = folder.join("logs");
        let made = tokio::fs::create_dir_all(&logs).await;
        made.map_err(|error| Failure::unknown(format!("cannot make {}: {error}", logs.display())))?;
        let mut parts = Vec::new();
        let (standins, databases, topics) = tokio::join!(
            StandIns::serve(&mesh, &folder, &timeline),
            timed(make_databases(&mesh, &servers, timeline.sandbox())),
            timed(make_topics(&mesh, &servers, timeline.sandbox())),
        );
        let standins = standins?;
        for (name, (took, result)) in [("databases", databases), ("topics", topics)] {
            result?;
            parts.push((name.to_owned(), took));
        }
        let (took, wiring) = timed(Wiring::lay(&mesh, &servers, &standins, &timeline)).await;
        let wiring = wiring?;
        parts.push(("edges".to_owned(), took));
        let incident = watch::Sender::new(None);
        let mut processes = BTreeMap::new();
        for (name, service) in &mesh.services {
            if matches!(service.source, Source::Command(_)) {
                let process = Process::new(
                    name,
                    Arc::clone(&mesh),
                    guardian.clone(),
                    timeline.clone(),
                    &logs,
                    incident.clone(),
                );
                processes.insert(name.clone(), Arc::new(process));
            }
        }
        let mut extensions = Extensions::default();
        extensions.insert(wiring.edges);
        let mut sandbox = Self {
            mesh,
            timeline: timeline.clone(),
            folder,
            servers,
            processes,
            extensions,
            endpoints: wiring.endpoints,
            namespaces: wiring.namespaces,
            standins,
            ready_limit,
            incident,
            live: AtomicBool::new(false),
            watching: Vec::new(),
        };
        sandbox.watch();
        let unfinished = Unfinished(Some(Arc::new(sandbox)));
        let Some(sandbox) = unfinished.0.clone() else {
            return Err(Failure::unknown("the sandbox is gone"));
        };
        let (took, started) = timed(sandbox.start_all()).await;
        started?;
        for process in sandbox.processes.values() {
            if process.running().is_none() {
                process.settled().await;
                let message = format!("{} exited before all services were ready", process.name);
                return Err(Failure::unknown(message).output(process.last_lines()));
            }
        }
        parts.push(("services".to_owned(), took));
        parts.push(("all".to_owned(), began.elapsed()));
        sandbox.live.store(true, Ordering::Relaxed);
        timeline.record(Happening::SandboxReady { parts });
        unfinished.finished();
        Ok(sandbox)
    }

    /// Watches for what goes wrong without a step: a server's death, a call that the mock broker lacks.
    fn watch(&mut self) {
        let (mut died, incident) = (self.servers.died(), self.incident.clone());
        let of_servers = tokio::spawn(async move {
            if let Ok(died) = died.wait_for(Option::is_some).await {
                incident.send_replace(died.clone());
            }
        });
        let (mut bell, incident) = (self.timeline.bell(), self.incident.clone());
        let namespaces = self.namespaces.clone();
        let of_mock = tokio::spawn(async move {
            while bell.changed().await.is_ok() {
                let lacking = namespaces.iter().find_map(|((caller, broker), namespace)| {
                    namespace
                        .lacking()
                        .first()
                        .map(|api| (caller.clone(), broker.clone(), api.clone()))
                });
                if let Some((caller, broker, api)) = lacking {
                    let message = format!("{caller} called {api} of {broker}, which the mock cluster lacks");
                    let failure = Failure::unknown(message);
                    incident.send_replace(Some(
                        failure.hint("with Java and Maven installed, the real broker is used"),
                    ));
                    return;
                }
            }
        });
        self.watching = vec![of_servers.abort_handle(), of_mock.abort_handle()];
    }

    /// Starts every service, each as soon as those that it depends on are ready.
    async fn start_all(&self) -> Result<(), StepError> {
        let ready: BTreeMap<&str, watch::Sender<bool>> = self
            .mesh
            .services
            .keys()
            .map(|name| (name.as_str(), watch::Sender::new(false)))
            .collect();
        let started = self.mesh.services.iter().map(|(name, service)| {
            let ready = &ready;
            async move {
                for dependency in &service.depends_on {
                    if let Some(dependency) = ready.get(dependency.value.as_str()) {
                        drop(dependency.subscribe().wait_for(|ready| *ready).await);
                    }
                }
                if self.processes.contains_key(name) {
                    self.start_until_ready(name).await?;
                } else {
                    self.ready(name).await?;
                }
                if let Some(ready) = ready.get(name.as_str()) {
                    ready.send_replace(true);
                }
                Ok::<_, StepError>(())
            }
        });
        try_join_all(started).await.map(drop)
    }

    /// Starts a service and waits until it is ready; on other ports again when one of its own was taken meanwhile.
    async fn start_until_ready(&self, name: &str) -> Result<(), StepError> {
        let mut tries = 1;
        loop {
            let running = self.spawn(name, Stage::Starting).await?;
            let error = match self.wait_ready(name).await {
                Ok(()) => {
                    running.enter(Stage::Live);
                    return Ok(());
                }
                Err(error) => error,
            };
            let port_taken = error
                .output
                .iter()
                .any(|line| PORT_TAKEN.iter().any(|sign| line.contains(sign)));
            if !port_taken || tries == PORT_TRIES {
                return Err(error);
            }
            tries += 1;
        }
    }

    async fn spawn(&self, name: &str, stage: Stage) -> Result<Running, StepError> {
        let process = self.process(name)?;
        let running = process.spawn(&self.endpoints, stage).await?;
        let service = process.declared()?;
        let port = service.http_port().and_then(|name| running.ports.get(name));
        self.lead(name, port.map(|port| ([127, 0, 0, 1], *port).into()));
        Ok(running)
    }

    /// Leads the edges to a service to where it listens, or nowhere.
    fn lead(&self, name: &str, address: Option<std::net::SocketAddr>) {
        if let Some(edges) = self.extensions.get::<Edges>() {
            for edge in edges.to(name) {
                edge.lead_to(Upstream::Tcp(address.unwrap_or(NOWHERE)));
            }
        }
    }

    async fn wait_ready(&self, name: &str) -> Result<(), StepError> {
        let service = self.mesh.services.get(name);
        let service = service.ok_or_else(|| Failure::unknown(format!("the mesh has no service {name}")))?;
        let process = self.processes.get(name);
        let running = match process {
            Some(process) => Some(process.latest()?),
            None => None,
        };
        let namespaces = self.namespaces.iter().filter(|((caller, _), _)| caller == name);
        let candidate = Candidate {
            name,
            service,
            mesh: &self.mesh,
            running: running.as_ref(),
            namespaces: namespaces
                .map(|((_, broker), namespace)| (broker.as_str(), namespace))
                .collect(),
        };
        let ready = candidate.ready(&self.timeline, self.ready_limit).await;
        match (ready, process) {
            (Ok(()), Some(process)) => {
                process.tell(ServiceState::Ready);
                Ok(())
            }
            (Ok(()), None) => Ok(()),
            (Err(error), process) => {
                let mut error = error;
                if let Some(process) = process {
                    process.settled().await;
                    error = error.output(process.last_lines());
                }
                if self.live.load(Ordering::Relaxed) {
                    error.outcome = Outcome::Failed;
                }
                Err(error)
            }
        }
    }

    fn process(&self, name: &str) -> Result<&Arc<Process>, StepError> {
        self.processes.get(name).ok_or_else(|| {
            Failure::failed(format!(
                "{name} is served already, at a url: Momus cannot start or end it"
            ))
        })
    }

    /// The caller is gone and nobody left its groups.
    fn forget_members(&self, name: &str) {
        for ((caller, _), namespace) in &self.namespaces {
            if caller == name {
                namespace.forget_members();
            }
        }
    }

    async fn remove(&self) -> Result<(), StepError> {
        self.watching.iter().for_each(AbortHandle::abort);
        let processes = self.processes.values().filter_map(|process| process.latest().ok());
        join_all(processes.map(|running| async move { running.close().await })).await;
        let sandbox = self.timeline.sandbox();
        let databases = async {
            if let Some(postgres) = &self.servers.postgres {
                for name in self.mesh.datastores.keys() {
                    let dropped = postgres.drop(&clone_of(name, sandbox)).await;
                    dropped.map_err(|error| failure(&error))?;
                }
            }
            Ok::<_, StepError>(())
        };
        let topics = async {
            for (name, broker) in &self.mesh.brokers {
                let names: Vec<String> = broker.topics.keys().map(|topic| prefix(sandbox) + topic).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                if let Some(server) = self.servers.brokers.get(name).filter(|_| !names.is_empty()) {
                    server.delete_topics(&names).await?;
                }
            }
            Ok::<_, StepError>(())
        };
        let (databases, topics) = tokio::join!(databases, topics);
        let objects = self.folder.join("objects");
        let removed = tokio::task::spawn_blocking(move || remove_tree(&objects)).await;
        if let Ok(Err(error)) = removed {
            return Err(Failure::unknown(format!(
                "the objects of {sandbox} cannot be removed: {error}"
            )));
        }
        // A server that died unasked has told so itself, and took its data along.
        if self.servers.died().borrow().is_some() {
            return Ok(());
        }
        databases.and(topics)
    }
}

/// A sandbox that nobody has yet: it is removed when its making is given up.
struct Unfinished(Option<Arc<ProcessSandbox>>);

impl Unfinished {
    fn finished(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(sandbox) = self.0.take() {
            tokio::spawn(async move { sandbox.remove().await });
        }
    }
}

async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let began = Instant::now();
    let done = work.await;
    (began.elapsed(), done)
}

async fn make_databases(mesh: &Mesh, servers: &Servers, sandbox: &str) -> Result<(), StepError> {
    let Some(postgres) = &servers.postgres else {
        return Ok(());
    };
    for name in mesh.datastores.keys() {
        let made = postgres.clone_template(name, &clone_of(name, sandbox)).await;
        made.map_err(|error| failure(&error))?;
    }
    Ok(())
}

async fn make_topics(mesh: &Mesh, servers: &Servers, sandbox: &str) -> Result<(), StepError> {
    for (name, broker) in &mesh.brokers {
        let topics: Vec<_> = broker
            .topics
            .iter()
            .map(|(topic, it)| {
                let config = it
                    .config
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                (prefix(sandbox) + topic, it.partitions, config)
            })
            .collect();
        if let Some(server) = servers.brokers.get(name).filter(|_| !topics.is_empty()) {
            server.create_topics(&topics).await?;
        }
    }
    Ok(())
}

#[async_trait]
impl Sandbox for ProcessSandbox {
    fn endpoint(&self, caller: &str, dependency: &str) -> Option<Endpoint> {
        self.endpoints.get(&(caller.to_owned(), dependency.to_owned())).cloned()
    }

    fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    async fn kill(&self, service: &str) -> Result<(), StepError> {
        let process = self.process(service)?;
        let running = process.must_run()?;
        running.enter(Stage::ToldToEnd);
        process.tell(ServiceState::Killed);
        running.child.kill().await;
        self.lead(service, None);
        self.forget_members(service);
        Ok(())
    }

    async fn pause(&self, service: &str) -> Result<(), StepError> {
        self.process(service)?.signal(Signal::STOP, ServiceState::Paused).await
    }

    async fn resume(&self, service: &str) -> Result<(), StepError> {
        self.process(service)?.signal(Signal::CONT, ServiceState::Resumed).await
    }

    async fn start(&self, service: &str) -> Result<(), StepError> {
        self.spawn(service, Stage::Live).await.map(drop)
    }

    async fn restart(&self, service: &str) -> Result<(), StepError> {
        let process = self.process(service)?;
        let running = process.must_run()?;
        running.enter(Stage::ToldToEnd);
        process.tell(ServiceState::Stopping);
        running.child.stop(process.declared()?.stop_grace_period).await;
        self.lead(service, None);
        self.forget_members(service);
        self.start_until_ready(service).await
    }

    async fn ready(&self, service: &str) -> Result<(), StepError> {
        self.wait_ready(service).await
    }

    async fn answer(&self, partner: &str, answer: PartnerAnswer) -> Result<(), StepError> {
        let standin = self.standins.partners.get(partner);
        let standin = standin.ok_or_else(|| Failure::unknown(format!("the mesh has no partner {partner}")))?;
        standin.told(&answer).map_err(Failure::failed)
    }

    fn incident(&self) -> watch::Receiver<Option<StepError>> {
        self.incident.subscribe()
    }

    fn logs(&self) -> Option<PathBuf> {
        Some(self.folder.join("logs"))
    }

    async fn close(&self) -> Result<(), StepError> {
        self.remove().await
    }
}
