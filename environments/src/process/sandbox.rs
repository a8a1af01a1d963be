//! A sandbox: data of its own, services of its own, edges of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use momus_engine::event::ServiceState;
use momus_engine::extensions::Extensions;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::Mesh;
use momus_engine::sandbox::{Endpoint, PartnerAnswer, Sandbox};
use momus_engine::timeline::Timeline;
use momus_proxies::http::forward::ForwardProxy;
use momus_proxies::kafka::Namespace;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use super::data::Data;
use super::incident::{Incident, lacking};
use super::ports::Unshared;
use super::reuse::Idles;
use super::running::Stage;
use super::service::Process;
use super::standins::StandIns;
use crate::guardian::{Signal, remove_tree};

/// A sandbox of local processes.
pub(super) struct ProcessSandbox {
    pub(super) mesh: Arc<Mesh>,
    pub(super) timeline: Timeline,
    /// It takes memory as long as it is there.
    pub(super) _there: Arc<()>,
    /// Its logs and its objects; none of a mesh that has neither.
    pub(super) folder: Option<PathBuf>,
    pub(super) data: Data,
    /// Declared before the edges: they end first.
    pub(super) processes: BTreeMap<String, Arc<Process>>,
    pub(super) extensions: Extensions,
    pub(super) endpoints: BTreeMap<(String, String), Endpoint>,
    pub(super) namespaces: BTreeMap<(String, String), Namespace>,
    /// By service.
    pub(super) proxies: BTreeMap<String, ForwardProxy>,
    pub(super) standins: StandIns,
    /// Whether its services run within walls.
    pub(super) walls: bool,
    pub(super) ready_limit: Duration,
    pub(super) unshared: Unshared,
    pub(super) idles: Idles,
    pub(super) incident: Incident,
    /// Whether its services were all ready once: from there on an exit is the system's failure.
    pub(super) live: AtomicBool,
    pub(super) watching: Mutex<JoinSet<()>>,
}

impl ProcessSandbox {
    pub(super) fn process(&self, name: &str) -> Result<&Arc<Process>, StepError> {
        self.processes.get(name).ok_or_else(|| {
            Failure::failed(format!(
                "{name} is served already, at a url: Momus cannot start or end it"
            ))
        })
    }

    /// A service to whose process a step does something.
    fn harm(&self, name: &str) -> Result<&Arc<Process>, StepError> {
        let process = self.process(name)?;
        process.harmed.store(true, Ordering::Relaxed);
        Ok(process)
    }

    /// The caller is gone and nobody left its groups.
    fn forget_members(&self, name: &str) {
        for ((caller, _), namespace) in &self.namespaces {
            if caller == name {
                namespace.forget_members();
            }
        }
    }

    /// Ends its services, but those that it leaves to other sandboxes, and removes its data. Its logs stay: they go with the
    /// run.
    pub(super) async fn remove(&self) -> Result<(), StepError> {
        self.leave().await;
        let processes = self.processes.values().filter_map(|process| process.latest().ok());
        join_all(processes.map(|running| async move { running.close().await })).await;
        if let Some(failure) = lacking(&self.namespaces) {
            self.incident.happens(failure);
        }
        self.watching.lock().await.shutdown().await;
        let removed = self.data.remove().await;
        let Some(objects) = self.folder.as_ref().map(|folder| folder.join("objects")) else {
            return removed;
        };
        let gone = tokio::task::spawn_blocking(move || remove_tree(&objects)).await;
        match gone {
            Ok(Err(error)) => {
                let sandbox = self.timeline.sandbox();
                let message = format!("the objects of sandbox {sandbox} cannot be removed: {error}");
                removed.and(Err(Failure::unknown(message)))
            }
            Ok(Ok(())) | Err(_) => removed,
        }
    }
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
        let process = self.harm(service)?;
        let running = process.must_run()?;
        running.enter(Stage::ToldToEnd);
        process.tell(ServiceState::Killed);
        running.child.kill().await;
        self.lead(service, None);
        self.forget_members(service);
        Ok(())
    }

    async fn pause(&self, service: &str) -> Result<(), StepError> {
        self.harm(service)?.signal(Signal::STOP, ServiceState::Paused).await
    }

    async fn resume(&self, service: &str) -> Result<(), StepError> {
        self.harm(service)?.signal(Signal::CONT, ServiceState::Resumed).await
    }

    async fn start(&self, service: &str) -> Result<(), StepError> {
        self.harm(service)?;
        let running = self.spawn(service, Stage::Live).await?;
        self.watch_until_ready(service, running).await;
        Ok(())
    }

    async fn restart(&self, service: &str) -> Result<(), StepError> {
        let process = self.harm(service)?;
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
        self.folder.as_ref().map(|folder| folder.join("logs"))
    }

    async fn close(&self) -> Result<(), StepError> {
        self.remove().await
    }
}
