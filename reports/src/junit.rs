//! JUnit XML, for CI servers.

use std::io::{self, Write};
use std::time::Duration;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use momus_engine::event::{Event, Happening};
use momus_engine::outcome::Outcome;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::again::Again;
use crate::explanation;
use crate::feature_files::FeatureFiles;
use crate::reporter::Reporter;
use crate::scenarios::{Finished, Scenarios};

/// Writes JUnit XML when the run is finished: a test suite a feature file, a test case a scenario.
///
/// Failed, undefined and ambiguous scenarios are failures; unknown and refused ones are errors; skipped ones are
/// skipped. A file in error is a test case of its own, in error. A run of no scenario gives a valid, empty report.
pub struct Junit<W> {
    out: W,
    again: Again,
    scenarios: Scenarios,
    files: FeatureFiles,
    suites: IndexMap<String, Suite>,
    took: Duration,
}

/// The scenarios of a feature file.
#[derive(Default)]
struct Suite {
    began: Option<jiff::Timestamp>,
    took: Duration,
    cases: Vec<TestCase>,
}

impl<W: Write> Junit<W> {
    /// A report that is written to `out`; each failure tells the command that runs its scenario again.
    pub fn new(out: W, again: Again) -> Self {
        Self {
            out,
            again,
            scenarios: Scenarios::default(),
            files: FeatureFiles::default(),
            suites: IndexMap::new(),
            took: Duration::ZERO,
        }
    }

    fn scenario(&mut self, finished: &Finished) {
        let place = &finished.place;
        let mut name = finished.name();
        if self.files.file(&place.file).is_example_row(place) {
            name.push_str(&format!(" (line {})", place.line));
        }
        let mut case = TestCase::new(name, status(finished, &self.again));
        case.set_classname(place.feature.as_str()).set_time(finished.took);
        // What passed needs no explanation, and a report of many scenarios stays small.
        if finished.did_not_pass() && !finished.tail.is_empty() {
            case.set_system_out(finished.tail.join("\n"));
        }
        let suite = self.suites.entry(place.file.clone()).or_default();
        suite.began = Some(
            suite
                .began
                .map_or(finished.started, |began| began.min(finished.started)),
        );
        suite.took += finished.took;
        suite.cases.push(case);
    }

    fn file_error(&mut self, file: &str, line: Option<usize>, message: &str, hint: Option<&str>) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        let hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        status.set_type("file").set_message(message);
        status.set_description(format!("{file}{line}: {message}{hint}"));
        let mut case = TestCase::new(format!("{file}{line}"), status);
        case.set_classname(file).set_time(Duration::ZERO);
        self.suites.entry(file.to_owned()).or_default().cases.push(case);
    }

    fn report(&mut self) -> Report {
        let mut report = Report::new("momus");
        report.set_time(self.took);
        for (file, scenarios) in std::mem::take(&mut self.suites) {
            let mut suite = TestSuite::new(file);
            if let Some(began) = scenarios.began {
                suite.set_timestamp(timestamp(began));
            }
            suite.set_time(scenarios.took);
            suite.add_test_cases(scenarios.cases);
            report.add_test_suite(suite);
        }
        report
    }
}

impl<W: Write> Reporter for Junit<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.again.event(event);
        self.took = event.elapsed;
        if let Happening::RunFinished { summary } = &event.happening {
            self.took = Duration::from_millis(summary.took_ms);
        }
        if let Happening::FileError {
            file,
            line,
            message,
            hint,
        } = &event.happening
        {
            self.file_error(file, *line, message, hint.as_deref());
        }
        if let Some(finished) = self.scenarios.event(event) {
            self.scenario(&finished);
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        for finished in self.scenarios.unfinished() {
            self.scenario(&finished);
        }
        let text = self.report().to_string().map_err(io::Error::other)?;
        self.out.write_all(without_skipped_in_all(&text).as_bytes())?;
        self.out.flush()
    }
}

/// The report without the count of skipped ones in its outermost tag, which Jenkins' schema (`junit-10.xsd` of the
/// xUnit plug-in) does not have there.
fn without_skipped_in_all(report: &str) -> String {
    let attribute = report.find("<testsuites").and_then(|start| {
        let end = start + report[start..].find('>')?;
        let from = start + report[start..end].find(" skipped=\"")?;
        let value = from + " skipped=\"".len();
        Some(from..value + report[value..end].find('"')? + 1)
    });
    let mut report = report.to_owned();
    if let Some(attribute) = attribute {
        report.replace_range(attribute, "");
    }
    report
}

fn status(finished: &Finished, again: &Again) -> TestCaseStatus {
    let mut status = match finished.outcome {
        Outcome::Passed => return TestCaseStatus::success(),
        Outcome::Failed | Outcome::Undefined | Outcome::Ambiguous => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
        Outcome::Unknown | Outcome::Refused => TestCaseStatus::non_success(NonSuccessKind::Error),
        Outcome::Skipped => {
            let mut skipped = TestCaseStatus::skipped();
            if let Some(failure) = finished.failures().next() {
                skipped.set_message(failure.message.as_str());
            }
            return skipped;
        }
    };
    status.set_type(finished.outcome.word());
    if let Some(failure) = finished.failures().next() {
        let step = finished.step().map(|step| step.text.as_str());
        let message = step.map_or_else(
            || failure.message.clone(),
            |step| format!("{step}: {}", failure.message),
        );
        status.set_message(message);
    }
    status.set_description(explanation::of(finished, again));
    status
}

fn timestamp(at: jiff::Timestamp) -> DateTime<Utc> {
    DateTime::<Utc>::from(std::time::SystemTime::from(at))
}

#[cfg(test)]
mod tests {
    use momus_engine::failure::Failure;

    use super::*;
    use crate::sample;

    fn written(events: &[Event]) -> Report {
        Report::deserialize_from_str(&text(events)).unwrap()
    }

    fn text(events: &[Event]) -> String {
        let mut out = Vec::new();
        let mut junit = Junit::new(&mut out, Again::new(["momus", "run"]));
        for event in events {
            junit.event(event).unwrap();
        }
        junit.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    fn of_outcome(outcome: Outcome) -> [Event; 2] {
        [
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
        ]
    }

    fn ended_as(outcome: Outcome) -> TestCaseStatus {
        written(&of_outcome(outcome)).test_suites[0].test_cases[0]
            .status
            .clone()
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
            description
                .contains("expected: status 201\nlast seen: status 503\nnearest: status 200\nhint: is billing up?"),
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
        let outline = "Feature: f\nScenario Outline: o\nGiven <a>\nExamples:\n| a |\n| 1 |\n";
        std::fs::write(&file, outline).unwrap();
        let report = written(&sample::failing_run(file.to_str().unwrap()));
        assert_eq!(
            report.test_suites[0].test_cases[1].name.as_str(),
            "The bank / the bank & the shop (line 6)"
        );
    }

    /// Elements with their attributes, as `junit-10.xsd` of Jenkins' xUnit plug-in allows them; below `testcase`
    /// they stand in any order.
    const ALLOWED: [(&str, &[&str]); 8] = [
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
        ("system-out", &[]),
        ("system-err", &[]),
    ];

    #[test]
    fn elements_and_attributes_are_those_of_jenkins_schema() {
        let mut text = text(&sample::failing_run("a.feature"));
        for outcome in [Outcome::Unknown, Outcome::Refused, Outcome::Skipped, Outcome::Passed] {
            text += &self::text(&of_outcome(outcome));
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
}
