//! The steps of a scenario, one after another.
//!
//! A Then that fails does not end its scenario at once: the Then steps directly behind it still run, so that one run tells
//! all that is wrong at that point. The next Given or When does, and so does whatever is not a failed expectation.

use std::sync::Arc;
use std::time::Instant;

use momus_gherkin::StepType;

use super::Run;
use super::quiet::still_quiet;
use super::scenario::skipped;
use crate::event::Happening;
use crate::failure::StepError;
use crate::files::Files;
use crate::outcome::Outcome;
use crate::plan::{PlannedScenario, PlannedStep};
use crate::world::World;

/// How far a scenario has come.
#[derive(Default)]
struct Course {
    /// The first failure.
    failed: Option<StepError>,
    /// Whether nothing runs any more.
    ended: bool,
}

impl Run {
    /// Runs the steps, every one of them told on the timeline.
    pub(super) async fn steps(
        &self,
        scenario: &PlannedScenario,
        world: &mut World,
        until: tokio::time::Instant,
    ) -> Result<(), StepError> {
        let mut course = Course::default();
        for (index, step) in scenario.steps.iter().enumerate() {
            let timeline = world.timeline.clone();
            timeline.record(Happening::StepStarted {
                step: index,
                place: Arc::clone(&step.place),
            });
            world.scopes.stand(&step.place.within);
            let file = step.place.file.as_ref().unwrap_or(&scenario.place.file);
            world.files = Files::of(file, step.place.within.iter());
            let began = Instant::now();
            let result = match course.keeps(step, world) {
                Some(why) => Err(skipped(why)),
                None => self.one(step, world, until, &course).await,
            };
            let failure = result.err();
            let outcome = failure.as_ref().map_or(Outcome::Passed, |failure| failure.outcome);
            timeline.record(Happening::StepFinished {
                step: index,
                outcome,
                took: began.elapsed(),
                failure: failure
                    .as_deref()
                    .filter(|_| !course.ended && outcome != Outcome::Skipped)
                    .cloned(),
            });
            course.goes_on(step, failure);
        }
        course.failed.map_or(Ok(()), Err)
    }

    async fn one(
        &self,
        step: &PlannedStep,
        world: &mut World,
        until: tokio::time::Instant,
        course: &Course,
    ) -> Result<(), StepError> {
        let activity = world.timeline.activity().clone();
        still_quiet(&activity)?;
        if step.definition.drives {
            activity.is_driven();
        }
        let began = tokio::time::Instant::now();
        let result = self.step(step, world, until).await;
        if step.definition.drives {
            activity.is_driven();
            world.acted = Some(tokio::time::Instant::now());
        }
        // Of all that waits at one point, the first one's deadline is the deadline.
        if (course.failed.is_some() || result.is_err())
            && let Some(timing) = step.timing()
            && world.patience_ends.is_none()
        {
            world.patience_ends = Some(began + timing.lasts(world.deadline));
        }
        result
    }
}

impl Course {
    /// Why a step is not run, if it is not.
    fn keeps(&self, step: &PlannedStep, world: &World) -> Option<&'static str> {
        if self.ended || (self.failed.is_some() && step.kind != StepType::Outcome) {
            return Some("an earlier step did not pass");
        }
        let unbound = step.reads.iter().any(|name| world.values.kept(name).is_none());
        (self.failed.is_some() && unbound).then_some("it reads what an earlier step would have given")
    }

    fn goes_on(&mut self, step: &PlannedStep, failure: Option<StepError>) {
        self.ended |= self.failed.is_some() && step.kind != StepType::Outcome;
        let Some(failure) = failure.filter(|_| !self.ended) else {
            return;
        };
        if failure.outcome == Outcome::Skipped && self.failed.is_some() {
            return;
        }
        self.ended |= failure.outcome != Outcome::Failed || step.kind != StepType::Outcome;
        self.failed.get_or_insert(failure);
    }
}
