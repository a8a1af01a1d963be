//! The run: scenarios on sandboxes, several at a time, each healed and told when it ends.

mod quiet;
mod scenario;
mod steps;
mod teller;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use self::teller::{Teller, Told};
use crate::event::Happening;
use crate::failure::{Failure, StepError};
use crate::outcome::{Outcome, Summary};
use crate::plan::Plan;
use crate::sandbox::Environment;

/// How a run is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Version of Momus, for the reports.
    pub version: String,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// How many scenarios run at a time; at least 1.
    pub parallel: usize,
    /// How long `eventually` waits where the step says nothing.
    pub deadline: Duration,
    /// Whether expectations end once the mesh is quiet; else their deadlines count.
    pub early: bool,
    /// How long a scenario may take, its sandbox included.
    pub timeout: Duration,
    /// Whether scenarios that have not begun are skipped once one failed.
    pub fail_fast: bool,
}

/// A plan being run.
struct Run {
    plan: Plan,
    environment: Arc<dyn Environment>,
    settings: Settings,
    teller: Teller,
    /// True when the user stops the run.
    stop: watch::Receiver<bool>,
    failed: AtomicBool,
    /// Why no scenario can have a sandbox.
    unprepared: Option<StepError>,
}

/// Runs a plan to its end, or until `stop` becomes true: then open scenarios are healed and skipped.
///
/// Every event goes to the teller, the scenarios' own in one piece when each ends.
pub async fn run(
    plan: Plan,
    environment: Arc<dyn Environment>,
    settings: Settings,
    teller: Teller,
    stop: watch::Receiver<bool>,
) -> Summary {
    let mesh = plan.mesh.as_ref().map(|mesh| mesh.name.clone());
    let needs_sandbox = plan.scenarios.iter().any(|scenario| scenario.needs_sandbox);
    teller
        .tell(Happening::RunStarted {
            version: settings.version.clone(),
            seed: settings.seed,
            mesh: mesh.filter(|_| needs_sandbox),
            scenarios: plan.scenarios.len(),
        })
        .await;
    let mut unprepared = None;
    let refused = tell_refusals(&plan, &*environment, &teller).await;
    if plan.scenarios.iter().filter(|scenario| scenario.needs_sandbox).count() > refused {
        unprepared = prepare(&*environment, &plan, &teller, stop.clone()).await.err();
    }
    let mut summary = Summary {
        steps: plan.scenarios.iter().map(|scenario| scenario.steps.len()).sum(),
        ..Summary::default()
    };
    let parallel = Arc::new(Semaphore::new(settings.parallel.max(1)));
    let run = Arc::new(Run {
        plan,
        environment,
        settings,
        teller,
        stop,
        failed: AtomicBool::new(false),
        unprepared,
    });
    let mut running = JoinSet::new();
    for index in 0..run.plan.scenarios.len() {
        // Never closed.
        let Ok(permit) = Arc::clone(&parallel).acquire_owned().await else {
            break;
        };
        while let Some(ended) = running.try_join_next() {
            summary.count(ended.unwrap_or(Outcome::Unknown));
        }
        let run = Arc::clone(&run);
        running.spawn(async move { run.scenario(index, permit).await });
    }
    while let Some(ended) = running.join_next().await {
        summary.count(ended.unwrap_or(Outcome::Unknown));
    }
    run.teller.reported().await;
    match run.environment.close().await {
        Ok(left) if left.is_empty() => {}
        Ok(left) => {
            for thing in &left {
                run.teller
                    .tell(Happening::Notice {
                        text: format!("left on the servers: {thing}"),
                    })
                    .await;
            }
            summary.left_behind = left.len();
        }
        Err(failure) => {
            run.teller.tell(Happening::Notice { text: failure.message }).await;
            summary.left_behind = 1;
        }
    }
    summary.took_ms = u64::try_from(run.teller.clock().elapsed().as_millis()).unwrap_or(u64::MAX);
    run.teller
        .tell(Happening::RunFinished {
            summary: summary.clone(),
        })
        .await;
    summary
}

/// Tells which scenarios are refused, and why, before anything starts. How many they are.
async fn tell_refusals(plan: &Plan, environment: &dyn Environment, teller: &Teller) -> usize {
    let mut reasons: Vec<(StepError, Vec<String>)> = Vec::new();
    for scenario in plan.scenarios.iter().filter(|scenario| scenario.needs_sandbox) {
        let Some(refusal) = environment.refuses(scenario) else {
            continue;
        };
        let place = format!("{}:{}", scenario.place.file, scenario.place.line);
        match reasons.iter_mut().find(|(known, _)| *known == refusal) {
            Some((_, places)) => places.push(place),
            None => reasons.push((refusal, vec![place])),
        }
    }
    for (refusal, places) in &reasons {
        let text = format!("refused: {}: {}", places.join(", "), refusal.message);
        teller.tell(Happening::Notice { text }).await;
    }
    reasons.iter().map(|(_, places)| places.len()).sum()
}

async fn prepare(
    environment: &dyn Environment,
    plan: &Plan,
    teller: &Teller,
    stop: watch::Receiver<bool>,
) -> Result<(), StepError> {
    let prepared = AssertUnwindSafe(environment.prepare(plan, teller)).catch_unwind();
    tokio::select! {
        prepared = prepared => prepared.unwrap_or_else(|panic| Err(panicked(&*panic, "the environment"))),
        () = stopped(stop) => Err(Failure::unknown("the run was stopped while it was prepared")),
    }
}

/// Returns when the user stops the run.
async fn stopped(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A panic as a failure.
fn panicked(panic: &(dyn std::any::Any + Send), who: &str) -> StepError {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it does not say why");
    Failure::failed(format!("{who} panicked: {text}")).hint("this is a defect of Momus: please report it")
}

impl Run {
    /// Why a scenario is not begun at all.
    fn skips(&self) -> Option<&'static str> {
        if *self.stop.borrow() {
            return Some("the run was stopped");
        }
        (self.settings.fail_fast && self.failed.load(Ordering::Relaxed)).then_some("another scenario failed before")
    }
}
