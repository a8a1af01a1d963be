//! The making of a sandbox: all of it, or nothing is left.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use momus_engine::event::Happening;
use momus_engine::extensions::Extensions;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Mesh, Source};
use momus_engine::timeline::Timeline;
use tokio::sync::{Mutex, oneshot};

use super::data::{Data, Parts, timed};
use super::incident::Incident;
use super::memory::Memory;
use super::ports::Unshared;
use super::quiet;
use super::reuse::Idles;
use super::sandbox::ProcessSandbox;
use super::servers::Servers;
use super::service::Process;
use super::standins::StandIns;
use super::tidying::Tidying;
use super::trust::Trust;
use super::wiring::Wiring;
use crate::guardian::Guardian;
use crate::s3::S3Credentials;

/// How long after its last word the death of a server may be noticed.
const DEATH_LIMIT: Duration = Duration::from_millis(300);

/// What the sandboxes of a run share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) mesh: Arc<Mesh>,
    /// None of a mesh that leaves nothing behind.
    pub(super) guardian: Option<Guardian>,
    pub(super) servers: Arc<Servers>,
    /// None of a mesh in which TLS ends at no edge.
    pub(super) trust: Option<Arc<Trust>>,
    pub(super) ready_limit: Duration,
    /// Whether services run within walls.
    pub(super) walls: bool,
    pub(super) unshared: Unshared,
    /// The processes that sandboxes left to others.
    pub(super) idles: Idles,
    /// What callers of buckets identify themselves by.
    pub(super) credentials: S3Credentials,
    pub(super) memory: Memory,
    pub(super) tidying: Tidying,
}

/// Makes a sandbox and waits until all its services are ready. What is there of it when that fails, or is given up, is
/// removed; the end of the run waits for that.
pub(super) async fn make(
    shared: Shared,
    timeline: Timeline,
    isolated: Vec<String>,
) -> Result<Arc<ProcessSandbox>, StepError> {
    let (mut answer, made) = oneshot::channel();
    let (tidying, memory, idles) = (shared.tidying.clone(), shared.memory.clone(), shared.idles.clone());
    // A task of its own: what a server has begun to make cannot be removed before it is done.
    tidying.clone().spawn(async move {
        let result = match provision(shared, timeline, &isolated, || answer.is_closed()).await {
            Err(error) => Err(error),
            Ok((sandbox, parts, began)) => {
                let started = tokio::select! {
                    biased;
                    () = answer.closed() => Err(given_up()),
                    started = start(&sandbox, parts, began) => started,
                };
                match started {
                    Ok(()) => {
                        memory.note(&sandbox).await;
                        Ok(Unclaimed {
                            sandbox: Some(sandbox),
                            tidying,
                        })
                    }
                    Err(error) => {
                        // What could not be removed is named when the run ends.
                        drop(sandbox.remove().await);
                        Err(error)
                    }
                }
            }
        };
        if result.is_err() {
            // They may hold what it lacked.
            idles.end().await;
        }
        drop(answer.send(result));
    });
    let gone =
        |_| Failure::unknown("the making of the sandbox panicked").hint("this is a defect of Momus: please report it");
    made.await.map_err(gone)?.and_then(Unclaimed::claim)
}

fn given_up() -> StepError {
    Failure::unknown("the making of the sandbox was given up")
}

/// A sandbox on its way to whoever asked for it: removed if nobody takes it.
struct Unclaimed {
    sandbox: Option<Arc<ProcessSandbox>>,
    tidying: Tidying,
}

impl Unclaimed {
    fn claim(mut self) -> Result<Arc<ProcessSandbox>, StepError> {
        self.sandbox
            .take()
            .ok_or_else(|| Failure::unknown("the sandbox is gone"))
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.tidying.spawn(async move { drop(sandbox.remove().await) });
        }
    }
}

/// Everything but the services' processes.
async fn provision(
    mut shared: Shared,
    timeline: Timeline,
    isolated: &[String],
    is_given_up: impl Fn() -> bool,
) -> Result<(Arc<ProcessSandbox>, Parts, Instant), StepError> {
    let began = Instant::now();
    let there = match shared.memory.room() {
        Err(_) if shared.idles.end().await => shared.memory.room()?,
        room => room?,
    };
    let of_run = |guardian: &Guardian| guardian.run_folder().join("sandboxes").join(timeline.sandbox());
    let folder = shared.guardian.as_ref().map(of_run);
    if let Some(logs) = folder
        .as_ref()
        .filter(|_| has_processes(&shared.mesh))
        .map(|folder| folder.join("logs"))
    {
        let made = tokio::fs::create_dir_all(&logs).await;
        made.map_err(|error| Failure::unknown(format!("cannot make {}: {error}", logs.display())))?;
    }
    let (run, guardian) = (Arc::clone(&shared.servers), shared.guardian.as_ref());
    let started = Servers::of_sandbox(&run, guardian, timeline.sandbox(), isolated);
    let (servers_took, started) = timed(started).await;
    shared.servers = started?;
    if is_given_up() {
        drop(shared.servers.end_own().await);
        return Err(given_up());
    }
    let data = Data::new(
        Arc::clone(&shared.mesh),
        Arc::clone(&shared.servers),
        timeline.sandbox(),
    );
    let (standins, parts) = tokio::join!(StandIns::serve(&shared, folder.as_deref(), &timeline), data.make());
    let wired = async {
        let (standins, mut parts) = (standins?, parts?);
        if !shared.servers.own.is_empty() {
            parts.insert(0, ("servers".to_owned(), servers_took));
        }
        let (took, wiring) = timed(Wiring::lay(&shared, &standins, &timeline)).await;
        parts.push(("edges".to_owned(), took));
        Ok((standins, wiring?, parts))
    };
    match wired.await {
        Ok((standins, wiring, parts)) => {
            let sandbox = assemble(shared, timeline, folder, data, standins, wiring, there);
            Ok((Arc::new(sandbox), parts, began))
        }
        Err(error) => {
            drop(data.remove().await);
            // What a server refuses because it died is told as its death, which is noticed a little later.
            let mut died = shared.servers.died();
            let died = tokio::time::timeout(DEATH_LIMIT, died.wait_for(Option::is_some)).await;
            Err(died
                .ok()
                .and_then(Result::ok)
                .and_then(|died| died.clone())
                .unwrap_or(error))
        }
    }
}

/// Whether a sandbox runs anything that logs. Folders that stay empty are not made: to remove one takes some systems 3 ms.
pub(super) fn has_processes(mesh: &Mesh) -> bool {
    let mut services = mesh.services.values();
    services.any(|service| matches!(service.source, Source::Command(_)))
}

fn assemble(
    shared: Shared,
    timeline: Timeline,
    folder: Option<PathBuf>,
    data: Data,
    standins: StandIns,
    wiring: Wiring,
    there: Arc<()>,
) -> ProcessSandbox {
    let incident = Incident::none();
    let mut processes = BTreeMap::new();
    for (name, service) in &shared.mesh.services {
        if let (Source::Command(_), Some(guardian), Some(folder)) = (&service.source, &shared.guardian, &folder) {
            let (mesh, guardian, logs) = (Arc::clone(&shared.mesh), guardian.clone(), folder.join("logs"));
            let told = (shared.unshared.clone(), incident.clone());
            let process = Process::new(
                name,
                mesh,
                guardian,
                timeline.clone(),
                &logs,
                told,
                shared.trust.clone(),
            );
            processes.insert(name.clone(), Arc::new(process));
        }
    }
    let mut extensions = Extensions::default();
    extensions.insert(wiring.edges);
    let watching = incident.watch(shared.servers.died(), &timeline, &wiring.namespaces);
    ProcessSandbox {
        mesh: shared.mesh,
        timeline,
        _there: there,
        folder,
        data,
        processes,
        extensions,
        endpoints: wiring.endpoints,
        namespaces: wiring.namespaces,
        proxies: wiring.proxies,
        standins,
        walls: shared.walls,
        ready_limit: shared.ready_limit,
        unshared: shared.unshared,
        idles: shared.idles,
        incident,
        live: AtomicBool::new(false),
        watching: Mutex::new(watching),
    }
}

/// Starts the services and waits until all of them are ready.
async fn start(sandbox: &ProcessSandbox, mut parts: Parts, began: Instant) -> Result<(), StepError> {
    let (took, started) = timed(sandbox.start_all()).await;
    started?;
    for process in sandbox.processes.values() {
        let latest = process.latest()?;
        if let Some(exit) = latest.child.exit() {
            latest.log.settled().await;
            let message = format!("{} ended with {exit} before all services were ready", process.name);
            return Err(Failure::unknown(message).output(latest.log.last_lines()));
        }
    }
    parts.push(("services".to_owned(), took));
    parts.push(("all".to_owned(), began.elapsed()));
    sandbox.live.store(true, Ordering::Relaxed);
    quiet::begin(&sandbox.mesh, sandbox.timeline.activity());
    sandbox.timeline.record(Happening::SandboxReady { parts });
    Ok(())
}
