//! The generated reference of the vocabulary: fresh, and every example in it can be planned.

mod scratch;

use scratch::Scratch;

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/steps/STEPS.md");

fn reference() -> String {
    Scratch::new(&[]).momus(&["steps", "--format", "markdown"]).out
}

#[test]
fn the_committed_reference_is_fresh() {
    let fresh = reference();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(REFERENCE, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(REFERENCE).unwrap_or_default();
    assert!(
        committed == fresh,
        "steps/STEPS.md is stale; hint: `UPDATE=1 cargo test --locked -p momus --test reference`"
    );
}

/// The examples of the reference: each block below a `### ` heading.
fn examples() -> Vec<(String, String)> {
    let reference = reference();
    let mut examples = Vec::new();
    for section in reference.split("\n### ").skip(1) {
        let heading = section.lines().next().unwrap_or_default().trim_matches('`').to_owned();
        let example = section
            .split("```gherkin\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next());
        examples.push((heading, example.unwrap_or_default().to_owned()));
    }
    examples
}

#[test]
fn every_sentence_has_an_example_that_can_be_planned() {
    let examples = examples();
    assert!(examples.len() > 10, "{} sentences", examples.len());
    let mut feature = String::from("Feature: the reference\n");
    for (sentence, example) in &examples {
        assert!(!example.trim().is_empty(), "`{sentence}` has no example");
        feature.push_str(&format!("\n  Scenario: {sentence}\n"));
        // What an example reads of a step before is given by it, unless it gives it itself.
        example
            .lines()
            .for_each(|line| feature.push_str(&format!("    {line}\n")));
    }
    let scratch = Scratch::foreign(&[("features/reference.feature", &feature)]);
    let said = scratch.momus(&["check", "-f", "mesh.yaml"]);
    assert_eq!(said.code, Some(0), "{}", said.error);
}

#[test]
fn the_vocabulary_can_be_searched() {
    let scratch = Scratch::new(&[]);
    let found = scratch.momus(&["steps", "killed"]);
    assert!(found.out.starts_with("{service} is killed\n"), "{}", found.out);
    let json: serde_json::Value = serde_json::from_str(&scratch.momus(&["steps", "--format", "json"]).out).unwrap();
    assert!(json.as_array().is_some_and(|all| all.len() == examples().len()));
    let none = scratch.momus(&["steps", "unicorn"]);
    assert_eq!(none.code, Some(4));
    assert!(
        none.error.contains("no sentence has all of `unicorn`"),
        "{}",
        none.error
    );
}
