//! What a scenario comes to, and what is left of it.

use std::time::Duration;

use momus_engine::event::{Event, Happening};
use momus_engine::outcome::Outcome;
use momus_engine::run::Settings;
use tokio::sync::watch;

use crate::testbed::{Notebook, Ran, ran, ran_with, settings};

#[tokio::test]
async fn a_panic_fails_its_scenario_alone() {
    let ran = ran("Scenario: a\n* it panics\nScenario: b\n* nothing happens\n").await;
    assert_eq!(ran.ends(), ["a failed: the step panicked: a defect", "b passed"]);
    assert_eq!(ran.summary.exit_code(false), 1);
}

#[tokio::test]
async fn a_scenario_that_names_nothing_of_the_mesh_starts_nothing() {
    assert_eq!(ran("Scenario: a\n* nothing happens\n").await.notes, ["closed"]);
    assert_eq!(
        ran("Scenario: a\n* shop is there\n").await.notes,
        ["prepared", "sandbox s0", "sandbox closed", "closed"]
    );
}

#[tokio::test]
async fn a_scenario_has_servers_of_its_own_where_its_tag_says_so() {
    let scenarios = "@isolated(shop-db)\nScenario: a\n* shop is there\nScenario: b\n* shop is there\n";
    let mut notes = ran(scenarios).await.notes;
    notes.retain(|note| note.starts_with("its own"));
    assert_eq!(notes, ["its own: shop-db"]);
}

#[tokio::test]
async fn a_timeout_tells_every_open_wait() {
    let (_stop, stopped) = watch::channel(false);
    let settings = Settings {
        timeout: Duration::from_millis(50),
        ..settings()
    };
    let ran = ran_with(
        "Scenario: a\n* it waits for \"godot\"\n",
        Notebook::default(),
        settings,
        stopped,
    )
    .await;
    assert_eq!(
        ran.ends(),
        ["a failed: the scenario took longer than 50 ms; it waited for godot"]
    );
}

#[tokio::test]
async fn steps_behind_a_failure_are_skipped_and_the_sandbox_is_closed() {
    let ran = ran("Scenario: a\n* shop is there\n* it fails\n* nothing happens\n").await;
    let outcomes: Vec<_> = ran
        .events
        .iter()
        .filter_map(|event| match &event.happening {
            Happening::StepFinished { outcome, .. } => Some(*outcome),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, [Outcome::Passed, Outcome::Failed, Outcome::Skipped]);
    assert_eq!(ran.notes[2..], ["sandbox closed", "closed"]);
}

#[tokio::test]
async fn a_fault_that_struck_too_seldom_fails_its_scenario() {
    let ran = ran("Scenario: a\n* drought strikes 0 times\nScenario: b\n* drought strikes 1 times\nScenario: c\n* drought strikes 2 times\n").await;
    assert_eq!(
        ran.ends(),
        [
            "a failed: the drought struck nothing",
            "b failed: the drought struck 1 of 2 times",
            "c passed"
        ]
    );
}

#[tokio::test]
async fn faults_are_healed_in_reverse_also_after_a_failure_and_a_heal_that_fails_is_told() {
    let healed = |ran: &Ran| -> Vec<String> {
        let of_fault = |event: &Event| match &event.happening {
            Happening::Fault {
                fault,
                phase: momus_engine::event::FaultPhase::Healed,
            } => Some(fault.clone()),
            _ => None,
        };
        ran.events.iter().filter_map(of_fault).collect()
    };
    let after_failure = ran("Scenario: a\n* first strikes 2 times\n* second strikes 2 times\n* it fails\n").await;
    assert_eq!(healed(&after_failure), ["second", "first"]);
    let after_panic = ran("Scenario: a\n* first strikes 2 times\n* it panics\n").await;
    assert_eq!(healed(&after_panic), ["first"]);
    let broken = ran("Scenario: a\n* first strikes 2 times\n* broken strikes 2 times\n").await;
    assert_eq!(
        broken.ends(),
        ["a unknown: the broken could not be healed: it is stuck"]
    );
    assert_eq!(healed(&broken), ["first"]);
}

#[tokio::test]
async fn what_goes_wrong_without_a_step_ends_the_scenario() {
    let ran = ran("Scenario: a\n* shop dies\n* nothing happens\n").await;
    assert_eq!(
        ran.ends(),
        ["a failed: shop exited with code 1, and no step told it to"]
    );
}

#[tokio::test]
async fn the_first_failure_ends_a_run_that_fails_fast() {
    let (_stop, stopped) = watch::channel(false);
    let settings = Settings {
        fail_fast: true,
        parallel: 1,
        ..settings()
    };
    let scenarios = "Scenario: a\n* it fails\nScenario: b\n* nothing happens\n";
    let ran = ran_with(scenarios, Notebook::default(), settings, stopped).await;
    assert_eq!(
        ran.ends(),
        ["a failed: it failed", "b skipped: another scenario did not pass before"]
    );
}

#[tokio::test]
async fn what_nobody_can_tell_ends_a_run_that_fails_fast_as_well() {
    let (_stop, stopped) = watch::channel(false);
    let settings = Settings {
        fail_fast: true,
        parallel: 1,
        ..settings()
    };
    let notebook = Notebook {
        unprepared: Some("no disk"),
        ..Notebook::default()
    };
    let scenarios = "Scenario: a\n* shop is there\nScenario: b\n* nothing happens\n";
    let ran = ran_with(scenarios, notebook, settings, stopped).await;
    assert_eq!(
        ran.ends(),
        ["a unknown: no disk", "b skipped: another scenario did not pass before"]
    );
}

#[tokio::test]
async fn a_run_that_is_stopped_skips_what_is_open() {
    let (stop, stopped) = watch::channel(false);
    let stopping = async {
        // Both are under way once the first waits.
        tokio::task::yield_now().await;
        stop.send_replace(true);
    };
    let scenarios = "Scenario: a\n* shop is there\n* it waits for \"godot\"\n";
    let (ran, ()) = tokio::join!(ran_with(scenarios, Notebook::default(), settings(), stopped), stopping);
    assert!(ran.ends()[0].starts_with("a skipped: "), "{:?}", ran.ends());
    assert_eq!(ran.notes.last().map(String::as_str), Some("closed"));
}

#[tokio::test]
async fn refusals_are_told_before_the_start_and_the_others_run() {
    let notebook = Notebook {
        refused: Some("there are no walls here"),
        ..Notebook::default()
    };
    let (_stop, stopped) = watch::channel(false);
    let scenarios = "Scenario: refused one\n* shop is there\nScenario: other\n* shop is there\n";
    let ran = ran_with(scenarios, notebook, settings(), stopped).await;
    assert_eq!(ran.notices(), ["refused: a.feature:2: there are no walls here"]);
    assert_eq!(
        ran.ends(),
        ["other passed", "refused one refused: there are no walls here"]
    );
    assert_eq!(ran.summary.exit_code(false), 3);
}

#[tokio::test]
async fn what_cannot_be_prepared_makes_its_scenarios_unknown() {
    let notebook = Notebook {
        unprepared: Some("no disk"),
        ..Notebook::default()
    };
    let (_stop, stopped) = watch::channel(false);
    let scenarios = "Scenario: a\n* shop is there\nScenario: b\n* nothing happens\n";
    let ran = ran_with(scenarios, notebook, settings(), stopped).await;
    assert_eq!(ran.ends(), ["a unknown: no disk", "b passed"]);
    assert_eq!(ran.summary.exit_code(false), 3);
}

#[tokio::test]
async fn what_sandboxes_left_is_named_and_makes_the_run_unknown() {
    let notebook = Notebook {
        left: vec!["database shop_s0".into()],
        ..Notebook::default()
    };
    let (_stop, stopped) = watch::channel(false);
    let ran = ran_with("Scenario: a\n* shop is there\n", notebook, settings(), stopped).await;
    assert_eq!(ran.notices(), ["left on the servers: database shop_s0"]);
    assert_eq!(ran.summary.exit_code(false), 3);
}
