//! Olympus' features over Olympus: all green, and red under each seeded defect exactly where `defects.yaml` says.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod scratch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use scratch::{Said, Scratch};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What a run came to: every scenario by its name and line, with its outcome.
type Verdicts = BTreeMap<String, String>;

/// A run of features, of which an empty name means all.
fn run(features: &str, arguments: &[&str]) -> (Said, Verdicts) {
    let scratch = Scratch::new(&[]);
    let (mesh, features) = (
        format!("{ROOT}/fixtures/olympus/mesh.yaml"),
        format!("{ROOT}/features/{features}"),
    );
    let said = scratch.momus(&[&["run", "-f", &mesh, &features, "--parallel", "2"], arguments].concat());
    (said, verdicts(&scratch.read("momus-report/timeline.ndjson")))
}

fn verdicts(timeline: &str) -> Verdicts {
    let mut names = BTreeMap::new();
    let mut verdicts = Verdicts::new();
    for line in timeline.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let scenario = event["scenario"].as_u64();
        match event["event"].as_str() {
            Some("scenario_started") => {
                let name = event["place"]["name"].as_str().unwrap_or_default();
                assert!(
                    !names.values().any(|other| other == name),
                    "two scenarios are called {name}"
                );
                names.insert(scenario, name.to_owned());
            }
            Some("scenario_finished") => {
                let outcome = event["outcome"].as_str().unwrap_or_default();
                verdicts.insert(names[&scenario].clone(), outcome.to_owned());
            }
            _ => {}
        }
    }
    verdicts
}

/// The scenarios that each defect turns red.
fn defects() -> BTreeMap<String, BTreeSet<String>> {
    let file = format!("{ROOT}/fixtures/olympus/defects.yaml");
    serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn all_features_pass_and_each_defect_turns_its_own_scenarios_red() {
    let (said, healthy) = run("", &[]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.error);
    assert!(healthy.len() >= 45, "{} scenarios", healthy.len());
    // What the monolith does, the service that takes over does as well.
    let (said, parity) = run("parity.feature", &["--role", "streaks=chronos"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.error);
    assert!(parity.len() >= 3, "{} scenarios", parity.len());
    let mut wrong = String::new();
    for (slug, expected) in defects() {
        let (said, verdicts) = run("", &["--variable", &format!("defect={slug}")]);
        let red: BTreeSet<String> = verdicts
            .into_iter()
            .filter(|(_, outcome)| outcome != "passed")
            .map(|(name, _)| name)
            .collect();
        if red != expected || said.code != Some(1) {
            let missing: Vec<_> = expected.difference(&red).collect();
            let more: Vec<_> = red.difference(&expected).collect();
            let (code, out, error) = (said.code, said.out, said.error);
            write!(
                wrong,
                "under {slug}: exit {code:?}, not red: {missing:#?}, red beside: {more:#?}\n{out}{error}"
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
