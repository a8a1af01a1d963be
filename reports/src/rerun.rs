//! `rerun.txt`: the scenarios to run again, as `momus run @rerun.txt` takes them.

use std::io::{self, Write};

use crate::reporter::Reporter;
use crate::scenarios::Finished;

/// Writes `FILE:LINE` of every scenario that did not pass, one a line in the order in which they ended.
///
/// The line is the scenario's, or the example row's for an outline. Scenarios that began and did not end are
/// among them, those that were skipped are not. A run in which all passed gives an empty file.
pub struct Rerun<W> {
    out: W,
}

impl<W: Write> Rerun<W> {
    /// A list that is written to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Reporter for Rerun<W> {
    fn scenario(&mut self, finished: &Finished) -> io::Result<()> {
        if finished.did_not_pass() {
            writeln!(self.out, "{}:{}", finished.place.file, finished.place.line)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use momus_engine::event::{Event, Happening};
    use momus_engine::outcome::Outcome;

    use super::*;
    use crate::reports::report;
    use crate::sample;

    fn written(events: &[Event]) -> String {
        let mut out = Vec::new();
        report(Rerun::new(&mut out), events);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_lists_what_did_not_pass_and_nothing_else() {
        assert_eq!(written(&sample::failing_run("a.feature")), "a.feature:6\n");
    }

    #[test]
    fn a_scenario_that_the_run_broke_off_is_to_be_run_again() {
        assert_eq!(
            written(&sample::failing_run("a.feature")[..3]),
            "a.feature:3\na.feature:6\n"
        );
    }

    #[test]
    fn what_passed_in_the_end_is_not_to_be_run_again_and_what_was_not_tried_to_the_end_is() {
        let flaky = sample::tried_again("a.feature", Outcome::Flaky);
        assert_eq!(written(&flaky), "");
        let owed = flaky
            .iter()
            .position(|event| matches!(event.happening, Happening::ScenarioStarted { attempt: 2, .. }));
        assert_eq!(written(&flaky[..owed.unwrap()]), "a.feature:6\n");
        assert_eq!(written(&flaky[..=owed.unwrap()]), "a.feature:6\n");
        assert_eq!(
            written(&sample::tried_again("a.feature", Outcome::Failed)),
            "a.feature:6\n"
        );
    }
}
