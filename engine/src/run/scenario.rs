//! One scenario: its sandbox, its steps, its healing, its verdict.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use futures::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::keep::Kept;
use super::pool::Ahead;
use super::quiet::quiet_lasts;
use super::room::{Made, is_exhaustion};
use super::{Ended, Run, panicked, stopped};
use crate::draw::Draws;
use crate::event::Happening;
use crate::failure::{Failure, StepError, in_words};
use crate::injection::Injection;
use crate::outcome::Outcome;
use crate::plan::{PlannedScenario, PlannedStep};
use crate::sandbox::Sandbox;
use crate::timeline::Timeline;
use crate::values::Values;
use crate::world::World;

impl Run {
    /// Tries one scenario, and tells what happened in it. `place` is its place among those that run beside each other, where
    /// it need not keep it to its end.
    pub(super) async fn scenario(&self, index: usize, attempt: usize, place: Option<OwnedSemaphorePermit>) -> Ended {
        let began = Instant::now();
        let scenario = &self.plan.scenarios[index];
        let mut ahead = self.pool.take(index);
        let timeline = match &ahead {
            Some(ahead) => ahead.timeline.clone(),
            None => self.begin(index, attempt),
        };
        let mut logs = None;
        let result = match self.skips() {
            Some(why) => Err(skipped(why)),
            None => match self.environment.refuses(scenario).filter(|_| scenario.needs_sandbox) {
                Some(refusal) if self.settings.allow_refused => Err(skipped(&refusal.message)),
                Some(refusal) => Err(refusal),
                None => self.live(scenario, &timeline, &mut ahead, &mut logs, place).await,
            },
        };
        if let Some(unused) = ahead {
            unused.give_up().await;
        }
        let outcome = result.as_ref().err().map_or(Outcome::Passed, |failure| failure.outcome);
        if matches!(outcome, Outcome::Failed | Outcome::Unknown) {
            self.failed.store(true, Ordering::Relaxed);
        }
        let will_be_retried = outcome == Outcome::Failed && attempt <= self.settings.retry && self.skips().is_none();
        let outcome = after_others(attempt, outcome);
        timeline.record(Happening::ScenarioFinished {
            outcome,
            will_be_retried,
            took: began.elapsed(),
            failure: result.err().map(|failure| *failure),
            logs,
            learned: Arc::default(),
        });
        self.teller.tell_all(timeline.drain(), &mut timeline.learned()).await;
        Ended {
            index,
            outcome,
            will_be_retried,
        }
    }

    /// The timeline of a try, which begins.
    pub(super) fn begin(&self, index: usize, attempt: usize) -> Timeline {
        let scenario = &self.plan.scenarios[index];
        let masks = Arc::clone(self.teller.masks());
        let timeline = Timeline::masked(self.teller.clock(), index, sandbox_name(index, attempt), masks);
        timeline.record(Happening::ScenarioStarted {
            place: Arc::clone(&scenario.place),
            attempt,
        });
        let told = scenario.steps.iter().filter_map(|step| step.definition.telemetry);
        told.for_each(|kind| timeline.activity().counts(kind));
        timeline
    }

    /// A sandbox: one made ahead, or one that is made now.
    async fn claim(&self, timeline: &Timeline, ahead: Option<Ahead>) -> Result<Made, StepError> {
        let wanting = self.pool.want();
        let began = tokio::time::Instant::now();
        let ahead = match ahead {
            Some(ahead) => Some(ahead.made().await),
            None => None,
        };
        let made = match ahead {
            // There may be room now.
            Some(Err(failure)) if is_exhaustion(&failure) => self.sandbox(timeline).await?,
            None => {
                self.pool.closed().await;
                self.sandbox(timeline).await?
            }
            Some(made) => {
                let made = made?;
                let waited = began.elapsed();
                timeline.record(Happening::SandboxClaimed { waited });
                // The time in which it waited is not the scenario's.
                Made { began, ..made }
            }
        };
        wanting.has_one();
        Ok(made)
    }

    /// Makes the world, runs the steps, heals, and closes the sandbox; whatever happens in between.
    async fn live(
        &self,
        scenario: &PlannedScenario,
        timeline: &Timeline,
        ahead: &mut Option<Ahead>,
        logs: &mut Option<std::path::PathBuf>,
        place: Option<OwnedSemaphorePermit>,
    ) -> Result<(), StepError> {
        let mut until = tokio::time::Instant::now() + self.settings.timeout;
        let (mut sandbox, mut _open) = (None, None);
        if scenario.needs_sandbox {
            if let Some(failure) = &self.unprepared {
                return Err(failure.clone());
            }
            let made = self.claim(timeline, ahead.take()).await?;
            // What it waited for room counts for no scenario.
            until = made.began + self.settings.timeout;
            (sandbox, _open) = (Some(made.sandbox), Some(made.open));
        }
        let draws = Draws::new(self.settings.seed, &scenario.place);
        let mut world = World::new(
            self.plan.mesh.clone(),
            sandbox.clone(),
            timeline.clone(),
            Values::new(Arc::clone(&self.plan.variables), draws),
            self.settings.deadline,
            self.settings.early,
        );
        let steps = self.steps(scenario, &mut world, until).await;
        let mut result = steps.and_then(|()| struck(world.injections.all()));
        // The scenario's place among those that run beside each other is free while it is only watched.
        drop(place);
        result = quiet_lasts(result, timeline, stopped(self.stop.clone())).await;
        let healed = world.injections.heal(timeline, |_| true).await;
        let healed = healed.map(drop).map_err(|errors| Failure::unknown(errors.join("; ")));
        result = and_also(result, healed, timeline);
        // What the steps kept (a consumer of the test client, for one) ends before the sandbox does.
        drop(world);
        if let Some(sandbox) = sandbox {
            *logs = sandbox.logs();
            let offered = Kept {
                sandbox: Arc::clone(&sandbox),
                timeline: timeline.clone(),
                place: Arc::clone(&scenario.place),
                outcome: result.as_ref().err().map_or(Outcome::Passed, |failure| failure.outcome),
            };
            let closed = match self.settings.keep.keep(offered) {
                Some(Kept { sandbox, .. }) => sandbox.close().await,
                None => Ok(()),
            };
            // Asked once all has ended: what a step failed of may be known only then. The step has told its own failure.
            let was_stopped = result
                .as_ref()
                .is_err_and(|failure| failure.outcome == Outcome::Skipped);
            if let Some(incident) = incident(&*sandbox).filter(|_| !was_stopped) {
                result = Err(incident);
            }
            result = and_also(result, closed, timeline);
        }
        result
    }

    pub(super) async fn step(
        &self,
        step: &PlannedStep,
        world: &mut World,
        until: tokio::time::Instant,
    ) -> Result<(), StepError> {
        let timeline = world.timeline.clone();
        let incident = world.sandbox.as_ref().map(|sandbox| sandbox.incident());
        let running = AssertUnwindSafe((step.definition.run)(world, step.input())).catch_unwind();
        tokio::select! {
            biased;
            incident = happens(incident) => Err(incident),
            () = stopped(self.stop.clone()) => Err(skipped("the run was stopped")),
            result = running => result.unwrap_or_else(|panic| Err(panicked(&*panic, "the step"))),
            failure = self.times_out(until, &timeline, Outcome::Failed) => Err(failure),
        }
    }

    /// Returns when the scenario's time is over. What it waits for is asked then and here: in `select!` it would be gone.
    pub(super) async fn times_out(
        &self,
        until: tokio::time::Instant,
        timeline: &Timeline,
        outcome: Outcome,
    ) -> StepError {
        tokio::time::sleep_until(until).await;
        let waits = timeline.open_waits();
        let mut message = format!("the scenario took longer than {}", in_words(self.settings.timeout));
        if !waits.is_empty() {
            message.push_str("; it waited for ");
            message.push_str(&waits.join("; and for "));
        }
        let mut failure = Failure::failed(message).hint("`--timeout` gives each scenario another time");
        failure.outcome = outcome;
        failure
    }
}

/// The name of the sandbox of a try: no two of a run have the same, and none is the beginning of another one's with a `.`
/// behind it, as the names of its things have it.
fn sandbox_name(index: usize, attempt: usize) -> String {
    match attempt {
        1 => format!("s{index}"),
        again => format!("s{index}-{again}"),
    }
}

/// What a scenario comes to with the outcome of this try: those before it failed. It failed once, and whoever cannot show
/// that it passes as well has shown nothing else.
fn after_others(attempt: usize, outcome: Outcome) -> Outcome {
    if attempt == 1 {
        return outcome;
    }
    match outcome {
        Outcome::Passed | Outcome::Flaky => Outcome::Flaky,
        Outcome::Failed
        | Outcome::Refused
        | Outcome::Unknown
        | Outcome::Skipped
        | Outcome::Undefined
        | Outcome::Ambiguous => Outcome::Failed,
    }
}

/// Returns when something goes wrong without a step.
async fn happens(incident: Option<watch::Receiver<Option<StepError>>>) -> StepError {
    if let Some(mut incident) = incident
        && let Ok(happened) = incident.wait_for(Option::is_some).await
        && let Some(failure) = happened.clone()
    {
        return failure;
    }
    std::future::pending().await
}

fn incident(sandbox: &dyn Sandbox) -> Option<StepError> {
    sandbox.incident().borrow().clone()
}

/// The first failure is the scenario's; a later one is at least told.
fn and_also(result: Result<(), StepError>, later: Result<(), StepError>, timeline: &Timeline) -> Result<(), StepError> {
    match (result, later) {
        (Ok(()), later) => later,
        (first, Ok(())) => first,
        (first, Err(later)) => {
            timeline.record(Happening::Notice { text: later.message });
            first
        }
    }
}

pub(super) fn skipped(why: &str) -> StepError {
    let mut failure = Failure::failed(why);
    failure.outcome = Outcome::Skipped;
    failure
}

/// A fault that struck too seldom fails its scenario: nothing passes by default.
fn struck(injections: &[Injection]) -> Result<(), StepError> {
    for injection in injections {
        let (fault, struck) = (&injection.fault, injection.strikes.count());
        if injection.if_reached || struck >= injection.at_least {
            continue;
        }
        let message = if struck == 0 {
            format!("the {fault} struck nothing")
        } else {
            format!("the {fault} struck {struck} of {} times", injection.at_least)
        };
        return Err(Failure::failed(message).hint(
            "what should have met the fault did not happen while it was in force: `the … has struck` waits for it; a fault that may strike nothing ends in `if it is reached`",
        ));
    }
    Ok(())
}
