//! What people see of scenarios that were tried again, and of several failures in one.

use insta::assert_snapshot;
use momus_engine::failure::Failure;
use momus_engine::outcome::Outcome;

use super::Colour;
use super::golden::{shown, written, written_over};
use crate::sample::{self, event, place};

#[test]
fn one_that_passed_when_it_was_tried_again() {
    let text = written(|file| sample::tried_again(file, Outcome::Flaky), Colour::Never);
    assert_snapshot!(text);
}

#[test]
fn one_that_failed_each_time() {
    let text = written(|file| sample::tried_again(file, Outcome::Failed), Colour::Never);
    assert_snapshot!(text);
}

#[test]
fn one_whose_next_try_the_run_still_owes_failed() {
    let text = written(
        |file| {
            let events = sample::tried_again(file, Outcome::Flaky);
            events.into_iter().take(10).collect()
        },
        Colour::Never,
    );
    let (_, drawn) = text.split_once("(failed, to be tried again)").unwrap();
    assert!(
        drawn.contains("✘ The bank / the bank & the shop  a.feature:6"),
        "{text}"
    );
    assert!(drawn.contains("last seen: status 503"), "{text}");
}

#[test]
fn each_of_several_failures_stands_on_its_own_line() {
    let feature = "Feature: Charges\n\n\n\n\n  Scenario: the bank & the shop\n    Given the bank answers\n    Then shop has it\n    And billing has it\n    And bank has it\n    And all have it\n";
    assert_snapshot!(written_over(feature, sample::several_failures, Colour::Never));
}

#[test]
fn what_was_skipped_says_why() {
    let refused = || {
        let mut why = Failure::failed("there are no walls here");
        why.outcome = Outcome::Skipped;
        why
    };
    let events = [
        event(0, Some(0), sample::started(place("a.feature", 3, None, "any"), 1)),
        event(5, Some(0), sample::finished(Outcome::Skipped, 5, Some(refused()))),
    ];
    assert_eq!(
        shown(&events, Colour::Never),
        "- any (skipped: there are no walls here)  a.feature:3 · 5 ms\n"
    );
}
