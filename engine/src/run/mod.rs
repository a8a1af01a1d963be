//! The run: scenarios on sandboxes, several at a time, each healed and told when it ends.

mod keep;
mod pool;
mod quiet;
mod room;
mod scenario;
mod settings;
mod steps;
mod teller;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinSet};

pub use self::keep::{Keep, Kept};
use self::pool::Pool;
use self::room::Room;
pub use self::settings::{Order, Settings};
pub use self::teller::{Teller, Told};
use crate::event::Happening;
use crate::failure::{Failure, StepError};
use crate::outcome::{Outcome, Summary};
use crate::plan::Plan;
use crate::sandbox::Environment;

/// A plan being run.
struct Run {
    plan: Plan,
    environment: Arc<dyn Environment>,
    settings: Settings,
    teller: Teller,
    /// True when the user stops the run.
    stop: watch::Receiver<bool>,
    failed: AtomicBool,
    room: Room,
    pool: Pool,
    /// Why no scenario can have a sandbox.
    unprepared: Option<StepError>,
}

/// What a try of a scenario came to.
struct Ended {
    index: usize,
    outcome: Outcome,
    will_be_retried: bool,
}

/// Runs a plan to its end, or until `stop` becomes true: then open scenarios are healed and skipped.
///
/// Every event goes to the teller, the scenarios' own in one piece when each ends. The environment is closed, unless the
/// settings' [`Keep`] has a sandbox of it.
pub async fn run(
    plan: Plan,
    environment: Arc<dyn Environment>,
    mut settings: Settings,
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
        if let Some((room, why)) = environment.room() {
            if room < settings.parallel {
                let text = format!("{room} scenarios at a time, not {}: {why}", settings.parallel);
                teller.tell(Happening::Notice { text }).await;
                settings.parallel = room;
            }
            settings.pool = settings.pool.min(room - settings.parallel);
        }
    }
    let mut summary = Summary {
        steps: plan.scenarios.iter().map(|scenario| scenario.steps.len()).sum(),
        ..Summary::default()
    };
    let run = Arc::new(Run {
        plan,
        environment,
        pool: Pool::of(settings.pool),
        settings,
        teller,
        stop,
        failed: AtomicBool::new(false),
        room: Room::default(),
        unprepared,
    });
    run.all().await.into_iter().for_each(|outcome| summary.count(outcome));
    run.teller.reported().await;
    let closed = match run.settings.keep.is_empty() {
        true => run.environment.close().await,
        // What they hold is not left over, and who has them closes the environment.
        false => Ok(Vec::new()),
    };
    match closed {
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

/// How many scenarios without a sandbox run one after another at the most.
const LARGEST_BATCH: usize = 32;

/// The scenarios in batches, each to be run by a task: one with a sandbox is alone, of others a task would cost more than
/// they do.
fn batches(mut due: &[usize], needs_sandbox: impl Fn(&usize) -> bool) -> impl Iterator<Item = &[usize]> {
    std::iter::from_fn(move || {
        let without = due.iter().take(LARGEST_BATCH).take_while(|index| !needs_sandbox(index));
        let length = without.count().max(1).min(due.len());
        let (batch, rest) = due.split_at(length);
        due = rest;
        (!batch.is_empty()).then_some(batch)
    })
}

impl Run {
    /// Runs every scenario, then those that failed again, each time in another order: what each comes to.
    async fn all(self: &Arc<Self>) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Unknown; self.plan.scenarios.len()];
        let mut due = self.settings.order.of((0..outcomes.len()).collect());
        for attempt in 1..=self.settings.retry.saturating_add(1) {
            let again = self.once(&due, attempt, &mut outcomes).await;
            if again.is_empty() || self.skips().is_some() {
                break;
            }
            due = Order::Random(self.settings.seed ^ attempt as u64).of(again);
        }
        outcomes
    }

    /// Runs these scenarios, notes what each comes to, and returns those to be tried again.
    async fn once(self: &Arc<Self>, due: &[usize], attempt: usize, outcomes: &mut [Outcome]) -> Vec<usize> {
        let parallel = Arc::new(Semaphore::new(self.settings.parallel.clamp(1, Semaphore::MAX_PERMITS)));
        let mut again = Vec::new();
        let mut note = |ended: Result<Vec<Ended>, JoinError>| {
            // One that came to no end is unknown, as it was before.
            for ended in ended.into_iter().flatten() {
                outcomes[ended.index] = ended.outcome;
                again.extend(ended.will_be_retried.then_some(ended.index));
            }
        };
        let mut running = JoinSet::new();
        let needs_sandbox = |index: &usize| self.plan.scenarios[*index].needs_sandbox;
        let filling = tokio::spawn(Arc::clone(self).fill_pool(self.to_be_made(due), attempt));
        for batch in batches(due, needs_sandbox) {
            // Never closed.
            let Ok(permit) = Arc::clone(&parallel).acquire_owned().await else {
                break;
            };
            while let Some(ended) = running.try_join_next() {
                note(ended);
            }
            let (run, batch) = (Arc::clone(self), batch.to_vec());
            running.spawn(async move {
                let mut place = Some(permit);
                let mut ended = Vec::with_capacity(batch.len());
                for index in &batch {
                    let place = place.take_if(|_| batch.len() == 1);
                    ended.push(run.scenario(*index, attempt, place).await);
                }
                ended
            });
        }
        while let Some(ended) = running.join_next().await {
            note(ended);
        }
        filling.abort();
        drop(filling.await);
        self.pool.end_round().await;
        // The order in which they ended tells nothing that a seed could repeat.
        again.sort_unstable();
        again
    }

    /// Those of these scenarios that will have a sandbox.
    fn to_be_made(&self, due: &[usize]) -> Vec<usize> {
        let has_one = |index: &&usize| {
            let scenario = &self.plan.scenarios[**index];
            scenario.needs_sandbox && self.environment.refuses(scenario).is_none()
        };
        match self.unprepared {
            Some(_) => Vec::new(),
            None => due.iter().filter(has_one).copied().collect(),
        }
    }

    /// Why a scenario is not begun at all.
    fn skips(&self) -> Option<&'static str> {
        if *self.stop.borrow() {
            return Some("the run was stopped");
        }
        (self.settings.fail_fast && self.failed.load(Ordering::Relaxed))
            .then_some("another scenario did not pass before")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_without_a_sandbox_run_in_batches_and_others_alone() {
        let due: Vec<usize> = (0..100).collect();
        let lengths = |needs: fn(&usize) -> bool| {
            let batches: Vec<&[usize]> = batches(&due, needs).collect();
            assert_eq!(batches.concat(), due);
            batches.iter().map(|batch| batch.len()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(|_| false), [32, 32, 32, 4]);
        assert_eq!(lengths(|_| true), [1; 100]);
        assert_eq!(lengths(|index| *index == 40), [32, 8, 1, 32, 27]);
        assert_eq!(batches(&[], |_| false).count(), 0);
    }
}
