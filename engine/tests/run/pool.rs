//! Sandboxes made ahead for the scenarios that come next.

use momus_engine::event::Happening;
use momus_engine::run::Settings;
use tokio::sync::watch;

use crate::testbed::{Notebook, Ran, ran_with, settings, twelve_ran};

/// One scenario at a time, and so many sandboxes ahead of it.
fn ahead(pool: usize) -> Settings {
    Settings {
        parallel: 1,
        pool,
        ..settings()
    }
}

async fn ran(scenarios: &str, notebook: Notebook, settings: Settings) -> Ran {
    let (_stop, stopped) = watch::channel(false);
    ran_with(scenarios, notebook, settings, stopped).await
}

/// The notes of making, and of nothing else.
fn made(ran: &Ran) -> Vec<&str> {
    let notes = ran.notes.iter().map(String::as_str);
    notes.filter(|note| note.starts_with("sandbox s")).collect()
}

fn closed(ran: &Ran) -> usize {
    ran.notes.iter().filter(|note| *note == "sandbox closed").count()
}

#[tokio::test]
async fn while_one_scenario_runs_the_next_ones_get_theirs() {
    let scenarios = "Scenario: a\n* 3 sandboxes of shop come to be\nScenario: none\n* nothing happens\n\
                     Scenario: b\n* shop is there\nScenario: refused\n* shop is there\nScenario: c\n* shop is there\n\
                     Scenario: d\n* shop is there\n";
    let notebook = Notebook {
        refused: Some("not here"),
        ..Notebook::default()
    };
    let ran = ran(scenarios, notebook, ahead(2)).await;
    assert_eq!(
        ran.ends(),
        [
            "a passed",
            "b passed",
            "c passed",
            "d passed",
            "none passed",
            "refused refused: not here"
        ]
    );
    assert_eq!(made(&ran), ["sandbox s0", "sandbox s2", "sandbox s4", "sandbox s5"]);
    let first_closed = ran.notes.iter().position(|note| note == "sandbox closed");
    assert!(first_closed > ran.notes.iter().position(|note| note == "sandbox s4"));
    assert_eq!(closed(&ran), 4);
    let of_scenario = |index| ran.events.iter().filter(move |event| event.scenario == Some(index));
    let claims = |index| of_scenario(index).filter(|event| matches!(event.happening, Happening::SandboxClaimed { .. }));
    assert_eq!([0, 1, 2, 4, 5].map(|index| claims(index).count()), [0, 0, 1, 1, 1]);
    for index in [0, 1, 2, 3, 4, 5] {
        let begins = of_scenario(index).map(|event| matches!(event.happening, Happening::ScenarioStarted { .. }));
        assert_eq!(begins.collect::<Vec<_>>().iter().position(|begins| *begins), Some(0));
    }
}

#[tokio::test]
async fn none_is_made_ahead_where_none_is_asked_for_or_none_can_be_made() {
    let scenarios = "Scenario: a\n* shop is there\nScenario: b\n* shop is there\nScenario: c\n* shop is there\n";
    for (pool, room) in [(0, None), (2, Some(0))] {
        let notebook = Notebook {
            room,
            ..Notebook::default()
        };
        let ran = ran(scenarios, notebook, ahead(pool)).await;
        let claimed = |happening: &Happening| matches!(happening, Happening::SandboxClaimed { .. });
        assert!(!ran.events.iter().any(|event| claimed(&event.happening)));
        assert_eq!(made(&ran).len(), if room.is_none() { 3 } else { 0 });
        // Each scenario tries by itself, and once more when it is alone.
        let tries = ran.notes.iter().filter(|note| note.starts_with("no room for ")).count();
        assert_eq!(tries, if room.is_none() { 0 } else { 6 });
    }
}

#[tokio::test]
async fn what_nobody_claims_is_closed() {
    let scenarios = "Scenario: a\n* 3 sandboxes of shop come to be\n* it fails\nScenario: b\n* shop is there\n\
                     Scenario: c\n* shop is there\nScenario: d\n* shop is there\n";
    let settings = Settings {
        fail_fast: true,
        ..ahead(2)
    };
    let ran = ran(scenarios, Notebook::default(), settings).await;
    let why = "skipped: another scenario did not pass before";
    assert_eq!(
        ran.ends(),
        [
            "a failed: it failed".to_owned(),
            format!("b {why}"),
            format!("c {why}"),
            format!("d {why}")
        ]
    );
    assert_eq!((made(&ran).len(), closed(&ran)), (3, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_little_room_what_runs_goes_first_and_all_run() {
    for room in [1, 2, 3, 5] {
        let settings = Settings {
            parallel: 2,
            ..ahead(3)
        };
        let ran = twelve_ran(room, settings).await;
        assert!(
            ran.ends().iter().all(|end| end.ends_with(" passed")),
            "{room}: {:?}",
            ran.ends()
        );
        assert_eq!(made(&ran).len(), closed(&ran));
    }
}

#[tokio::test]
async fn what_failed_is_tried_again_in_another_and_has_that_ahead_too() {
    let scenarios = "Scenario: a\n* shop is there\n* it fails before try 2\nScenario: b\n* shop is there\n* it fails before try 2\n\
                     Scenario: c\n* shop is there\n* it fails before try 2\n";
    let settings = Settings { retry: 1, ..ahead(3) };
    let ran = ran(scenarios, Notebook::default(), settings).await;
    assert_eq!(
        ran.ends().iter().filter(|end| end.contains("flaky")).count(),
        3,
        "{:?}",
        ran.ends()
    );
    assert_eq!((made(&ran).len(), closed(&ran)), (6, 6));
}
