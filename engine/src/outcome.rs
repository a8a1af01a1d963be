//! What a step, a scenario and a run come to.

use serde::Serialize;

/// How a step or a scenario ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every expectation held and every fault struck.
    Passed,
    /// A scenario that failed and passed when it was tried again.
    Flaky,
    /// An expectation did not hold, a fault struck nothing, a step erred, a timeout, a service that exited untold.
    Failed,
    /// The environment lacks a capability that the scenario needs.
    Refused,
    /// Momus cannot tell: something could not be built, provisioned, started or healed.
    Unknown,
    /// Not run: an earlier step did not pass, or the run was stopped.
    Skipped,
    /// A step has no definition (found while planning).
    Undefined,
    /// A step has several definitions (found while planning).
    Ambiguous,
}

impl Outcome {
    /// The word in summaries.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Flaky => "flaky",
            Outcome::Failed => "failed",
            Outcome::Refused => "refused",
            Outcome::Unknown => "unknown",
            Outcome::Skipped => "skipped",
            Outcome::Undefined => "undefined",
            Outcome::Ambiguous => "ambiguous",
        }
    }
}

/// The counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Scenarios that passed.
    pub passed: usize,
    /// Scenarios that failed and passed when they were tried again.
    pub flaky: usize,
    /// Scenarios that failed.
    pub failed: usize,
    /// Scenarios that were refused.
    pub refused: usize,
    /// Scenarios of which Momus cannot tell.
    pub unknown: usize,
    /// Scenarios that were not run.
    pub skipped: usize,
    /// Scenarios with a step without a definition.
    pub undefined: usize,
    /// Scenarios with a step with several definitions.
    pub ambiguous: usize,
    /// Steps of all scenarios that were selected.
    pub steps: usize,
    /// How many things the sandboxes left on the run's servers; there should be none.
    pub left_behind: usize,
    /// How long the run took, in milliseconds.
    pub took_ms: u64,
}

impl Summary {
    /// Counts one scenario.
    pub fn count(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Flaky => &mut self.flaky,
            Outcome::Failed => &mut self.failed,
            Outcome::Refused => &mut self.refused,
            Outcome::Unknown => &mut self.unknown,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Undefined => &mut self.undefined,
            Outcome::Ambiguous => &mut self.ambiguous,
        } += 1;
    }

    /// How many scenarios were selected.
    pub fn scenarios(&self) -> usize {
        self.counts().iter().map(|(_, count)| count).sum()
    }

    /// Each outcome with its count, in the order in which summaries name them.
    pub fn counts(&self) -> [(Outcome, usize); 8] {
        [
            (Outcome::Passed, self.passed),
            (Outcome::Flaky, self.flaky),
            (Outcome::Failed, self.failed),
            (Outcome::Undefined, self.undefined),
            (Outcome::Ambiguous, self.ambiguous),
            (Outcome::Refused, self.refused),
            (Outcome::Unknown, self.unknown),
            (Outcome::Skipped, self.skipped),
        ]
    }

    /// The exit code that the contract gives to these counts: 2 for plan errors, else 1 if anything failed (or was flaky
    /// where that is to fail), else 3 if Momus could not run or tell, 4 if nothing was selected, else 0.
    pub fn exit_code(&self, fail_on_flaky: bool) -> u8 {
        if self.undefined + self.ambiguous > 0 {
            2
        } else if self.failed > 0 || (fail_on_flaky && self.flaky > 0) {
            1
        } else if self.refused + self.unknown + self.left_behind > 0 {
            3
        } else if self.scenarios() == 0 {
            4
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(outcomes: &[Outcome]) -> Summary {
        let mut summary = Summary::default();
        outcomes.iter().for_each(|outcome| summary.count(*outcome));
        summary
    }

    /// DESIGN.md's table: each outcome with its word and the exit code of a run of it alone.
    const TABLE: [(Outcome, &str, u8); 8] = [
        (Outcome::Passed, "passed", 0),
        (Outcome::Flaky, "flaky", 0),
        (Outcome::Failed, "failed", 1),
        (Outcome::Undefined, "undefined", 2),
        (Outcome::Ambiguous, "ambiguous", 2),
        (Outcome::Refused, "refused", 3),
        (Outcome::Unknown, "unknown", 3),
        (Outcome::Skipped, "skipped", 0),
    ];

    #[test]
    fn each_outcome_has_its_word_and_its_exit_code() {
        for (outcome, word, code) in TABLE {
            let summary = summary(&[outcome]);
            assert_eq!((outcome.word(), summary.exit_code(false)), (word, code));
            assert_eq!(serde_json::json!(outcome), word);
            assert!(summary.counts().contains(&(outcome, 1)), "{word}");
        }
        assert_eq!(TABLE.map(|(outcome, ..)| (outcome, 0)), summary(&[]).counts());
    }

    #[test]
    fn several_outcomes_give_the_gravest_exit_code() {
        use Outcome::{Failed, Flaky, Passed, Refused, Skipped, Undefined, Unknown};
        let code = |outcomes: &[Outcome]| summary(outcomes).exit_code(false);
        assert_eq!(code(&[]), 4);
        assert_eq!(code(&[Passed, Skipped, Flaky]), 0);
        assert_eq!(code(&[Passed, Unknown]), 3);
        assert_eq!(code(&[Refused, Passed, Flaky]), 3);
        assert_eq!(code(&[Unknown, Failed]), 1);
        assert_eq!(code(&[Undefined, Failed, Unknown]), 2);
        let left_behind = Summary {
            left_behind: 1,
            ..summary(&[Passed])
        };
        assert_eq!(left_behind.exit_code(false), 3);
    }

    #[test]
    fn a_flaky_scenario_can_be_told_to_fail_its_run() {
        use Outcome::{Flaky, Passed, Undefined, Unknown};
        assert_eq!(summary(&[Passed, Flaky]).exit_code(true), 1);
        assert_eq!(summary(&[Unknown, Flaky]).exit_code(true), 1);
        assert_eq!(summary(&[Undefined, Flaky]).exit_code(true), 2);
        assert_eq!(summary(&[Passed]).exit_code(true), 0);
    }
}
