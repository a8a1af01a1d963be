//! Processes that serve one sandbox after another: `reuse: true` in the mesh.
//!
//! When its sandbox ends, such a process is left running if nothing harmed it and the sandbox is quiet: what it was asked to
//! do is done. Its connections are cut, and where it knocks meanwhile it waits. The next sandbox that needs the service lays
//! edges of its own, to data of its own, and enters them by the same doors.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use momus_engine::activity::{Activity, Quiet};
use momus_engine::event::{Happening, ServiceState};
use momus_engine::failure::in_words;
use momus_engine::mesh::Source;
use momus_proxies::edges::Edges;
use tokio::time::{Instant, timeout_at};

use super::running::{Running, Stage};
use super::sandbox::ProcessSandbox;
use super::service::Process;
use super::within::{House, Openings};

/// How long the end of a sandbox waits for it to be quiet, beyond its `settle`.
const PATIENCE: Duration = Duration::from_millis(500);

/// A process that serves no sandbox at this moment.
pub(super) struct Idle {
    running: Running,
    openings: Openings,
}

/// The processes of a run that serve no sandbox at this moment, by service. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Idles(Arc<Mutex<BTreeMap<String, Vec<Idle>>>>);

impl Idles {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Idle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, service: &str, idle: Idle) {
        self.lock().entry(service.to_owned()).or_default().push(idle);
    }

    fn has(&self, service: &str) -> bool {
        self.lock().get(service).is_some_and(|idles| !idles.is_empty())
    }

    /// The latest of a service.
    fn take(&self, service: &str) -> Option<Idle> {
        self.lock().get_mut(service)?.pop()
    }

    /// Ends them all; whether there were any.
    pub(super) async fn end(&self) -> bool {
        let all: Vec<Idle> = std::mem::take(&mut *self.lock()).into_values().flatten().collect();
        let any = !all.is_empty();
        join_all(all.into_iter().map(Idle::end)).await;
        any
    }
}

impl Idle {
    async fn end(self) {
        self.running.child.kill().await;
        self.running.end_within().await;
    }
}

/// Ends a process that was adopted in vain, which is nobody's failure.
async fn give_up(running: &Running) {
    running.enter(Stage::ToldToEnd);
    running.child.kill().await;
}

impl Process {
    /// Leaves its process running and serves it no longer; none when it does not run, or cannot be left.
    async fn leave(&self) -> Option<Idle> {
        let running = self.running()?;
        let served = running.served.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let openings = served.vacate().await?;
        self.forget();
        running.log.leave().await;
        self.tell(ServiceState::Left);
        Some(Idle { running, openings })
    }

    /// Has an idle process be its own; none when it ended, or would be started in another way now.
    async fn adopt(&self, idle: Idle, sandbox: &ProcessSandbox, house: &House<'_>) -> Option<Running> {
        let service = self.declared().ok()?;
        let Source::Command(command) = &service.source else {
            return None;
        };
        let anew = self.command(service, command, &sandbox.endpoints, &idle.running.ports, None);
        let is_same = anew.is_ok_and(|anew| anew == *idle.running.command);
        if idle.running.child.exit().is_some() || !is_same {
            idle.end().await;
            return None;
        }
        let Idle { running, openings } = idle;
        openings.forget_datagrams();
        let running = running.anew(house.serve(&self.name, openings, &self.timeline));
        // From here on it ends with the sandbox.
        self.begin(&running, ServiceState::Reused);
        if running.log.go_to(self.timeline.clone(), &self.log).await.is_err() {
            give_up(&running).await;
            return None;
        }
        Some(running)
    }
}

impl ProcessSandbox {
    /// Has a service be served by a process that another sandbox left, until it is ready; whether there was one that became
    /// so.
    pub(super) async fn adopt(&self, name: &str) -> bool {
        let (Ok(process), Some(house)) = (self.process(name), self.house()) else {
            return false;
        };
        // A client that knew a topic and is told that there is none looks for it again only after minutes.
        if !self.idles.has(name) || self.data.until_known().await.is_err() {
            return false;
        }
        while let Some(idle) = self.idles.take(name) {
            let Some(running) = process.adopt(idle, self, &house).await else {
                continue;
            };
            let port = self.mesh.services.get(name).and_then(|service| service.http_port());
            self.lead(name, port.and_then(|port| running.upstream(port)));
            let ready = self.wait_ready(name).await;
            if ready.is_ok() && running.enter(Stage::Live) != Stage::Ended {
                return true;
            }
            give_up(&running).await;
            self.lead(name, None);
            let why = ready.map_or_else(
                |failure| failure.message,
                |()| format!("{name} ended when it was ready"),
            );
            let text = format!("{why}, being reused; it is started anew");
            self.timeline.record(Happening::Notice { text });
            return false;
        }
        false
    }

    /// Leaves the processes that may be reused to other sandboxes, once this one is quiet.
    pub(super) async fn leave(&self) {
        let processes = self
            .processes
            .values()
            .filter(|process| self.mesh.is_reused(&process.name));
        let reused: Vec<_> = processes.filter(|process| process.running().is_some()).collect();
        if reused.is_empty() || !self.walls || !self.live.load(Ordering::Relaxed) {
            return;
        }
        let disturbed = becomes_quiet(self.timeline.activity()).await.err();
        let mut left = Vec::new();
        for process in reused {
            match disturbed.clone().or_else(|| self.harm_of(process)) {
                Some(why) => process.tell(ServiceState::NotReusable { why }),
                None => left.extend(process.leave().await.map(|idle| (&process.name, idle))),
            }
        }
        if let Some(edges) = self.extensions.get::<Edges>() {
            for (name, _) in &left {
                edges.of(name).for_each(|edge| edge.end());
            }
        }
        for (name, idle) in left {
            self.idles.put(name, idle);
        }
    }

    /// What was done to a service in this sandbox that it may not have got over.
    fn harm_of(&self, process: &Process) -> Option<String> {
        if process.harmed.load(Ordering::Relaxed) {
            return Some("a step ended, paused or started it".to_owned());
        }
        let mut edges = self.extensions.get::<Edges>()?.of(&process.name);
        let was_ruled = edges.any(|edge| edge.was_ruled());
        was_ruled.then(|| "a fault struck one of its edges, or could have".to_owned())
    }
}

/// Returns once nothing is going on.
///
/// # Errors
/// What is, when that takes longer than a sandbox in which nothing happens takes to be quiet.
async fn becomes_quiet(activity: &Activity) -> Result<(), String> {
    let mut changes = activity.changes();
    let until = Instant::now() + activity.settle().unwrap_or_default() + PATIENCE;
    loop {
        changes.mark_unchanged();
        let (why, at) = match activity.quiet() {
            Quiet::Yes { .. } => return Ok(()),
            Quiet::Hidden { why } => return Err(format!("whether its sandbox is quiet cannot be told: {why}")),
            Quiet::NotYet { why, at } => (why, at.unwrap_or(until).min(until)),
        };
        if Instant::now() >= until {
            let patience = in_words(activity.settle().unwrap_or_default() + PATIENCE);
            return Err(format!("its sandbox was not quiet within {patience}: {why}"));
        }
        drop(timeout_at(at, changes.changed()).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_millis(300);

    #[tokio::test(start_paused = true)]
    async fn it_waits_for_what_settles_and_not_for_what_lasts() {
        let activity = Activity::new(Some(SETTLE));
        activity.effect("shop → bank  POST /charges");
        let began = Instant::now();
        assert_eq!(becomes_quiet(&activity).await, Ok(()));
        assert_eq!(began.elapsed(), SETTLE);
        let _open = activity.begins("a transaction of shop on orders-db");
        let why = becomes_quiet(&activity).await.unwrap_err();
        assert_eq!(
            why,
            "its sandbox was not quiet within 800 ms: a transaction of shop on orders-db (800 ms)"
        );
        activity.is_hidden("bytes pass between shop and till");
        let why = becomes_quiet(&activity).await.unwrap_err();
        assert_eq!(
            why,
            "whether its sandbox is quiet cannot be told: bytes pass between shop and till"
        );
    }
}
