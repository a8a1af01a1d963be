//! The scenarios of a run, gathered from its events: what a report shows of each when it ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use momus_engine::event::{Event, Happening, ScenarioPlace, StepPlace};
use momus_engine::failure::Failure;
use momus_engine::masks::Learned;
use momus_engine::outcome::Outcome;

use crate::tail::Tail;

/// The scenarios that run at this moment; several may run beside each other.
#[derive(Default)]
pub(crate) struct Scenarios {
    running: BTreeMap<usize, Running>,
    /// Tries that failed and are to be followed by another, by the scenario's index.
    tried: BTreeMap<usize, Vec<Finished>>,
}

struct Running {
    place: Arc<ScenarioPlace>,
    attempt: usize,
    started: jiff::Timestamp,
    steps: BTreeMap<usize, StepRun>,
    tail: Tail,
}

/// A scenario that has ended, or one try of it.
#[derive(Clone)]
pub struct Finished {
    /// Its index in the plan.
    pub(crate) index: usize,
    pub(crate) place: Arc<ScenarioPlace>,
    /// Which try this is, from 1.
    pub(crate) attempt: usize,
    /// The tries before it, which all failed.
    pub(crate) earlier: Vec<Finished>,
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
    /// What stood at secret places in it.
    pub(crate) learned: Arc<Learned>,
}

/// A step that began.
#[derive(Clone)]
pub(crate) struct StepRun {
    /// Where it stands and what it says.
    pub(crate) place: Arc<StepPlace>,
    /// How it ended; none where the scenario ended in the midst of it.
    pub(crate) ended: Option<(Outcome, Duration)>,
    /// Why it did not pass.
    pub(crate) failure: Option<Failure>,
}

impl StepRun {
    /// The calls that it stands under and itself, outermost first, as a person reads them in one line.
    pub(crate) fn said(&self) -> String {
        said(&self.place)
    }
}

/// A step behind the calls that it stands under, as a person reads them in one line.
pub(crate) fn said(place: &StepPlace) -> String {
    let calls = place.within.iter().map(|call| format!("{} › ", call.text));
    format!("{}{}", calls.collect::<String>(), place.text)
}

/// What ended with an event.
pub(crate) enum Ended {
    /// A scenario, all its tries being over.
    Scenario(Finished),
    /// A try that failed, which another is to follow.
    Try(Finished),
}

impl Scenarios {
    /// Takes an event; gives what ended with it.
    pub(crate) fn event(&mut self, event: &Event) -> Option<Ended> {
        let index = event.scenario?;
        match &event.happening {
            Happening::ScenarioStarted { place, attempt } => {
                let running = Running {
                    place: Arc::clone(place),
                    attempt: *attempt,
                    started: event.at,
                    steps: BTreeMap::new(),
                    tail: Tail::default(),
                };
                self.running.insert(index, running);
                return None;
            }
            Happening::ScenarioFinished {
                outcome,
                will_be_retried,
                took,
                failure,
                logs,
                learned,
            } => {
                let running = self.running.remove(&index)?;
                let mut finished = running.finished(index, *outcome, *took, failure.clone());
                finished.logs.clone_from(logs);
                finished.learned = Arc::clone(learned);
                if *will_be_retried {
                    self.tried.entry(index).or_default().push(finished.clone());
                    return Some(Ended::Try(finished));
                }
                finished.earlier = self.tried.remove(&index).unwrap_or_default();
                return Some(Ended::Scenario(finished));
            }
            _ => {}
        }
        let running = self.running.get_mut(&index)?;
        running.tail.event(event);
        match &event.happening {
            Happening::SandboxClaimed { .. } => running.started = event.at,
            Happening::StepStarted { step, place } => {
                let begun = StepRun {
                    place: Arc::clone(place),
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

    /// The scenarios that began and did not end, the run having been stopped in the midst of them or before another try:
    /// of a scenario that failed, the try that failed is the last.
    pub(crate) fn unfinished(&mut self) -> Vec<Finished> {
        let broken_off = std::mem::take(&mut self.running).into_iter().map(|(index, running)| {
            let failure = Failure::unknown("the run ended before the scenario did");
            let mut finished = running.finished(index, Outcome::Unknown, Duration::ZERO, Some(*failure));
            finished.earlier = self.tried.remove(&index).unwrap_or_default();
            if !finished.earlier.is_empty() {
                finished.outcome = Outcome::Failed;
            }
            finished
        });
        let mut unfinished: Vec<Finished> = broken_off.collect();
        for mut tries in std::mem::take(&mut self.tried).into_values() {
            unfinished.extend(tries.pop().map(|last| Finished { earlier: tries, ..last }));
        }
        unfinished.sort_by_key(|finished| finished.index);
        unfinished
    }
}

#[cfg(test)]
impl Scenarios {
    /// The first scenario that ends with these events.
    pub(crate) fn ended(events: &[Event]) -> Finished {
        let mut scenarios = Self::default();
        let ended = events.iter().find_map(|event| match scenarios.event(event) {
            Some(Ended::Scenario(finished)) => Some(finished),
            Some(Ended::Try(_)) | None => None,
        });
        ended.unwrap()
    }
}

impl Running {
    fn finished(self, index: usize, outcome: Outcome, took: Duration, own_failure: Option<Failure>) -> Finished {
        let is_a_steps = |failure: &Failure| self.steps.values().any(|step| step.failure.as_ref() == Some(failure));
        Finished {
            index,
            place: self.place,
            attempt: self.attempt,
            earlier: Vec::new(),
            started: self.started,
            outcome,
            took,
            own_failure: own_failure.filter(|failure| !is_a_steps(failure)),
            steps: self.steps,
            tail: match outcome {
                // Nobody asks what led to it.
                Outcome::Passed => Vec::new(),
                outcome => self.tail.lines(outcome == Outcome::Flaky),
            },
            logs: None,
            learned: Arc::default(),
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

    /// Why it did not pass: every step's failure with its step, then the scenario's own.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (Option<&StepRun>, &Failure)> {
        let of_steps = self.steps.values();
        let of_steps = of_steps.filter_map(|step| step.failure.as_ref().map(|failure| (Some(step), failure)));
        of_steps.chain(self.own_failure.iter().map(|failure| (None, failure)))
    }

    /// The first of its failures.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failures().next().map(|(_, failure)| failure)
    }

    /// All its tries, this one last.
    pub(crate) fn tries(&self) -> impl Iterator<Item = &Finished> {
        self.earlier.iter().chain(std::iter::once(self))
    }

    /// Whether it is one to run again: neither passed in the end nor left out by the user.
    pub(crate) fn did_not_pass(&self) -> bool {
        match self.outcome {
            Outcome::Passed | Outcome::Flaky | Outcome::Skipped => false,
            Outcome::Failed | Outcome::Refused | Outcome::Unknown | Outcome::Undefined | Outcome::Ambiguous => true,
        }
    }
}
