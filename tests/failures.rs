//! Every sentence of the vocabulary fails somewhere, for the right reason, and says so to a person.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod failing;
mod scratch;

use std::collections::BTreeSet;

use failing::{FEATURES, run};
use momus_engine::vocabulary::Vocabulary;
use scratch::Scratch;

/// Every sentence that `momus steps` tells.
fn sentences() -> Vec<String> {
    let told = Scratch::new(&[]).momus(&["steps", "--format", "json"]).out;
    let all: Vec<serde_json::Value> = serde_json::from_str(&told).unwrap();
    let sentences = all.iter().map(|entry| entry["expression"].as_str().unwrap().to_owned());
    sentences.collect()
}

/// The failure of each scenario of a feature as it was drawn, in the order of the file: from its name to what happened
/// before.
fn drawn(told: &str, noun: &str) -> String {
    let place = format!("  features/{noun}.feature:");
    let mut failures: Vec<(usize, String)> = Vec::new();
    for part in told.split("\n✘ ").skip(1) {
        let Some((name, rest)) = part.split_once(&place) else {
            continue;
        };
        let (line, _) = rest.split_once(' ').unwrap_or_default();
        let failure = part.lines().skip(1).take_while(|line| {
            !["    last happenings", "    run it again: "]
                .iter()
                .any(|end| line.starts_with(end))
        });
        let failure: Vec<&str> = failure.collect();
        failures.push((
            line.parse().unwrap(),
            format!("# {name}\n{}", failure.join("\n").trim_end()),
        ));
    }
    failures.sort_unstable();
    let failures: Vec<String> = failures.into_iter().map(|(_, failure)| failure).collect();
    let mut text = failures.join("\n\n");
    for (differs, stands) in [
        (r"looks: +\d+", "looks:     NUMBER"),
        // What was seen before the last came.
        (r"(?m)^    nearest: .*\n(?: {15}.*\n)*", ""),
        // What else happened at about the time.
        (r"(?m)( around then:)$(?:\n +TIME  .*$)*", "$1 …"),
    ] {
        text = regex::Regex::new(differs)
            .unwrap()
            .replace_all(&text, stands)
            .into_owned();
    }
    text
}

#[test]
fn every_sentence_has_a_scenario_in_which_it_fails_and_a_message_that_was_read() {
    let (ran, told) = run();
    let definitions = [momus_steps::definitions(), momus_faults::definitions()].concat();
    let vocabulary = Vocabulary::new(definitions).unwrap();
    let mut failing = BTreeSet::new();
    for scenario in &ran {
        assert_eq!(scenario.outcome, "failed", "{scenario:?}\n{told}");
        // One step fails, and none passes behind it; or all pass, and a fault fails the scenario.
        let passed = scenario.failed.unwrap_or(scenario.steps.len());
        assert_eq!(scenario.passed, passed, "{scenario:?}\n{told}");
        failing.extend(scenario.sentence(&vocabulary).map(str::to_owned));
    }
    let without: Vec<String> = sentences().into_iter().filter(|each| !failing.contains(each)).collect();
    assert!(
        without.is_empty(),
        "no scenario fails by these sentences; hint: write one into the feature of their noun in tests/failing, \
         whose last step fails by it:\n  {}",
        without.join("\n  ")
    );
    for (noun, _) in FEATURES {
        insta::assert_snapshot!(*noun, drawn(&told, noun));
    }
}
