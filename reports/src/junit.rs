//! JUnit XML, for CI servers.

use std::io::{self, Write};
use std::time::Duration;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use momus_engine::event::{Event, Happening};
use momus_engine::outcome::Outcome;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};

use crate::again::Again;
use crate::explanation;
use crate::reporter::Reporter;
use crate::scenarios::Finished;

/// Writes JUnit XML when the run is finished: a test suite a feature file, a test case a scenario.
///
/// Failed, undefined and ambiguous scenarios are failures; unknown and refused ones are errors; skipped ones are
/// skipped. Of a scenario that was tried several times, each failed try is a `flakyFailure` where the last one passed, else
/// the first is the failure and each other one a `rerunFailure` (or `rerunError`). A file in error is a test case of its
/// own, in error. Suites and cases stand in the plan's order. A run of no scenario gives a valid, empty report.
pub struct Junit<W> {
    out: W,
    again: Again,
    suites: IndexMap<String, Suite>,
    took: Duration,
}

/// The scenarios of a feature file.
#[derive(Default)]
struct Suite {
    began: Option<jiff::Timestamp>,
    took: Duration,
    /// Each with the scenario's index in the plan; a file's errors have none, and come first.
    cases: Vec<(Option<usize>, TestCase)>,
}

impl<W: Write> Junit<W> {
    /// A report that is written to `out`; each failure tells the command that runs its scenario again.
    pub fn new(out: W, again: Again) -> Self {
        Self {
            out,
            again,
            suites: IndexMap::new(),
            took: Duration::ZERO,
        }
    }

    fn case(&mut self, finished: &Finished) {
        let place = &finished.place;
        let mut name = finished.name();
        if place.is_example_row {
            name.push_str(&format!(" (line {})", place.line));
        }
        let mut case = TestCase::new(name, status(finished, &self.again));
        case.set_classname(place.feature.as_str()).set_time(finished.took);
        // What passed needs no explanation, and a report of many scenarios stays small.
        let to_explain = finished.did_not_pass() || finished.outcome == Outcome::Flaky;
        // Of several tries that failed the first is the failure; what happened in the others stands with them.
        let shown = finished
            .earlier
            .first()
            .filter(|_| finished.did_not_pass())
            .unwrap_or(finished);
        if to_explain && !shown.tail.is_empty() {
            case.set_system_out(shown.tail.join("\n"));
        }
        let suite = self.suites.entry(place.file.clone()).or_default();
        suite.began = Some(
            finished
                .tries()
                .map(|each| each.started)
                .fold(suite.began.unwrap_or(finished.started), jiff::Timestamp::min),
        );
        suite.took += finished.tries().map(|each| each.took).sum::<Duration>();
        suite.cases.push((Some(finished.index), case));
    }

    fn file_error(&mut self, file: &str, line: Option<usize>, message: &str, hint: Option<&str>) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        let hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        status.set_type("file").set_message(message);
        status.set_description(format!("{file}{line}: {message}{hint}"));
        let mut case = TestCase::new(format!("{file}{line}"), status);
        case.set_classname(file).set_time(Duration::ZERO);
        self.suites.entry(file.to_owned()).or_default().cases.push((None, case));
    }

    fn report(&mut self) -> Report {
        let mut report = Report::new("momus");
        report.set_time(self.took);
        let mut suites: Vec<(String, Suite)> = std::mem::take(&mut self.suites).into_iter().collect();
        for (_, suite) in &mut suites {
            suite.cases.sort_by_key(|(index, _)| *index);
        }
        suites.sort_by_key(|(_, suite)| suite.cases.first().and_then(|(index, _)| *index));
        for (file, scenarios) in suites {
            let mut suite = TestSuite::new(file);
            if let Some(began) = scenarios.began {
                suite.set_timestamp(timestamp(began));
            }
            suite.set_time(scenarios.took);
            suite.add_test_cases(scenarios.cases.into_iter().map(|(_, case)| case));
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
        Ok(())
    }

    fn scenario(&mut self, finished: &Finished) -> io::Result<()> {
        self.case(finished);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
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
    if finished.outcome == Outcome::Skipped {
        let mut skipped = TestCaseStatus::skipped();
        if let Some(failure) = finished.failure() {
            skipped.set_message(failure.message.as_str());
        }
        return skipped;
    }
    let mut tries = finished.tries();
    let Some(kind) = kind(finished.outcome) else {
        let mut status = TestCaseStatus::success();
        status.add_reruns(finished.earlier.iter().map(rerun));
        return status;
    };
    let first = tries.next().unwrap_or(finished);
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(finished.outcome.word());
    if let Some(message) = explanation::in_one_line(first) {
        status.set_message(message);
    }
    let run_it_again = explanation::run_it_again(finished, again);
    status.set_description(format!("{}\n{run_it_again}", explanation::of_try(first)));
    status.add_reruns(tries.map(rerun));
    status
}

/// A try that failed, of a scenario that was tried several times.
fn rerun(failed: &Finished) -> TestRerun {
    let outcome = failed.failure().map_or(failed.outcome, |failure| failure.outcome);
    let mut rerun = TestRerun::new(kind(outcome).unwrap_or(NonSuccessKind::Error));
    rerun.set_type(outcome.word());
    rerun.set_stack_trace(explanation::of_try(failed));
    if let Some(message) = explanation::in_one_line(failed) {
        rerun.set_message(message);
    }
    if !failed.tail.is_empty() {
        rerun.set_system_out(failed.tail.join("\n"));
    }
    rerun
}

/// The element of an outcome; none of one that is no failure.
fn kind(outcome: Outcome) -> Option<NonSuccessKind> {
    match outcome {
        Outcome::Failed | Outcome::Undefined | Outcome::Ambiguous => Some(NonSuccessKind::Failure),
        Outcome::Unknown | Outcome::Refused => Some(NonSuccessKind::Error),
        Outcome::Passed | Outcome::Flaky | Outcome::Skipped => None,
    }
}

fn timestamp(at: jiff::Timestamp) -> DateTime<Utc> {
    DateTime::<Utc>::from(std::time::SystemTime::from(at))
}

#[cfg(test)]
mod tests;
