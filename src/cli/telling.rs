//! From the run's events to its reports.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use momus_engine::event::{Event, Frame, Happening, ScenarioPlace, StepPlace};
use momus_engine::failure::Failure;
use momus_engine::masks::Masks;
use momus_engine::outcome::{Outcome, Summary};
use momus_engine::piece::Piece;
use momus_engine::plan::PlanError;
use momus_engine::run::Told;
use momus_engine::timeline::Clock;
use momus_reports::reports::Reports;
use tokio::sync::mpsc;

use super::sources::Errors;

/// How many pieces are taken at once at the most.
const MOST: usize = 64;

/// The reports of a run being written, on a thread of their own: a slow disk does not slow the scenarios.
pub struct Telling {
    thread: JoinHandle<bool>,
}

impl Telling {
    /// Writes what comes out of `told` until the run is over.
    pub fn begin(mut reports: Reports<'static>, mut told: mpsc::Receiver<Told>) -> Self {
        let thread = std::thread::spawn(move || {
            let (mut whole, mut pieces) = (true, Vec::new());
            while told.blocking_recv_many(&mut pieces, MOST) > 0 {
                for told in pieces.drain(..) {
                    whole &= reported(&mut reports, told);
                }
                whole &= !told.is_empty() || written(reports.flush());
            }
            whole & written(reports.finish())
        });
        Self { thread }
    }

    /// Waits until all is written: whether every report is whole.
    pub fn end(self) -> bool {
        self.thread.join().unwrap_or(false)
    }
}

/// Whether every report took it.
fn reported(reports: &mut Reports<'_>, told: Told) -> bool {
    match told {
        Told::Events(piece) => taken(reports, &piece),
        Told::Reported(answer) => {
            let whole = written(reports.flush());
            // Nobody waits any more when the run was given up.
            let _ = answer.send(());
            whole
        }
    }
}

/// Whether every report took the events; those that did not are told.
fn taken(reports: &mut Reports<'_>, piece: &Piece) -> bool {
    let errors = reports.piece(piece);
    errors.iter().for_each(|error| eprintln!("error: {error}"));
    errors.is_empty()
}

/// Whether a report was written; one that was not is told.
fn written(result: Result<(), momus_reports::reports::ReportError>) -> bool {
    if let Err(error) = &result {
        eprintln!("error: {error}");
    }
    result.is_ok()
}

/// Writes the reports of a run that did not begin, for `errors` keep it from it. Whether every report is whole.
pub fn not_begun(reports: Reports<'_>, seed: u64, errors: &Errors) -> bool {
    let clock = Clock::start();
    let mut events = Events {
        clock,
        reports,
        masks: Arc::clone(&errors.masks),
        whole: true,
    };
    events.tell(None, run_started(seed, errors.scenarios.len()));
    for error in &errors.of_files {
        events.tell(None, error.happening());
    }
    let mut summary = Summary::default();
    for (index, (place, found)) in errors.scenarios.iter().enumerate() {
        let mut tell = |happening| events.tell(Some(index), happening);
        tell(Happening::ScenarioStarted {
            place: Arc::clone(place),
            attempt: 1,
        });
        let outcome = match found.first() {
            None => Outcome::Skipped,
            Some(error) => {
                tell(Happening::StepStarted {
                    step: 0,
                    place: Arc::new(StepPlace {
                        file: (error.file != place.file).then(|| error.file.clone()),
                        line: error.location.line as usize,
                        text: errors.line_of(error).to_owned(),
                        within: within(errors, place, error),
                    }),
                });
                tell(Happening::StepFinished {
                    step: 0,
                    outcome: error.outcome(),
                    took: Duration::ZERO,
                    failure: Some(failure(error)),
                });
                error.outcome()
            }
        };
        summary.count(outcome);
        let why = Failure::failed("nothing was started: there are errors in the files");
        tell(Happening::ScenarioFinished {
            outcome,
            will_be_retried: false,
            took: Duration::ZERO,
            failure: (outcome == Outcome::Skipped).then_some(Failure { outcome, ..*why }),
            logs: None,
            learned: Arc::default(),
        });
    }
    events.tell(None, Happening::RunFinished { summary });
    events.finish()
}

/// The calls that the line of an error stands under, where it is a phrase's.
fn within(errors: &Errors, place: &ScenarioPlace, error: &PlanError) -> Vec<Frame> {
    let calls = error.also.iter().rev().filter(|_| error.file != place.file);
    let frames = calls.map(|call| Frame {
        file: call.file.clone(),
        line: call.location.line as usize,
        text: errors.line(&call.file, call.location.line as usize).to_owned(),
    });
    frames.collect()
}

/// The first event of a run that starts nothing.
fn run_started(seed: u64, scenarios: usize) -> Happening {
    Happening::RunStarted {
        version: env!("CARGO_PKG_VERSION").into(),
        seed,
        mesh: None,
        scenarios,
    }
}

fn failure(error: &PlanError) -> Failure {
    let mut failure = *Failure::failed(error.message());
    failure.outcome = error.outcome();
    failure.hint = Some(error.hints().join("\n")).filter(|hint| !hint.is_empty());
    failure
}

struct Events<'r> {
    clock: Clock,
    reports: Reports<'r>,
    masks: Arc<Masks>,
    whole: bool,
}

impl Events<'_> {
    fn tell(&mut self, scenario: Option<usize>, happening: Happening) {
        let mut event: Event = self.clock.event(scenario, None, None, happening);
        self.masks.event(&mut event);
        self.whole &= taken(&mut self.reports, &Piece::new(vec![event]));
    }

    fn finish(mut self) -> bool {
        self.whole & written(self.reports.finish())
    }
}
