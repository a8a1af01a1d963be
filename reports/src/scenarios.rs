//! The scenarios of a run, gathered from its events: what a report shows of each when it ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use momus_engine::event::{Event, Frame, Happening, ScenarioPlace};
use momus_engine::failure::Failure;
use momus_engine::outcome::Outcome;

use crate::tail::Tail;

/// The scenarios that run at this moment; several may run beside each other.
#[derive(Default)]
pub(crate) struct Scenarios {
    running: BTreeMap<usize, Running>,
}

struct Running {
    place: ScenarioPlace,
    started: jiff::Timestamp,
    steps: BTreeMap<usize, StepRun>,
    tail: Tail,
}

/// A scenario that has ended.
pub(crate) struct Finished {
    /// Its index in the plan.
    pub(crate) index: usize,
    pub(crate) place: ScenarioPlace,
    pub(crate) started: jiff::Timestamp,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    /// The steps that began, by their index.
    pub(crate) steps: BTreeMap<usize, StepRun>,
    /// Why it did not pass, where that was not a step.
    pub(crate) own_failure: Option<Failure>,
    /// Its last happenings before it did not pass, one line each.
    pub(crate) tail: Vec<String>,
    /// The folder with the logs of its services.
    pub(crate) logs: Option<PathBuf>,
}

/// A step that began.
pub(crate) struct StepRun {
    /// The file where it is written, where that is not the scenario's.
    pub(crate) file: Option<String>,
    /// Its line there.
    pub(crate) line: usize,
    /// Keyword and text.
    pub(crate) text: String,
    /// The calls of phrases that it stands under, outermost first.
    pub(crate) within: Vec<Frame>,
    /// How it ended; none where the scenario ended in the midst of it.
    pub(crate) ended: Option<(Outcome, Duration)>,
    /// Why it did not pass.
    pub(crate) failure: Option<Failure>,
}

impl Scenarios {
    /// Takes an event; gives the scenario that ended with it.
    pub(crate) fn event(&mut self, event: &Event) -> Option<Finished> {
        let index = event.scenario?;
        match &event.happening {
            Happening::ScenarioStarted { place } => {
                let running = Running {
                    place: place.clone(),
                    started: event.at,
                    steps: BTreeMap::new(),
                    tail: Tail::default(),
                };
                self.running.insert(index, running);
                return None;
            }
            Happening::ScenarioFinished {
                outcome,
                took,
                failure,
                logs,
            } => {
                let running = self.running.remove(&index)?;
                let mut finished = running.finished(index, *outcome, *took, failure.clone());
                finished.logs.clone_from(logs);
                return Some(finished);
            }
            _ => {}
        }
        let running = self.running.get_mut(&index)?;
        running.tail.event(event);
        match &event.happening {
            Happening::StepStarted {
                step,
                file,
                line,
                text,
                within,
            } => {
                let begun = StepRun {
                    file: file.clone(),
                    line: *line,
                    text: text.clone(),
                    within: within.clone(),
                    ended: None,
                    failure: None,
                };
                running.steps.insert(*step, begun);
            }
            Happening::StepFinished {
                step,
                outcome,
                took,
                failure,
            } => {
                if let Some(step) = running.steps.get_mut(step) {
                    step.ended = Some((*outcome, *took));
                    step.failure.clone_from(failure);
                }
            }
            _ => {}
        }
        None
    }

    /// The scenarios that began and did not end: the run was stopped in the midst of them.
    pub(crate) fn unfinished(&mut self) -> Vec<Finished> {
        std::mem::take(&mut self.running)
            .into_iter()
            .map(|(index, running)| {
                let failure = Failure::unknown("the run ended before the scenario did");
                running.finished(index, Outcome::Unknown, Duration::ZERO, Some(*failure))
            })
            .collect()
    }
}

impl Running {
    fn finished(self, index: usize, outcome: Outcome, took: Duration, own_failure: Option<Failure>) -> Finished {
        let is_a_steps = |failure: &Failure| self.steps.values().any(|step| step.failure.as_ref() == Some(failure));
        Finished {
            index,
            place: self.place,
            started: self.started,
            outcome,
            took,
            own_failure: own_failure.filter(|failure| !is_a_steps(failure)),
            steps: self.steps,
            tail: self.tail.lines(),
            logs: None,
        }
    }
}

impl Finished {
    /// The scenario's name, after its rule's where it stands in one.
    pub(crate) fn name(&self) -> String {
        match &self.place.rule {
            Some(rule) => format!("{rule} / {}", self.place.name),
            None => self.place.name.clone(),
        }
    }

    /// The step that it ended at: the first that has a failure, else the one that the scenario ended in the midst of.
    pub(crate) fn step(&self) -> Option<&StepRun> {
        let mut steps = self.steps.values();
        steps.clone().find(|step| step.failure.is_some()).or_else(|| {
            let broken_off = |step: &&StepRun| step.ended.is_none();
            steps.find(broken_off).filter(|_| self.own_failure.is_some())
        })
    }

    /// Why it did not pass: the step's failure, then the scenario's own.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &Failure> {
        let of_step = self.steps.values().find_map(|step| step.failure.as_ref());
        of_step.into_iter().chain(&self.own_failure)
    }

    /// Whether it is one to run again: neither passed nor left out by the user.
    pub(crate) fn did_not_pass(&self) -> bool {
        match self.outcome {
            Outcome::Passed | Outcome::Skipped => false,
            Outcome::Failed | Outcome::Refused | Outcome::Unknown | Outcome::Undefined | Outcome::Ambiguous => true,
        }
    }
}
