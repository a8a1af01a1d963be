//! Verdicts that rest on the mesh being quiet, over a shop that hides what it does: none is early that is wrong.

#[path = "quiet/mod.rs"]
mod hidden;
mod scratch;

use std::collections::BTreeMap;
use std::time::Duration;

use hidden::{Verdict, run, shop};
use scratch::Said;

const TIMER: &str = "    When I send POST \"/timer\" to shop\n    Then partner bank never receives a call\n";
const TIMER_AND_MORE: &str = "    When I send POST \"/timer\" to shop\n    Then partner bank never receives a call\n    And partner bank receives no calls for 1 second\n";
const BACKOFF: &str = "    Given the first POST \"/charges\" from shop to bank is answered 503\n    When I send POST \"/backoff\" to shop\n    Then partner bank eventually receives exactly 1 call\n";
const TRANSACTION: &str =
    "    When I send POST \"/transaction\" to shop\n    Then partner bank never receives a call\n";
const OPEN_TRANSACTION: &str = "    When I send POST \"/open-transaction\" to shop\n    Then partner bank never receives a call within 3 seconds\n";
/// What it asks at the end, the shop answers 200 where all its idle habits were at work.
const NOTHING: &str = "    When I send POST \"/orders\" to shop\n    Then partner bank never receives a call\n    And GET \"/idle\" from shop has\n      | status | 200 |\n";

const ALL: [(&str, &str); 3] = [
    ("timer", TIMER),
    ("timer and more", TIMER_AND_MORE),
    ("backoff", BACKOFF),
];

fn outcomes(verdicts: &BTreeMap<String, Verdict>) -> Vec<(&str, &str)> {
    verdicts
        .iter()
        .map(|(name, verdict)| (name.as_str(), verdict.outcome.as_str()))
        .collect()
}

/// They all fail, and not before what was hidden came.
fn all_fail((said, verdicts): &(Said, BTreeMap<String, Verdict>)) {
    let expected = [("backoff", "failed"), ("timer", "failed"), ("timer and more", "failed")];
    assert_eq!(outcomes(verdicts), expected, "{}{}", said.out, said.error);
    assert!(
        verdicts["timer"].why.starts_with("it came to hold"),
        "{}",
        verdicts["timer"].why
    );
    assert!(
        verdicts["backoff"].why.starts_with("it can no longer hold"),
        "{}",
        verdicts["backoff"].why
    );
    assert_eq!(said.code, Some(1));
}

#[test]
fn without_settle_what_is_hidden_for_two_seconds_is_waited_for() {
    all_fail(&run(&shop("", &ALL), &[]));
}

#[test]
fn with_a_settle_that_is_long_enough_the_verdicts_are_those_of_no_early() {
    let shop = shop("    settle: 2500ms\n", &ALL);
    all_fail(&run(&shop, &[]));
    all_fail(&run(&shop, &["--no-early"]));
}

#[test]
fn a_settle_that_is_too_short_makes_them_unknown() {
    let (said, verdicts) = run(&shop("    settle: 1500ms\n", &ALL), &[]);
    let expected = [
        ("backoff", "unknown"),
        ("timer", "unknown"),
        ("timer and more", "unknown"),
    ];
    assert_eq!(outcomes(&verdicts), expected, "{}{}", said.out, said.error);
    for (name, verdict) in &verdicts {
        let why = "the mesh was held quiet, for nothing had happened for 1.5 s, and then came shop → bank  POST /charges; \
                   a service hides what it does for longer than its `settle` in the mesh file says: raise it";
        assert_eq!(verdict.why, why, "{name}");
    }
    assert_eq!(said.code, Some(3));
}

#[test]
fn an_open_transaction_is_never_quiet() {
    let scenarios = [("left open", OPEN_TRANSACTION), ("ended", TRANSACTION)];
    let (said, verdicts) = run(&shop("    settle: 300ms\n", &scenarios), &[]);
    assert_eq!(
        outcomes(&verdicts),
        [("ended", "failed"), ("left open", "passed")],
        "{}",
        said.out
    );
    let waited = verdicts["left open"].steps[1];
    assert!(waited >= Duration::from_secs(3), "{waited:?}");
}

#[test]
fn idle_polls_do_not_delay_quiet() {
    let idle = "    settle: 800ms\n";
    let shop = shop(idle, &[("idle", NOTHING)]);
    shop.write(
        "mesh.yaml",
        &shop
            .read("mesh.yaml")
            .replace("      KAFKA:", "      IDLE: '1'\n      KAFKA:"),
    );
    let (said, verdicts) = run(&shop, &[]);
    assert_eq!(outcomes(&verdicts), [("idle", "passed")], "{}{}", said.out, said.error);
    let waited = verdicts["idle"].steps[1];
    let generously = Duration::from_millis(700)..Duration::from_secs(3);
    assert!(generously.contains(&waited), "{waited:?}");
    let (said, verdicts) = run(&shop, &["--no-early", "--deadline", "4s"]);
    assert_eq!(outcomes(&verdicts), [("idle", "passed")], "{}{}", said.out, said.error);
    assert!(verdicts["idle"].steps[1] >= Duration::from_secs(4));
}
