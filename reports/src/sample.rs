//! A run for the tests of every report: one scenario that passes, one that fails.

use std::time::Duration;

use momus_engine::event::{Event, Happening, ScenarioPlace};
use momus_engine::failure::Failure;
use momus_engine::outcome::{Outcome, Summary};

/// An event at so many milliseconds after the run began.
pub(crate) fn event(milliseconds: u64, scenario: Option<usize>, happening: Happening) -> Event {
    let start: jiff::Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
    let elapsed = Duration::from_millis(milliseconds);
    Event {
        at: start + elapsed,
        elapsed,
        scenario,
        sandbox: None,
        trace: None,
        happening,
    }
}

/// A place in a file.
pub(crate) fn place(file: &str, line: usize, rule: Option<&str>, name: &str) -> ScenarioPlace {
    ScenarioPlace {
        file: file.into(),
        line,
        feature: "Charges".into(),
        rule: rule.map(Into::into),
        name: name.into(),
        tags: Vec::new(),
    }
}

/// The end of a run with these outcomes.
pub(crate) fn run_finished(outcomes: &[Outcome]) -> Event {
    let mut summary = Summary {
        steps: 4,
        took_ms: 9_800,
        ..Summary::default()
    };
    outcomes.iter().for_each(|outcome| summary.count(*outcome));
    event(9_800, None, Happening::RunFinished { summary })
}

/// Two scenarios that run beside each other: the one at line 3 passes, the one at line 6 fails at its second step.
pub(crate) fn failing_run(file: &str) -> Vec<Event> {
    let mut failure = Failure::expectation("the status is another", "status 201", "status 503").hint("is billing up?");
    failure.nearest = Some("status 200".into());
    failure.looks = Some(4);
    failure.output = vec!["billing: no connection to billing-db".into()];
    let text = |step, line, text: &str| Happening::StepStarted {
        step,
        file: None,
        line,
        text: text.into(),
        within: Vec::new(),
    };
    let ended = |step, outcome, failure| Happening::StepFinished {
        step,
        outcome,
        took: Duration::from_millis(20),
        failure,
    };
    let started = |line, rule, name| Happening::ScenarioStarted {
        place: place(file, line, rule, name),
    };
    let finished = |outcome, took| Happening::ScenarioFinished {
        outcome,
        took: Duration::from_millis(took),
        failure: None,
        logs: None,
    };
    vec![
        event(
            0,
            None,
            Happening::RunStarted {
                version: "0.1.0".into(),
                seed: 42,
                mesh: Some("foreign".into()),
                scenarios: 2,
            },
        ),
        event(1, Some(0), started(3, None, "an order is charged")),
        event(2, Some(1), started(6, Some("The bank"), "the bank & the shop")),
        event(3, Some(1), text(0, 7, "Given the bank answers")),
        event(4, Some(1), ended(0, Outcome::Passed, None)),
        event(5, Some(0), finished(Outcome::Passed, 4)),
        event(6, Some(1), text(1, 8, "When shop charges 5")),
        event(
            1_203,
            Some(1),
            Happening::Response {
                exchange: 1,
                caller: "shop".into(),
                dependency: "billing".into(),
                method: "POST".into(),
                path: "/charges".into(),
                status: Some(503),
                took: Duration::from_millis(12),
            },
        ),
        event(1_300, Some(1), ended(1, Outcome::Failed, Some(*failure))),
        event(1_310, Some(1), finished(Outcome::Failed, 1_308)),
        run_finished(&[Outcome::Passed, Outcome::Failed]),
    ]
}
