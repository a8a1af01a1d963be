//! What people see, whole.

use std::fs;

use insta::assert_snapshot;
use momus_engine::event::{Event, Happening, ServiceState};
use momus_engine::failure::{Failure, StepError};
use momus_engine::outcome::{Outcome, Summary};

use super::*;
use crate::reports::report;
use crate::sample::{self, begun, ended, event, place};

const FEATURE: &str = "\
Feature: Charges

  Scenario: an order is charged
    When shop charges 5

  Scenario: the bank & the shop
    Given the bank answers
    When shop charges 5

  Scenario Outline: many charges
    When shop charges <amount>

    Examples:
      | amount |
      | 7      |
";

pub(super) fn written(events: impl Fn(&str) -> Vec<Event>, colour: Colour) -> String {
    written_over(FEATURE, events, colour)
}

/// What people see where this stands in the feature file.
pub(super) fn written_over(feature: &str, events: impl Fn(&str) -> Vec<Event>, colour: Colour) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.feature");
    fs::write(&file, feature).unwrap();
    let file = file.to_str().unwrap();
    shown(&events(file), colour).replace(file, "a.feature")
}

pub(super) fn shown(events: &[Event], colour: Colour) -> String {
    let mut out = Vec::new();
    let again = Again::new(["momus", "run", "-f", "mesh.yaml"]);
    report(Terminal::new(&mut out, colour, Status::Lines, again), events);
    String::from_utf8(out).unwrap()
}

/// A run of one scenario, in which `inside` happens.
fn run(file: &str, line: usize, name: &str, inside: Vec<Happening>, outcome: Outcome) -> Vec<Event> {
    let mut summary = Summary {
        steps: 2,
        took_ms: 340,
        ..Summary::default()
    };
    summary.count(outcome);
    let mut happenings = vec![
        Happening::RunStarted {
            version: "0.1.0".into(),
            seed: 42,
            mesh: Some("foreign".into()),
            scenarios: 1,
        },
        sample::started(place(file, line, None, name), 1),
    ];
    happenings.extend(inside);
    happenings.push(Happening::RunFinished { summary });
    let scenario = |happening: &Happening| {
        !matches!(
            happening,
            Happening::RunStarted { .. } | Happening::RunFinished { .. } | Happening::Notice { .. }
        )
    };
    (0..)
        .step_by(10)
        .zip(happenings)
        .map(|(at, happening)| event(at, scenario(&happening).then_some(0), happening))
        .collect()
}

fn finished(outcome: Outcome, failure: Option<StepError>) -> Happening {
    sample::finished(outcome, 300, failure)
}

fn log(service: &str, message: &str) -> Happening {
    Happening::Log {
        service: service.into(),
        level: Some("error".into()),
        message: message.into(),
        document: None,
    }
}

#[test]
fn all_green() {
    let events = |file: &str| {
        let notice = || Happening::Notice {
            text: "Java is missing: librdkafka's mock cluster stands in for kafka".into(),
        };
        let inside = vec![
            notice(),
            begun(0, 4, "When shop charges 5"),
            ended(0, Outcome::Passed, None),
            notice(),
            finished(Outcome::Passed, None),
        ];
        run(file, 3, "an order is charged", inside, Outcome::Passed)
    };
    assert_snapshot!(written(events, Colour::Never), @r#"
    momus 0.1.0 · mesh foreign · 1 scenario · seed 42
    notice: Java is missing: librdkafka's mock cluster stands in for kafka
    ✔ an order is charged  a.feature:3 · 300 ms
    1 scenario: 1 passed · 2 steps · 0.3 s
    "#);
}

#[test]
fn an_expectation_that_did_not_hold() {
    assert_snapshot!(written(sample::failing_run, Colour::Never), @r#"
    momus 0.1.0 · mesh foreign · 2 scenarios · seed 42
    ✔ an order is charged  a.feature:3 · 4 ms
    ✘ The bank / the bank & the shop  a.feature:6 · 1.3 s

         --> a.feature:8
          |
        8 |     When shop charges 5
          |     ^^^^^^^^^^^^^^^^^^^
          |     the status is another

        expected:  status 201
        last seen: status 503
        nearest:   status 200
        looks:     4
        hint:      is billing up?

        output
          | billing: no connection to billing-db

        last happenings
          +0.003 s  Given the bank answers
          +0.006 s  When shop charges 5
          +1.203 s  shop → billing  POST /charges 503 (12 ms)

        run it again: momus run -f mesh.yaml a.feature:6 --seed 42

    2 scenarios: 1 passed, 1 failed · 4 steps · 9.8 s
    "#);
}

#[test]
fn an_expectation_that_did_not_hold_in_colour() {
    assert_snapshot!(written(sample::failing_run, Colour::Always).replace('\u{1b}', "␛"), @r#"
    momus 0.1.0 · mesh foreign · 2 scenarios · seed 42
    ␛[32m✔␛[0m an order is charged  ␛[2ma.feature:3 · 4 ms␛[0m
    ␛[31m✘␛[0m The bank / the bank & the shop  ␛[2ma.feature:6 · 1.3 s␛[0m

         --> a.feature:8
          |
        8 |     When shop charges 5
          |     ␛[31m^^^^^^^^^^^^^^^^^^^␛[0m
          |     ␛[31mthe status is another␛[0m

        expected:  ␛[32mstatus 201␛[0m
        last seen: ␛[31mstatus 503␛[0m
        nearest:   ␛[33mstatus 200␛[0m
        looks:     4
        hint:      ␛[1mis billing up?␛[0m

        ␛[1moutput␛[0m
          | billing: no connection to billing-db

        ␛[1mlast happenings␛[0m
          +0.003 s  Given the bank answers
          +0.006 s  When shop charges 5
          +1.203 s  shop → billing  POST /charges 503 (12 ms)

        ␛[1mrun it again:␛[0m momus run -f mesh.yaml a.feature:6 --seed 42

    2 scenarios: ␛[32m1 passed␛[0m, ␛[31m1 failed␛[0m · 4 steps · 9.8 s
    "#);
}

#[test]
fn a_step_that_erred_with_the_services_output() {
    let events = |file: &str| {
        let failure = Failure::failed("billing exited with code 101 while it was starting\nit was told to start")
            .hint("look at what it said last")
            .output([
                "thread 'main' panicked at src/main.rs:7:5:".into(),
                "no BANK_URL".into(),
            ]);
        let inside = vec![
            begun(0, 11, "When shop charges 7"),
            log("billing", "no BANK_URL"),
            Happening::Service {
                service: "billing".into(),
                state: ServiceState::Exited {
                    status: "code 101".into(),
                    told: false,
                },
            },
            ended(0, Outcome::Failed, Some(failure)),
            log("shop", "this is after the failure, and not shown"),
            finished(
                Outcome::Failed,
                Some(Failure::unknown("billing-db could not be healed")),
            ),
        ];
        run(file, 15, "many charges", inside, Outcome::Failed)
    };
    assert_snapshot!(written(events, Colour::Never), @r#"
    momus 0.1.0 · mesh foreign · 1 scenario · seed 42
    ✘ many charges  a.feature:15 · 300 ms

          --> a.feature:11
           |
        11 |     When shop charges <amount>
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^
           |     When shop charges 7
           |     billing exited with code 101 while it was starting
           |     it was told to start

        hint: look at what it said last

        output
          | thread 'main' panicked at src/main.rs:7:5:
          | no BANK_URL

        also: billing-db could not be healed

        last happenings
          +0.020 s  When shop charges 7
          +0.030 s  billing  error: no BANK_URL
          +0.040 s  billing  exited untold: code 101

        run it again: momus run -f mesh.yaml a.feature:15 --seed 42

    1 scenario: 1 failed · 2 steps · 0.3 s
    "#);
}

#[test]
fn a_sandbox_that_could_not_be_made() {
    let events = |file: &str| {
        let failure = Failure::unknown("billing was not ready within 30 s: GET /readyz answered 503")
            .output(["waiting for billing-db".into()]);
        let inside = vec![
            log("billing", "waiting for billing-db"),
            finished(Outcome::Unknown, Some(failure)),
        ];
        run(file, 3, "an order is charged", inside, Outcome::Unknown)
    };
    assert_snapshot!(written(events, Colour::Never), @r#"
    momus 0.1.0 · mesh foreign · 1 scenario · seed 42
    ✘ an order is charged (unknown)  a.feature:3 · 300 ms

         --> a.feature:3
          |
        3 |   Scenario: an order is charged
          |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |   billing was not ready within 30 s: GET /readyz answered 503

        output
          | waiting for billing-db

        last happenings
          +0.020 s  billing  error: waiting for billing-db

        run it again: momus run -f mesh.yaml a.feature:3 --seed 42

    1 scenario: 1 unknown · 2 steps · 0.3 s
    "#);
}

#[test]
fn what_keeps_every_scenario_from_starting_is_told_whole_once() {
    let events = |file: &str| {
        let failure = || Some(Failure::unknown("`cargo build` failed").output(["error: no such crate".into()]));
        let mut inside = vec![finished(Outcome::Unknown, failure())];
        for line in [6, 15] {
            let place = place(file, line, None, "another");
            inside.extend([sample::started(place, 1), finished(Outcome::Unknown, failure())]);
        }
        run(file, 3, "an order is charged", inside, Outcome::Unknown)
    };
    assert_snapshot!(written(events, Colour::Never), @r#"
    momus 0.1.0 · mesh foreign · 1 scenario · seed 42
    ✘ an order is charged (unknown)  a.feature:3 · 300 ms

         --> a.feature:3
          |
        3 |   Scenario: an order is charged
          |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |   `cargo build` failed

        output
          | error: no such crate

        run it again: momus run -f mesh.yaml a.feature:3 --seed 42

    ✘ another (unknown)  a.feature:6 · 300 ms
        as above: `cargo build` failed
    ✘ another (unknown)  a.feature:15 · 300 ms
        as above: `cargo build` failed
    1 scenario: 1 unknown · 2 steps · 0.3 s
    "#);
}

#[test]
fn a_timeout_with_open_waits() {
    let events = |file: &str| {
        let failure = || {
            Failure::failed(
                "the scenario took longer than 2 min; it waited for invoices.v1 has 1 record; and for a POST /charges",
            )
            .hint("`--timeout` gives each scenario another time")
        };
        let inside = vec![
            begun(0, 7, "Given the bank answers"),
            ended(0, Outcome::Passed, None),
            begun(1, 8, "When shop charges 5"),
            ended(1, Outcome::Failed, Some(failure())),
            finished(Outcome::Failed, Some(failure())),
        ];
        run(file, 6, "the bank & the shop", inside, Outcome::Failed)
    };
    assert_snapshot!(written(events, Colour::Never), @r#"
    momus 0.1.0 · mesh foreign · 1 scenario · seed 42
    ✘ the bank & the shop  a.feature:6 · 300 ms

         --> a.feature:8
          |
        8 |     When shop charges 5
          |     ^^^^^^^^^^^^^^^^^^^
          |     the scenario took longer than 2 min; it waited for invoices.v1 has 1 record; and for a POST /charges

        hint: `--timeout` gives each scenario another time

        last happenings
          +0.020 s  Given the bank answers
          +0.040 s  When shop charges 5

        run it again: momus run -f mesh.yaml a.feature:6 --seed 42

    1 scenario: 1 failed · 2 steps · 0.3 s
    "#);
}

#[test]
fn a_step_of_a_phrase_that_failed_is_drawn_under_the_calls() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let feature = "Feature: f\n\n  Scenario: ada buys\n    Given the bank answers\n    When ada buys twice\n    Then bank has it\n";
    let phrases =
        "Feature: p\n  @phrase\n  Scenario: <who> buys twice\n    When a sale to <who>\n    And shop charges 5\n";
    fs::write(path("a.feature"), feature).unwrap();
    fs::write(path("p.feature"), phrases).unwrap();
    let events = sample::failing_in_a_phrase(&path("a.feature"), &path("p.feature"));
    let text = shown(&events, Colour::Never);
    let folder = format!("{}/", folder.path().display());
    assert_snapshot!(text.replace(&folder, ""), @"
    ✘ ada buys  a.feature:3 · 80 ms

         --> a.feature:5
          |
        5 |     When ada buys twice
          |     ^^^^^^^^^^^^^^^^^^^
         --> p.feature:5
          |
        5 |     And shop charges 5
          |     ^^^^^^^^^^^^^^^^^^
          |     the status is another

        expected:  status 201
        last seen: status 503

        last happenings
          +0.001 s  Given the bank answers
          +0.003 s  When ada buys twice › When a sale to ada › When shop charges 5
          +0.005 s  When ada buys twice › And shop charges 5

        run it again: momus run -f mesh.yaml a.feature:3
    ");
}
