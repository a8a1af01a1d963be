//! What readers of Cucumber JSON read.

use base64::Engine;
use momus_engine::event::Event;
use momus_engine::failure::Failure;

use super::*;
use crate::reports::report;
use crate::sample;

const FEATURE: &str = "@money\nFeature: Charges\n  Scenario: an order is charged\n    When shop charges 5\n  Rule: The bank\n  Scenario: the bank & the shop\n    Given the bank answers\n    * shop charges 5\n    Then bank has it\n";

fn written(events: impl Fn(&str) -> Vec<Event>) -> Json {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.feature");
    std::fs::write(&file, FEATURE).unwrap();
    let mut out = Vec::new();
    let json = CucumberJson::new(&mut out, Again::new(["momus", "run"]));
    report(json, &events(file.to_str().unwrap()));
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn scenarios_stand_in_the_plans_order_with_their_steps_and_what_became_of_them() {
    let json = written(|file| {
        let mut events = sample::failing_run(file);
        events.swap(1, 2);
        events
    });
    let features = json.as_array().unwrap();
    assert_eq!(features.len(), 1);
    let feature = &features[0];
    assert_eq!(
        (&feature["keyword"], &feature["name"]),
        (&"Feature".into(), &"Charges".into())
    );
    assert_eq!(feature["tags"][0]["name"], "@money");
    assert!(feature["uri"].as_str().unwrap().ends_with("a.feature"));
    let elements = feature["elements"].as_array().unwrap();
    assert_eq!(elements.len(), 2);
    assert_eq!((&elements[0]["line"], &elements[1]["line"]), (&3.into(), &6.into()));
    assert_eq!(elements[1]["name"], "The bank the bank & the shop");
    let steps = elements[1]["steps"].as_array().unwrap();
    let told: Vec<_> = steps
        .iter()
        .map(|step| {
            (
                step["keyword"].as_str().unwrap(),
                step["name"].as_str().unwrap(),
                step["line"].as_u64().unwrap(),
                step["result"]["status"].as_str().unwrap(),
            )
        })
        .collect();
    // The file has changed since: what the run told counts.
    assert_eq!(
        told,
        [
            ("Given ", "the bank answers", 7, "passed"),
            ("When ", "shop charges 5", 8, "failed"),
            ("Then ", "bank has it", 9, "skipped")
        ]
    );
    assert_eq!(steps[0]["result"]["duration"], 20_000_000);
    let message = steps[1]["result"]["error_message"].as_str().unwrap();
    assert!(
        message.contains("a.feature:8\nWhen shop charges 5\nthe status is another\nexpected: status 201"),
        "{message}"
    );
    assert!(!message.contains("panicked"), "{message}");
    assert_eq!(steps[1]["embeddings"].as_array().unwrap().len(), 1);
}

#[test]
fn a_sandbox_that_could_not_be_made_is_a_hook_that_failed() {
    let json = written(|file| {
        let failure = Failure::unknown("billing was not ready");
        let finished = sample::finished(Outcome::Unknown, 7, Some(failure));
        let mut events = sample::failing_run(file);
        events.truncate(2);
        events.push(sample::event(9, Some(0), finished));
        events
    });
    let element = &json[0]["elements"][0];
    let hook = &element["before"][0]["result"];
    assert_eq!(hook["status"], "failed");
    assert!(
        hook["error_message"]
            .as_str()
            .unwrap()
            .contains("billing was not ready")
    );
    assert_eq!(element["steps"][0]["result"]["status"], "skipped");
}

#[test]
fn each_failed_step_has_its_own_failure_and_what_is_none_of_them_is_a_hooks() {
    let json = written(sample::several_failures);
    let element = &json[0]["elements"][0];
    let messages: Vec<String> = element["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            let message = step["result"]["error_message"].as_str().unwrap_or("-");
            let named = message.lines().nth(1).unwrap_or(message);
            format!("{named}: {}", message.matches("last seen").count())
        })
        .collect();
    assert_eq!(
        messages,
        [
            "-: 0",
            "Then shop has it: 1",
            "And billing has it: 1",
            "-: 0",
            "And all have it: 1"
        ]
    );
    let hook = element["after"][0]["result"]["error_message"].as_str().unwrap();
    assert!(hook.contains("the cut could not be healed\nrun it again: "), "{hook}");
    let attached = element["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| !step["embeddings"].is_null());
    assert_eq!(attached.count(), 1);
}

#[test]
fn a_flaky_scenario_passed_bears_a_tag_and_tells_the_try_that_failed() {
    let json = written(|file| sample::tried_again(file, Outcome::Flaky));
    let element = &json[0]["elements"][1];
    assert_eq!(element["tags"][0]["name"], FLAKY);
    let steps = element["steps"].as_array().unwrap();
    assert_eq!(steps[1]["result"]["status"], "passed");
    let attached = steps[0]["embeddings"][0]["data"].as_str().unwrap();
    let attached = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(attached).unwrap()).unwrap();
    assert!(attached.starts_with("try 1 failed: "), "{attached}");
    assert!(attached.contains("last seen: status 503"), "{attached}");
    assert!(attached.contains("POST /charges 503 (12 ms)"), "{attached}");
}

#[test]
fn a_run_of_nothing_is_an_empty_list() {
    assert_eq!(written(|_| vec![sample::run_finished(&[])]), Json::Array(Vec::new()));
}
