//! Starting services: in the order of their dependencies, until they are ready, on other ports when one was taken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::try_join_all;
use momus_engine::event::ServiceState;
use momus_engine::failure::{Failure, StepError};
use momus_engine::outcome::Outcome;
use momus_proxies::edge::Upstream;
use momus_proxies::edges::Edges;
use momus_proxies::http::forward::ForwardProxy;
use tokio::sync::watch;

use super::ready::Candidate;
use super::running::{Running, Stage};
use super::sandbox::ProcessSandbox;
use super::within::House;

/// How often a service is started anew when its port was taken meanwhile.
const PORT_TRIES: usize = 5;

impl ProcessSandbox {
    /// Starts every service, each as soon as those that it depends on are ready.
    pub(super) async fn start_all(&self) -> Result<(), StepError> {
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
                if !self.processes.contains_key(name) {
                    self.wait_ready(name).await?;
                } else if !self.adopt(name).await {
                    self.start_until_ready(name).await?;
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
    pub(super) async fn start_until_ready(&self, name: &str) -> Result<(), StepError> {
        let mut tries = 1;
        loop {
            let running = self.spawn(name, Stage::Starting).await?;
            let mut ready = self.wait_ready(name).await;
            if ready.is_ok() && running.enter(Stage::Live) == Stage::Ended {
                // It ended in the moment in which it was ready: who waits for it tells that, like an end before.
                ready = self.wait_ready(name).await;
            }
            let Err(error) = ready else {
                return Ok(());
            };
            let taken = running.found_its_port_taken();
            if !taken || tries == PORT_TRIES {
                return Err(error);
            }
            self.unshared.add(name);
            tries += 1;
        }
    }

    pub(super) async fn spawn(&self, name: &str, stage: Stage) -> Result<Running, StepError> {
        let process = self.process(name)?;
        let house = self.house();
        let proxy = self.proxies.get(name).map(ForwardProxy::address);
        let running = process.spawn(&self.endpoints, house, proxy, stage).await?;
        let service = process.declared()?;
        self.lead(name, service.http_port().and_then(|port| running.upstream(port)));
        Ok(running)
    }

    /// By what services are entered and left within walls; none without walls.
    pub(super) fn house(&self) -> Option<House<'_>> {
        let edges = self.extensions.get::<Edges>().filter(|_| self.walls);
        edges.map(|edges| House {
            mesh: &self.mesh,
            edges,
            statsd: &self.standins.statsd,
        })
    }

    /// Watches a service become ready that nobody waits for: until then it is at work, whatever it shows.
    pub(super) async fn watch_until_ready(&self, name: &str, running: Running) {
        let (mesh, timeline, limit) = (Arc::clone(&self.mesh), self.timeline.clone(), self.ready_limit);
        let under_way = timeline.activity().begins(format!("{name} becoming ready"));
        let (name, namespaces) = (name.to_owned(), self.namespaces.clone());
        self.watching.lock().await.spawn(async move {
            let Some(service) = mesh.services.get(&name) else {
                return;
            };
            let of_service = namespaces.iter().filter(|((caller, _), _)| *caller == name);
            let candidate = Candidate {
                name: &name,
                service,
                mesh: &mesh,
                running: Some(&running),
                namespaces: of_service
                    .map(|((_, broker), namespace)| (broker.as_str(), namespace))
                    .collect(),
            };
            let ready = candidate.ready(&timeline, limit).await;
            if ready.is_err() && running.child.exit().is_none() {
                timeline.activity().is_hidden(format!("{name} did not become ready"));
            }
            drop(under_way);
        });
    }

    /// Leads the edges to a service to where it listens, or nowhere.
    pub(super) fn lead(&self, name: &str, upstream: Option<Upstream>) {
        let upstream = upstream.unwrap_or(Upstream::Nowhere);
        if let Some(edges) = self.extensions.get::<Edges>() {
            edges.to(name).for_each(|edge| edge.lead_to(upstream.clone()));
        }
    }

    pub(super) async fn wait_ready(&self, name: &str) -> Result<(), StepError> {
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
        match (ready, running) {
            (Ok(()), _) => {
                if let Some(process) = process {
                    process.tell(ServiceState::Ready);
                }
                Ok(())
            }
            (Err(mut error), running) => {
                if let Some(running) = running {
                    if running.child.exit().is_some() {
                        running.log.settled().await;
                    }
                    error = error.output(running.log.last_lines());
                }
                if self.live.load(Ordering::Relaxed) {
                    error.outcome = Outcome::Failed;
                }
                Err(error)
            }
        }
    }
}
