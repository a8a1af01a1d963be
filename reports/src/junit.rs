//! JUnit XML, for CI servers.

use std::io::{self, Write};
use std::time::Duration;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use momus_engine::event::{Event, Happening};
use momus_engine::failure::Failure;
use momus_engine::outcome::Outcome;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::feature_line::is_example_row;
use crate::reporter::Reporter;
use crate::scenarios::{Finished, Scenarios};

/// Writes JUnit XML when the run is finished: a test suite a feature file, a test case a scenario.
///
/// Failed, undefined and ambiguous scenarios are failures; unknown and refused ones are errors; skipped ones are
/// skipped. A run of no scenario gives a valid, empty report.
pub struct Junit<W> {
    out: W,
    scenarios: Scenarios,
    ended: Vec<Finished>,
    began: Option<jiff::Timestamp>,
    took: Duration,
}

impl<W: Write> Junit<W> {
    /// A report that is written to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            scenarios: Scenarios::default(),
            ended: Vec::new(),
            began: None,
            took: Duration::ZERO,
        }
    }

    fn report(&self) -> Report {
        let mut report = Report::new("momus");
        report.set_time(self.took);
        if let Some(began) = self.began {
            report.set_timestamp(timestamp(began));
        }
        let mut files: IndexMap<&str, Vec<&Finished>> = IndexMap::new();
        for finished in &self.ended {
            files.entry(&finished.place.file).or_default().push(finished);
        }
        for (file, scenarios) in files {
            let mut suite = TestSuite::new(file);
            if let Some(first) = scenarios.iter().map(|finished| finished.started).min() {
                suite.set_timestamp(timestamp(first));
            }
            suite.set_time(scenarios.iter().map(|finished| finished.took).sum());
            suite.add_test_cases(scenarios.into_iter().map(test_case));
            report.add_test_suite(suite);
        }
        report
    }
}

impl<W: Write> Reporter for Junit<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.began.get_or_insert(event.at);
        self.took = event.elapsed;
        if let Happening::RunFinished { summary } = &event.happening {
            self.took = Duration::from_millis(summary.took_ms);
        }
        self.ended.extend(self.scenarios.event(event));
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.ended.extend(self.scenarios.unfinished());
        self.report().serialize(&mut self.out).map_err(io::Error::other)?;
        self.out.flush()
    }
}

fn test_case(finished: &Finished) -> TestCase {
    let place = &finished.place;
    let mut name = match &place.rule {
        Some(rule) => format!("{rule} / {}", place.name),
        None => place.name.clone(),
    };
    if is_example_row(place) {
        name.push_str(&format!(" (line {})", place.line));
    }
    let mut case = TestCase::new(name, status(finished));
    case.set_classname(place.feature.as_str())
        .set_time(finished.took)
        .set_timestamp(timestamp(finished.started));
    if !finished.tail.is_empty() {
        case.set_system_out(finished.tail.join("\n"));
    }
    case
}

fn status(finished: &Finished) -> TestCaseStatus {
    let mut status = match finished.outcome {
        Outcome::Passed => return TestCaseStatus::success(),
        Outcome::Failed | Outcome::Undefined | Outcome::Ambiguous => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
        Outcome::Unknown | Outcome::Refused => TestCaseStatus::non_success(NonSuccessKind::Error),
        Outcome::Skipped => TestCaseStatus::skipped(),
    };
    status.set_type(finished.outcome.word());
    if let Some(failure) = &finished.failure {
        let step = finished.step.as_ref().map(|step| step.text.as_str());
        let message = step.map_or_else(
            || failure.message.clone(),
            |step| format!("{step}: {}", failure.message),
        );
        status
            .set_message(message)
            .set_description(description(finished, failure));
    }
    status
}

fn description(finished: &Finished, failure: &Failure) -> String {
    let place = &finished.place;
    let mut text = vec![format!("{}:{}", place.file, place.line)];
    if let Some(step) = &finished.step {
        text.push(step.text.clone());
    }
    text.push(failure.message.clone());
    let parts = [
        ("expected", &failure.expected),
        ("seen", &failure.seen),
        ("nearest", &failure.nearest),
        ("hint", &failure.hint),
    ];
    for (name, part) in parts {
        text.extend(part.as_ref().map(|part| format!("{name}: {part}")));
    }
    text.extend(failure.output.iter().cloned());
    text.join("\n")
}

fn timestamp(at: jiff::Timestamp) -> DateTime<Utc> {
    DateTime::<Utc>::from(std::time::SystemTime::from(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn written(events: &[Event]) -> Report {
        let mut out = Vec::new();
        let mut junit = Junit::new(&mut out);
        for event in events {
            junit.event(event).unwrap();
        }
        junit.finish().unwrap();
        Report::deserialize_from_str(std::str::from_utf8(&out).unwrap()).unwrap()
    }

    fn ended_as(outcome: Outcome) -> TestCaseStatus {
        let events = [
            sample::event(
                0,
                Some(0),
                Happening::ScenarioStarted {
                    place: sample::place("a.feature", 3, None, "any"),
                },
            ),
            sample::event(
                5,
                Some(0),
                Happening::ScenarioFinished {
                    outcome,
                    took: Duration::from_millis(5),
                    failure: Some(*Failure::failed("why")),
                    logs: None,
                },
            ),
        ];
        written(&events).test_suites[0].test_cases[0].status.clone()
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
        assert_eq!(case.timestamp.unwrap().to_rfc3339(), "2026-11-24T08:00:00.002+00:00");
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
            description.contains("expected: status 201\nseen: status 503\nnearest: status 200\nhint: is billing up?"),
            "{description}"
        );
        let out = case.system_out.as_ref().unwrap().as_str();
        assert!(
            out.contains("+1.203 s  shop → billing  POST /charges 503 (12 ms)"),
            "{out}"
        );
        assert_eq!(suite.test_cases[0].status, TestCaseStatus::success());
    }

    #[test]
    fn each_outcome_has_its_element() {
        let kind = |outcome| match ended_as(outcome) {
            TestCaseStatus::NonSuccess { kind, .. } => Some(kind),
            _ => None,
        };
        for outcome in [Outcome::Failed, Outcome::Undefined, Outcome::Ambiguous] {
            assert_eq!(kind(outcome), Some(NonSuccessKind::Failure));
        }
        for outcome in [Outcome::Unknown, Outcome::Refused] {
            assert_eq!(kind(outcome), Some(NonSuccessKind::Error));
        }
        assert!(matches!(ended_as(Outcome::Skipped), TestCaseStatus::Skipped { .. }));
    }

    #[test]
    fn a_run_of_nothing_is_a_valid_empty_report() {
        let report = written(&[sample::run_finished(&[])]);
        assert_eq!((report.tests, report.test_suites.len()), (0, 0));
    }

    #[test]
    fn a_row_of_an_outline_is_told_by_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.feature");
        std::fs::write(&file, "Feature: f\n\n| 1 |\n").unwrap();
        let report = written(&sample::failing_run(file.to_str().unwrap()));
        assert_eq!(
            report.test_suites[0].test_cases[0].name.as_str(),
            "an order is charged (line 3)"
        );
    }
}
