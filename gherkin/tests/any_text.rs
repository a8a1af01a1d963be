//! Whatever the text, the parser answers, and points into it.

#![expect(clippy::unwrap_used, reason = "the helpers are part of the tests")]

use momus_gherkin::{Location, parse, pickles};
use proptest::prelude::*;
use serde_json::Value;

/// Texts made of the lines that the grammar is made of.
fn gherkin() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "",
        "  ",
        "# comment",
        "# language: de",
        "# language: nn-no",
        "@a @b",
        "@a b",
        "@",
        "Feature: f",
        "Rule: r",
        "Background:",
        "Scenario: s",
        "Scenario Outline: <a>",
        "Examples:",
        "Given <a>",
        "* x",
        "When",
        "| a |",
        "| a | <a> |",
        "| a",
        "\"\"\"",
        "```json",
        "\\\"\\\"\\\"",
        "é🦀 text",
        "Funktionalität: f",
        "Angenommen x",
        "\u{3000}Then y",
        "Szenario: s",
    ]);
    let indented = (0..4_usize, line).prop_map(|(indent, line)| " ".repeat(indent) + line);
    let end = prop::sample::select(vec!["\n", "\r\n"]);
    (prop::collection::vec(indented, 0..30), end).prop_map(|(lines, end)| lines.join(end))
}

/// All places in a tree.
fn places(value: &Value, found: &mut Vec<(u64, u64)>) {
    match value {
        Value::Object(object) => {
            if let (Some(line), Some(column)) = (&object.get("line"), &object.get("column")) {
                found.extend(line.as_u64().zip(column.as_u64()));
            }
            object.values().for_each(|value| places(value, found));
        }
        Value::Array(array) => array.iter().for_each(|value| places(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a place is on a character of the text, which a blank line has none of.
fn is_within(text: &str, line: u64, column: u64) -> bool {
    let line = text.lines().nth(line as usize - 1);
    line.is_some_and(|line| (1..=line.chars().count() as u64).contains(&column))
}

fn check(text: &str) {
    match parse(text) {
        Ok(document) => {
            let mut found = Vec::new();
            places(&serde_json::to_value(&document).unwrap(), &mut found);
            places(&serde_json::to_value(pickles(&document, "u")).unwrap(), &mut found);
            for (line, column) in found {
                assert!(is_within(text, line, column), "{line}:{column} in {text:?}");
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty() && errors.len() <= 11);
            let end = text.lines().count() as u32 + 1;
            for error in errors {
                let Location { line, column } = error.location;
                let within = is_within(text, line.into(), column.into());
                assert!(within || (line, column) == (end, 0), "{error} in {text:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn places_in_any_text_stay_within_it(text in ".*") {
        check(&text);
    }

    #[test]
    fn places_in_any_lines_stay_within_them(lines in prop::collection::vec("[ |@#\"\\\\a-z:é🦀]*", 0..20)) {
        check(&format!("Feature: f\nScenario: s\n* a\n{}", lines.join("\n")));
    }

    #[test]
    fn places_in_gherkin_stay_within_it(text in gherkin()) {
        check(&text);
        check(&format!("Feature: f\nScenario: s\nGiven a\n{text}"));
    }
}
