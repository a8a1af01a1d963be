//! A run for the tests of every report: one scenario that passes, one that fails.

use std::sync::Arc;
use std::time::Duration;

use momus_engine::event::{Event, Frame, Happening, ScenarioPlace, ServiceState, StepPlace};
use momus_engine::failure::{Failure, StepError};
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
        is_example_row: false,
    }
}

/// The beginning of a try of the scenario there.
pub(crate) fn started(place: ScenarioPlace, attempt: usize) -> Happening {
    Happening::ScenarioStarted {
        place: Arc::new(place),
        attempt,
    }
}

/// The end of a scenario after so many milliseconds, with a failure of its own perhaps.
pub(crate) fn finished(outcome: Outcome, milliseconds: u64, failure: Option<StepError>) -> Happening {
    Happening::ScenarioFinished {
        outcome,
        will_be_retried: false,
        took: Duration::from_millis(milliseconds),
        failure: failure.map(|failure| *failure),
        logs: None,
        learned: Arc::default(),
    }
}

/// The end of a try that failed at a step and is followed by another.
pub(crate) fn to_be_retried(milliseconds: u64) -> Happening {
    Happening::ScenarioFinished {
        outcome: Outcome::Failed,
        will_be_retried: true,
        took: Duration::from_millis(milliseconds),
        failure: None,
        logs: None,
        learned: Arc::default(),
    }
}

/// A step begins.
pub(crate) fn begun(step: usize, line: usize, text: &str) -> Happening {
    Happening::StepStarted {
        step,
        place: Arc::new(StepPlace {
            file: None,
            line,
            text: text.into(),
            within: Vec::new(),
        }),
    }
}

/// A step ended after 20 ms.
pub(crate) fn ended(step: usize, outcome: Outcome, failure: Option<StepError>) -> Happening {
    Happening::StepFinished {
        step,
        outcome,
        took: Duration::from_millis(20),
        failure: failure.map(|failure| *failure),
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

/// [`failing_run`], whose second scenario is tried again and comes to this outcome, flaky or failed.
pub(crate) fn tried_again(file: &str, outcome: Outcome) -> Vec<Event> {
    let mut events = failing_run(file);
    events.truncate(events.len() - 2);
    let response = |events: &[Event]| {
        events
            .iter()
            .find(|event| matches!(event.happening, Happening::Response { .. }))
            .cloned()
    };
    let mut response = response(&events).unwrap();
    let passed = outcome == Outcome::Flaky;
    if let Happening::Response { status, .. } = &mut response.happening {
        *status = Some(if passed { 201 } else { 500 });
    }
    let failure = Failure::expectation("the status is another", "status 201", "status 500");
    let place = place(file, 6, Some("The bank"), "the bank & the shop");
    let again = [
        to_be_retried(1_308),
        started(place, 2),
        begun(0, 7, "Given the bank answers"),
        ended(0, Outcome::Passed, None),
        begun(1, 8, "When shop charges 5"),
        response.happening,
        match passed {
            true => ended(1, Outcome::Passed, None),
            false => ended(1, Outcome::Failed, Some(failure)),
        },
        Happening::Service {
            service: "shop".into(),
            state: ServiceState::Stopping,
        },
        finished(outcome, 300, None),
    ];
    events.extend(
        (2_000..)
            .step_by(10)
            .zip(again)
            .map(|(at, happening)| event(at, Some(1), happening)),
    );
    events.push(run_finished(&[Outcome::Passed, outcome]));
    events
}

/// A scenario, three of whose four expectations do not hold, and whose faults cannot be healed.
pub(crate) fn several_failures(file: &str) -> Vec<Event> {
    let expectation = |seen: &str| Failure::expectation("it does not hold", "1 record", seen);
    let inside = [
        started(place(file, 6, None, "the bank & the shop"), 1),
        begun(0, 7, "Given the bank answers"),
        ended(0, Outcome::Passed, None),
        begun(1, 8, "Then shop has it"),
        ended(
            1,
            Outcome::Failed,
            Some(expectation("no record").hint("is billing up?")),
        ),
        begun(2, 9, "And billing has it"),
        ended(2, Outcome::Failed, Some(expectation("2 records"))),
        begun(3, 10, "And bank has it"),
        ended(3, Outcome::Passed, None),
        begun(4, 11, "And all have it"),
        ended(4, Outcome::Failed, Some(expectation("some have it"))),
        finished(
            Outcome::Failed,
            300,
            Some(Failure::unknown("the cut could not be healed")),
        ),
    ];
    let mut events: Vec<Event> = (0..)
        .step_by(10)
        .zip(inside)
        .map(|(at, inside)| event(at, Some(0), inside))
        .collect();
    events.push(run_finished(&[Outcome::Failed]));
    events
}

/// Two scenarios that run beside each other: the one at line 3 passes, the one at line 6 fails at its second step.
pub(crate) fn failing_run(file: &str) -> Vec<Event> {
    let mut failure = Failure::expectation("the status is another", "status 201", "status 503").hint("is billing up?");
    failure.nearest = Some("status 200".into());
    failure.looks = Some(4);
    failure.output = vec!["billing: no connection to billing-db".into()];
    let started = |line, rule, name| started(place(file, line, rule, name), 1);
    let finished = |outcome, took| finished(outcome, took, None);
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
        event(3, Some(1), begun(0, 7, "Given the bank answers")),
        event(4, Some(1), ended(0, Outcome::Passed, None)),
        event(5, Some(0), finished(Outcome::Passed, 4)),
        event(6, Some(1), begun(1, 8, "When shop charges 5")),
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
                grpc_status: None,
                took: Duration::from_millis(12),
            },
        ),
        event(1_300, Some(1), ended(1, Outcome::Failed, Some(failure))),
        event(1_310, Some(1), finished(Outcome::Failed, 1_308)),
        run_finished(&[Outcome::Passed, Outcome::Failed]),
    ]
}

/// A scenario that fails in the second step of a phrase, whose first step calls another.
pub(crate) fn failing_in_a_phrase(file: &str, phrases: &str) -> Vec<Event> {
    let frame = |file: &str, line, text: &str| Frame {
        file: file.into(),
        line,
        text: text.into(),
    };
    let call = frame(file, 5, "When ada buys twice");
    let inner = frame(phrases, 4, "When a sale to ada");
    let of_phrase = |step, line, within: &[&Frame], text: &str| Happening::StepStarted {
        step,
        place: Arc::new(StepPlace {
            file: Some(phrases.into()),
            line,
            text: text.into(),
            within: within.iter().map(|frame| (*frame).clone()).collect(),
        }),
    };
    let failure = Failure::expectation("the status is another", "status 201", "status 503");
    let inside = vec![
        started(place(file, 3, None, "ada buys"), 1),
        begun(0, 4, "Given the bank answers"),
        ended(0, Outcome::Passed, None),
        of_phrase(1, 9, &[&call, &inner], "When shop charges 5"),
        ended(1, Outcome::Passed, None),
        of_phrase(2, 5, &[&call], "And shop charges 5"),
        ended(2, Outcome::Failed, Some(failure)),
        begun(3, 6, "Then bank has it"),
        ended(3, Outcome::Skipped, None),
        finished(Outcome::Failed, 80, None),
    ];
    (0..)
        .zip(inside)
        .map(|(at, happening)| event(at, Some(0), happening))
        .collect()
}
