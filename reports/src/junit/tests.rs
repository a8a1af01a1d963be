//! What CI servers read.

use momus_engine::event::Event;
use momus_engine::failure::Failure;

use super::*;
use crate::reports::report;
use crate::sample;

fn written(events: &[Event]) -> Report {
    Report::deserialize_from_str(&text(events)).unwrap()
}

fn text(events: &[Event]) -> String {
    let mut out = Vec::new();
    report(Junit::new(&mut out, Again::new(["momus", "run"])), events);
    String::from_utf8(out).unwrap()
}

fn of_outcome(outcome: Outcome) -> [Event; 2] {
    let place = sample::place("a.feature", 3, None, "any");
    [
        sample::event(0, Some(0), sample::started(place, 1)),
        sample::event(5, Some(0), sample::finished(outcome, 5, Some(Failure::failed("why")))),
    ]
}

#[test]
fn a_file_in_error_is_an_error_of_its_own() {
    let error = Happening::FileError {
        file: "mesh.yaml".into(),
        line: Some(4),
        message: "unknown key `servces`".into(),
        hint: Some("did you mean `services`?".into()),
    };
    let report = written(&[sample::event(0, None, error)]);
    assert_eq!((report.tests, report.failures, report.errors), (1, 0, 1));
    let case = &report.test_suites[0].test_cases[0];
    assert_eq!(case.name.as_str(), "mesh.yaml:4");
    let TestCaseStatus::NonSuccess { description, .. } = &case.status else {
        panic!("{:?}", case.status)
    };
    assert_eq!(
        description.as_ref().unwrap().as_str(),
        "mesh.yaml:4: unknown key `servces`\nhint: did you mean `services`?"
    );
}

#[test]
fn a_failure_tells_its_step_what_was_expected_and_what_was_seen() {
    let report = written(&sample::failing_run("a.feature"));
    assert_eq!((report.tests, report.failures, report.errors), (2, 1, 0));
    let suite = &report.test_suites[0];
    assert_eq!(suite.name.as_str(), "a.feature");
    let case = &suite.test_cases[1];
    assert_eq!(case.name.as_str(), "The bank / the bank & the shop");
    assert_eq!(case.classname.as_ref().unwrap().as_str(), "Charges");
    assert_eq!(case.time, Some(Duration::from_millis(1_308)));
    assert_eq!(suite.timestamp.unwrap().to_rfc3339(), "2026-11-24T08:00:00.001+00:00");
    let TestCaseStatus::NonSuccess {
        message, description, ..
    } = &case.status
    else {
        panic!("{:?}", case.status)
    };
    assert_eq!(
        message.as_ref().unwrap().as_str(),
        "When shop charges 5: the status is another"
    );
    let description = description.as_ref().unwrap().as_str();
    assert!(
        description.contains("expected: status 201\nlast seen: status 503\nnearest: status 200\nhint: is billing up?"),
        "{description}"
    );
    let out = case.system_out.as_ref().unwrap().as_str();
    assert!(
        out.contains("+1.203 s  shop → billing  POST /charges 503 (12 ms)"),
        "{out}"
    );
    assert_eq!(suite.test_cases[0].status, TestCaseStatus::success());
}

/// DESIGN.md's table: the element of each outcome.
const ELEMENTS: [(Outcome, &str); 8] = [
    (Outcome::Passed, ""),
    (Outcome::Flaky, "flakyFailure"),
    (Outcome::Failed, "failure"),
    (Outcome::Undefined, "failure"),
    (Outcome::Ambiguous, "failure"),
    (Outcome::Refused, "error"),
    (Outcome::Unknown, "error"),
    (Outcome::Skipped, "skipped"),
];

#[test]
fn each_outcome_has_its_element() {
    for (outcome, element) in ELEMENTS {
        let text = match outcome {
            Outcome::Flaky => text(&sample::tried_again("a.feature", outcome)),
            _ => text(&of_outcome(outcome)),
        };
        for (_, other) in ELEMENTS {
            let there = !other.is_empty() && text.contains(&format!("<{other} "));
            assert_eq!(there, !other.is_empty() && other == element, "{outcome:?}: {text}");
        }
    }
}

#[test]
fn a_flaky_scenario_passed_and_tells_the_try_that_failed() {
    let text = text(&sample::tried_again("a.feature", Outcome::Flaky));
    insta::assert_snapshot!(text);
    assert!(text.contains("tests=\"2\" failures=\"0\" errors=\"0\""));
}

#[test]
fn a_scenario_that_failed_each_time_tells_each_try() {
    insta::assert_snapshot!(text(&sample::tried_again("a.feature", Outcome::Failed)));
}

#[test]
fn all_failures_of_a_scenario_are_told() {
    let report = written(&sample::several_failures("a.feature"));
    let TestCaseStatus::NonSuccess {
        message, description, ..
    } = &report.test_suites[0].test_cases[0].status
    else {
        panic!("it failed")
    };
    assert_eq!(
        message.as_ref().unwrap().as_str(),
        "Then shop has it: it does not hold (and 3 more failures)"
    );
    insta::assert_snapshot!(description.as_ref().unwrap().as_str());
}

#[test]
fn suites_and_cases_stand_in_the_plans_order() {
    let ended = |index: usize, file: &str| {
        let place = sample::place(file, index + 1, None, &index.to_string());
        let started = sample::event(0, Some(index), sample::started(place, 1));
        [
            started,
            sample::event(1, Some(index), sample::finished(Outcome::Passed, 1, None)),
        ]
    };
    let order = [(3, "b.feature"), (1, "a.feature"), (2, "b.feature"), (0, "a.feature")];
    let events: Vec<Event> = order.into_iter().flat_map(|(index, file)| ended(index, file)).collect();
    let report = written(&events);
    let cases = report.test_suites.iter().flat_map(|suite| &suite.test_cases);
    assert_eq!(
        cases.map(|case| case.name.as_str()).collect::<Vec<_>>(),
        ["0", "1", "2", "3"]
    );
}

#[test]
fn a_run_of_nothing_is_a_valid_empty_report() {
    let report = written(&[sample::run_finished(&[])]);
    assert_eq!((report.tests, report.test_suites.len()), (0, 0));
}

#[test]
fn a_row_of_an_outline_is_told_by_its_line() {
    let mut row = sample::place("a.feature", 6, Some("The bank"), "the bank & the shop");
    row.is_example_row = true;
    let report = written(&[
        sample::event(0, Some(0), sample::started(row, 1)),
        sample::event(5, Some(0), sample::finished(Outcome::Passed, 5, None)),
    ]);
    assert_eq!(
        report.test_suites[0].test_cases[0].name.as_str(),
        "The bank / the bank & the shop (line 6)"
    );
}

/// Elements with their attributes, as `junit-10.xsd` of Jenkins' xUnit plug-in allows them; below `testcase`
/// they stand in any order.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("testsuites", &["name", "time", "tests", "failures", "errors"]),
    (
        "testsuite",
        &[
            "name",
            "tests",
            "failures",
            "errors",
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        ],
    ),
    ("testcase", &["name", "time", "classname", "group"]),
    ("failure", &["type", "message"]),
    ("error", &["type", "message"]),
    ("skipped", &["type", "message"]),
    ("flakyFailure", &["type", "message"]),
    ("rerunFailure", &["type", "message"]),
    ("stackTrace", &[]),
    ("system-out", &[]),
    ("system-err", &[]),
];

#[test]
fn elements_and_attributes_are_those_of_jenkins_schema() {
    let mut text = text(&sample::failing_run("a.feature"));
    for outcome in [Outcome::Unknown, Outcome::Refused, Outcome::Skipped, Outcome::Passed] {
        text += &self::text(&of_outcome(outcome));
    }
    for outcome in [Outcome::Flaky, Outcome::Failed] {
        text += &self::text(&sample::tried_again("a.feature", outcome));
    }
    let tags = text.split('<').skip(1).filter(|tag| !tag.starts_with(['/', '?']));
    let mut seen = 0;
    for tag in tags {
        let tag = tag.split('>').next().unwrap().trim_end_matches('/');
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let (_, allowed) = ALLOWED.iter().find(|(element, _)| *element == name).expect(name);
        // Values are between quotes, and every second piece is one.
        for attribute in attributes.split('"').step_by(2) {
            let attribute = attribute.trim().trim_end_matches('=');
            assert!(
                attribute.is_empty() || allowed.contains(&attribute),
                "{attribute} in <{tag}>"
            );
        }
        seen += 1;
    }
    assert!(seen > 20, "{text}");
}
