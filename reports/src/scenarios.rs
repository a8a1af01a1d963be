//! The scenarios of a run, gathered from its events: what a report shows of each when it ends.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use momus_engine::event::{Event, Happening, ScenarioPlace};
use momus_engine::failure::Failure;
use momus_engine::outcome::Outcome;

use crate::happening_line::in_one_line;

/// How many of a scenario's last happenings a report shows.
const TAIL: usize = 15;

/// The scenarios that run at this moment; several may run beside each other.
#[derive(Default)]
pub(crate) struct Scenarios {
    running: BTreeMap<usize, Running>,
}

struct Running {
    place: ScenarioPlace,
    started: jiff::Timestamp,
    steps: BTreeMap<usize, FailedStep>,
    ended: Option<(usize, Failure)>,
    tail: VecDeque<String>,
}

/// A scenario that has ended.
pub(crate) struct Finished {
    pub(crate) place: ScenarioPlace,
    pub(crate) started: jiff::Timestamp,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    /// Why it did not pass, with the step that it ended at where it was a step.
    pub(crate) failure: Option<Failure>,
    pub(crate) step: Option<FailedStep>,
    /// Its last happenings, one line each.
    pub(crate) tail: Vec<String>,
}

/// The step that a scenario ended at.
pub(crate) struct FailedStep {
    /// Its line in the feature file.
    pub(crate) line: usize,
    /// Keyword and text.
    pub(crate) text: String,
}

impl Scenarios {
    /// Takes an event; gives the scenario that ended with it.
    pub(crate) fn event(&mut self, event: &Event) -> Option<Finished> {
        let index = event.scenario?;
        match &event.happening {
            Happening::ScenarioStarted { place } => {
                self.running.insert(
                    index,
                    Running {
                        place: place.clone(),
                        started: event.at,
                        steps: BTreeMap::new(),
                        ended: None,
                        tail: VecDeque::new(),
                    },
                );
                return None;
            }
            Happening::ScenarioFinished {
                outcome,
                took,
                failure,
                ..
            } => {
                let running = self.running.remove(&index)?;
                return Some(running.finished(*outcome, *took, failure.clone()));
            }
            _ => {}
        }
        let running = self.running.get_mut(&index)?;
        match &event.happening {
            Happening::StepStarted { step, line, text } => {
                let (line, text) = (*line, text.clone());
                running.steps.insert(*step, FailedStep { line, text });
            }
            Happening::StepFinished {
                step,
                failure: Some(failure),
                ..
            } if running.ended.is_none() => running.ended = Some((*step, failure.clone())),
            _ => {}
        }
        if running.tail.len() == TAIL {
            running.tail.pop_front();
        }
        running.tail.push_back(in_one_line(event));
        None
    }

    /// The scenarios that began and did not end: the run was stopped in the midst of them.
    pub(crate) fn unfinished(&mut self) -> Vec<Finished> {
        std::mem::take(&mut self.running)
            .into_values()
            .map(|running| {
                let failure = Failure::unknown("the run ended before the scenario did");
                running.finished(Outcome::Unknown, Duration::ZERO, Some(*failure))
            })
            .collect()
    }
}

impl Running {
    fn finished(mut self, outcome: Outcome, took: Duration, failure: Option<Failure>) -> Finished {
        let (step, failure) = match self.ended {
            Some((index, failure)) => (Some(index), Some(failure)),
            None => (None, failure),
        };
        let step = step.and_then(|index| self.steps.remove(&index));
        Finished {
            place: self.place,
            started: self.started,
            outcome,
            took,
            failure,
            step,
            tail: self.tail.into(),
        }
    }
}

/// Whether a scenario that ended so is one to run again.
pub(crate) fn did_not_pass(outcome: Outcome) -> bool {
    outcome != Outcome::Passed
}
