//! Scenarios that failed are tried again.

use momus_engine::event::{Event, Happening};
use momus_engine::outcome::Outcome;
use momus_engine::run::{Order, Settings};
use tokio::sync::watch;

use crate::testbed::{Notebook, Ran, ran_with, settings};

async fn ran(scenarios: &str, settings: Settings) -> Ran {
    let (_stop, stopped) = watch::channel(false);
    ran_with(scenarios, Notebook::default(), settings, stopped).await
}

fn retried(times: usize) -> Settings {
    Settings {
        retry: times,
        parallel: 1,
        ..settings()
    }
}

/// Each try that ended: its sandbox's name, its outcome, why, and whether another follows.
fn tries(ran: &Ran) -> Vec<String> {
    let told = |event: &Event| match &event.happening {
        Happening::ScenarioFinished {
            outcome,
            will_be_retried,
            failure,
            ..
        } => {
            let why = failure.as_ref().map(|failure| format!(": {}", failure.message));
            let again = if *will_be_retried { ", again" } else { "" };
            let sandbox = event.sandbox.as_deref().unwrap_or_default();
            Some(format!(
                "{sandbox} {}{}{again}",
                outcome.word(),
                why.unwrap_or_default()
            ))
        }
        _ => None,
    };
    ran.events.iter().filter_map(told).collect()
}

#[tokio::test]
async fn what_failed_is_tried_again_after_all_in_fresh_sandboxes_and_is_flaky_where_it_passes() {
    let scenarios = "Scenario: a\n* it fails before try 3\n* shop is there\nScenario: b\n* it fails\nScenario: c\n* shop is there\n";
    let ran = ran(scenarios, retried(2)).await;
    let mut tries = tries(&ran);
    let drawn = tries[0]
        .strip_prefix("s0 failed: it drew ")
        .and_then(|rest| rest.strip_suffix(", again"));
    let drawn = drawn.unwrap().to_owned();
    assert_eq!(tries[1..3], ["s1 failed: it failed, again", "s2 passed"]);
    tries.drain(..3);
    tries.sort();
    assert_eq!(
        tries,
        [
            // Whatever is drawn is drawn again.
            format!("s0-2 failed: it drew {drawn}, again"),
            "s0-3 flaky".into(),
            "s1-2 failed: it failed, again".into(),
            "s1-3 failed: it failed".into(),
        ]
    );
    let summary = &ran.summary;
    assert_eq!((summary.passed, summary.flaky, summary.failed), (1, 1, 1));
    assert_eq!(summary.steps, 4);
    let mut sandboxes: Vec<_> = ran.notes.iter().filter(|note| note.starts_with("sandbox s")).collect();
    sandboxes.sort();
    assert_eq!(sandboxes, ["sandbox s0", "sandbox s0-2", "sandbox s0-3", "sandbox s2"]);
}

#[tokio::test]
async fn each_try_tells_its_number() {
    let ran = ran("Scenario: a\n* it fails before try 2\n", retried(5)).await;
    let attempts: Vec<_> = ran.events.iter().filter_map(attempt).collect();
    assert_eq!(attempts, [1, 2]);
    assert_eq!((ran.summary.exit_code(false), ran.summary.exit_code(true)), (0, 1));
}

fn attempt(event: &Event) -> Option<usize> {
    match event.happening {
        Happening::ScenarioStarted { attempt, .. } => Some(attempt),
        _ => None,
    }
}

#[tokio::test]
async fn a_try_that_comes_to_no_verdict_leaves_the_failure_and_is_the_last() {
    let ran = ran("Scenario: a\n* it is known at first\n", retried(5)).await;
    assert_eq!(
        tries(&ran),
        ["s0 failed: it failed, again", "s0-2 failed: nobody knows"]
    );
    let inner = ran.events.iter().rev().find_map(|event| match &event.happening {
        Happening::ScenarioFinished { failure, .. } => failure.as_ref().map(|failure| failure.outcome),
        _ => None,
    });
    assert_eq!(inner, Some(Outcome::Unknown));
    assert_eq!(ran.summary.exit_code(false), 1);
}

#[tokio::test]
async fn only_what_failed_is_tried_again() {
    let notebook = Notebook {
        refused: Some("there are no walls here"),
        ..Notebook::default()
    };
    let (_stop, stopped) = watch::channel(false);
    let scenarios =
        "Scenario: refused\n* shop is there\nScenario: b\n* broken strikes 2 times\nScenario: c\n* nothing happens\n";
    let ran = ran_with(scenarios, notebook, retried(3), stopped).await;
    assert_eq!(
        tries(&ran),
        [
            "s0 refused: there are no walls here",
            "s1 unknown: the broken could not be healed: it is stuck",
            "s2 passed"
        ]
    );
}

#[tokio::test]
async fn a_run_that_fails_fast_tries_nothing_again() {
    let settings = Settings {
        fail_fast: true,
        ..retried(3)
    };
    let ran = ran(
        "Scenario: a\n* it fails before try 2\nScenario: b\n* nothing happens\n",
        settings,
    )
    .await;
    assert!(tries(&ran)[0].starts_with("s0 failed: it drew "));
    assert_eq!(tries(&ran)[1], "s1 skipped: another scenario did not pass before");
    assert_eq!(ran.summary.exit_code(false), 1);
}

#[tokio::test]
async fn the_order_is_shuffled_by_the_seed_and_the_index_stays_that_of_the_plan() {
    let scenarios: String = (0..12)
        .map(|number| format!("Scenario: {number}\n* it fails\n"))
        .collect();
    let order = |ran: &Ran, attempt: &str| -> Vec<usize> {
        let of_try = ran.events.iter().filter_map(|event| match &event.happening {
            Happening::ScenarioStarted { place, .. } => {
                let sandbox = event.sandbox.clone()?;
                assert_eq!(place.name, event.scenario?.to_string());
                (sandbox.split_once('-').map_or("", |(_, attempt)| attempt) == attempt).then_some(event.scenario?)
            }
            _ => None,
        });
        of_try.collect()
    };
    let shuffled = |seed| Settings {
        order: Order::Random(seed),
        ..retried(1)
    };
    let (one, same, other) = (
        ran(&scenarios, shuffled(7)).await,
        ran(&scenarios, shuffled(7)).await,
        ran(&scenarios, shuffled(8)).await,
    );
    let defined = ran(&scenarios, retried(1)).await;
    assert_eq!(order(&one, ""), order(&same, ""));
    assert_ne!(order(&one, ""), order(&other, ""));
    assert_eq!(order(&defined, ""), (0..12).collect::<Vec<_>>());
    assert_eq!(order(&defined, "2"), order(&one, "2"));
    assert_ne!(order(&defined, "2"), order(&defined, ""));
}

#[tokio::test]
async fn what_is_refused_can_be_skipped() {
    let notebook = Notebook {
        refused: Some("there are no walls here"),
        ..Notebook::default()
    };
    let (_stop, stopped) = watch::channel(false);
    let settings = Settings {
        allow_refused: true,
        ..settings()
    };
    let ran = ran_with("Scenario: refused one\n* shop is there\n", notebook, settings, stopped).await;
    assert_eq!(ran.notices(), ["refused: a.feature:2: there are no walls here"]);
    assert_eq!(ran.ends(), ["refused one skipped: there are no walls here"]);
    assert_eq!(ran.summary.exit_code(false), 0);
}
