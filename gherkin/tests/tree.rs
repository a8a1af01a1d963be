//! The syntax tree: what stands where.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers are part of the tests")]

use momus_gherkin::{Feature, FeatureChild, GherkinDocument, KeywordType, Location, Rule, RuleChild, Scenario, parse};

fn document(source: &str) -> GherkinDocument {
    parse(source).unwrap()
}

fn feature(source: &str) -> Feature {
    document(source).feature.unwrap()
}

/// The feature's children that are scenarios.
fn scenarios(feature: &Feature) -> Vec<&Scenario> {
    let mut scenarios = Vec::new();
    for child in &feature.children {
        match child {
            FeatureChild::Scenario(scenario) => scenarios.push(scenario),
            FeatureChild::Background(_) | FeatureChild::Rule(_) => {}
        }
    }
    scenarios
}

fn rule(child: &FeatureChild) -> &Rule {
    match child {
        FeatureChild::Rule(rule) => rule,
        other => panic!("no rule: {other:?}"),
    }
}

fn at(line: u32, column: u32) -> Location {
    Location::new(line, column)
}

#[test]
fn everything_has_its_place() {
    let source = "\
# a shop
@shop  @slow # not a tag
Feature: paying

  Background:
    Given a customer
  @a
  @b
  Scenario Outline: paying <sum>
    When they pay
      | sum   | of |
      | <sum> | é🦀 | # no cell
    Then the receipt is
      ```text
      paid
      ```

    @c
    Examples: sums
      | sum |
      |  10 |
";
    let document = document(source);
    let comments: Vec<_> = document
        .comments
        .iter()
        .map(|c| (c.location, c.text.as_str()))
        .collect();
    assert_eq!(comments, [(at(1, 1), "# a shop")]);
    let feature = document.feature.unwrap();
    assert_eq!(feature.location, at(3, 1));
    let tags: Vec<_> = feature.tags.iter().map(|t| (t.location, t.name.as_str())).collect();
    assert_eq!(tags, [(at(2, 1), "@shop"), (at(2, 8), "@slow")]);
    let FeatureChild::Background(background) = &feature.children[0] else {
        panic!()
    };
    assert_eq!(background.location, at(5, 3));
    assert_eq!(background.steps[0].location, at(6, 5));
    let outline = scenarios(&feature)[0];
    assert_eq!((outline.location, outline.keyword), (at(9, 3), "Scenario Outline"));
    let tags: Vec<_> = outline.tags.iter().map(|t| t.location).collect();
    assert_eq!(tags, [at(7, 3), at(8, 3)]);
    let table = outline.steps[0].data_table.as_ref().unwrap();
    assert_eq!(table.location, at(11, 7));
    assert_eq!(table.rows[1].location, at(12, 7));
    let cells: Vec<_> = table.rows[1]
        .cells
        .iter()
        .map(|c| (c.location, c.value.as_str()))
        .collect();
    assert_eq!(cells, [(at(12, 9), "<sum>"), (at(12, 17), "é🦀")]);
    let doc = outline.steps[1].doc_string.as_ref().unwrap();
    assert_eq!((doc.location, doc.delimiter), (at(14, 7), "```"));
    let examples = &outline.examples[0];
    assert_eq!((examples.location, examples.tags[0].location), (at(19, 5), at(18, 5)));
    assert_eq!(examples.table_header.as_ref().unwrap().location, at(20, 7));
    assert_eq!(examples.table_body[0].location, at(21, 7));
    assert_eq!(examples.table_body[0].cells[0].location, at(21, 10));
}

#[test]
fn columns_count_characters_after_any_kind_of_space() {
    let feature = feature("Feature: f\n\u{a0}\u{3000}\tScenario: 🦀\n  \u{2003}* é\n");
    let scenario = scenarios(&feature)[0];
    assert_eq!((scenario.location, scenario.name.as_str()), (at(2, 4), "🦀"));
    assert_eq!(scenario.steps[0].location, at(3, 4));
}

#[test]
fn a_byte_order_mark_and_crlf_change_nothing() {
    let unix = "Feature: f\n  d\n\n  Scenario: s\n    Given g\n      \"\"\"\n      a\n\n      b\n      \"\"\"\n";
    let windows = format!("\u{feff}{}", unix.replace('\n', "\r\n"));
    assert_eq!(document(unix), document(&windows));
}

#[test]
fn a_file_without_a_feature_has_only_comments() {
    assert_eq!(document(""), GherkinDocument::default());
    let document = document("\n  # nothing yet\n\n");
    assert!(document.feature.is_none());
    assert_eq!(document.comments[0].text, "  # nothing yet");
}

#[test]
fn rules_have_tags_backgrounds_and_scenarios_of_their_own() {
    let source = "\
Feature: f
  Scenario: before
  @r
  # between

  Rule: one
    why
    Background:
      Given b
    @s
    Scenario: first
      Then t
    Example: second
  Rule: two
";
    let feature = feature(source);
    assert_eq!(feature.children.len(), 3);
    let one = rule(&feature.children[1]);
    assert_eq!((one.location, one.name.as_str()), (at(6, 3), "one"));
    assert_eq!((one.tags[0].location, one.description.as_str()), (at(3, 3), "    why"));
    let kinds: Vec<_> = one
        .children
        .iter()
        .map(|child| match child {
            RuleChild::Background(b) => ("background", b.steps.len(), 0),
            RuleChild::Scenario(s) => (s.name.as_str(), s.steps.len(), s.tags.len()),
        })
        .collect();
    assert_eq!(kinds, [("background", 1, 0), ("first", 1, 1), ("second", 0, 0)]);
    let two = rule(&feature.children[2]);
    assert!(two.children.is_empty() && two.tags.is_empty());
}

#[test]
fn tags_belong_to_what_comes_next() {
    let source = "\
Feature: f
  Scenario Outline: o
    Given <x>
    @e1
    Examples:
      | x |
      | 1 |
    @e2
    # still the examples'

    Examples:
    @s
  Scenario: s
  @r
  Rule: r
";
    let feature = feature(source);
    let outline = scenarios(&feature)[0];
    let tags: Vec<_> = outline.examples.iter().map(|e| e.tags[0].name.as_str()).collect();
    assert_eq!(tags, ["@e1", "@e2"]);
    assert!(outline.examples[1].table_header.is_none());
    assert_eq!(scenarios(&feature)[1].tags[0].name, "@s");
    assert_eq!(rule(&feature.children[2]).tags[0].name, "@r");
}

#[test]
fn descriptions_keep_their_indentation_and_lose_their_comments() {
    let source = "\
Feature: f

  first
  # a comment
    second

  Givenness is no step, nor is Scenarios

  Scenario: s
    | not a table
    \"\"\" nor a doc string
    Given a
";
    let feature = feature(source);
    let expected = "  first\n    second\n\n  Givenness is no step, nor is Scenarios";
    assert_eq!(feature.description, expected);
    let scenario = scenarios(&feature)[0];
    assert_eq!(scenario.description, "    | not a table\n    \"\"\" nor a doc string");
    assert_eq!(scenario.steps.len(), 1);
}

#[test]
fn doc_strings_lose_the_indentation_of_their_delimiter() {
    let source = "\
Feature: f
  Scenario: s
    Given a
      \"\"\" json
      {
        \"a\": 1
    }

      \\\"\\\"\\\" ``` \\`\\`\\` # no comment
      \"\"\"
    And b
      ```
      \\`\\`\\` \"\"\" \\\"\\\"\\\"
      ```
";
    let feature = feature(source);
    let steps = &scenarios(&feature)[0].steps;
    let first = steps[0].doc_string.as_ref().unwrap();
    assert_eq!(first.media_type.as_deref(), Some("json"));
    assert_eq!(first.content, "{\n  \"a\": 1\n}\n\n\"\"\" ``` \\`\\`\\` # no comment");
    let second = steps[1].doc_string.as_ref().unwrap();
    assert_eq!(second.media_type, None);
    assert_eq!(second.content, "``` \"\"\" \\\"\\\"\\\"");
}

#[test]
fn a_step_takes_a_table_and_a_doc_string_in_either_order() {
    let source = "\
Feature: f
  Scenario: s
    Given a
      | x |
      # comment

      | y |
      ```
      d
      ```
    Given b
      ```
      ```
      | z |
";
    let feature = feature(source);
    let steps = &scenarios(&feature)[0].steps;
    assert_eq!(steps[0].data_table.as_ref().unwrap().rows.len(), 2);
    assert_eq!(steps[0].doc_string.as_ref().unwrap().content, "d");
    assert_eq!(steps[1].doc_string.as_ref().unwrap().content, "");
    assert_eq!(steps[1].data_table.as_ref().unwrap().location, at(14, 7));
}

#[test]
fn cells_have_their_escapes_resolved() {
    let source = "Feature: f\n Scenario: s\n  * t\n   | a\\|b | \\\\ | c\\nd | \\d+ |  |\n";
    let feature = feature(source);
    let table = scenarios(&feature)[0].steps[0].data_table.as_ref().unwrap();
    let values: Vec<_> = table.rows[0].cells.iter().map(|cell| cell.value.as_str()).collect();
    assert_eq!(values, ["a|b", "\\", "c\nd", "\\d+", ""]);
}

#[test]
fn keywords_tell_the_kind_of_a_step() {
    let source = "Feature: f\n Scenario: s\n  Given a\n  When b\n  Then c\n  And d\n  But e\n  * f\n";
    let feature = feature(source);
    let kinds: Vec<_> = scenarios(&feature)[0]
        .steps
        .iter()
        .map(|step| step.keyword_type)
        .collect();
    use KeywordType::{Action, Conjunction, Context, Outcome, Unknown};
    assert_eq!(kinds, [Context, Action, Outcome, Conjunction, Conjunction, Unknown]);
}

#[test]
fn the_tree_serialises_as_the_official_one() {
    let source = "@t\nFeature: f\n  Scenario: s\n    Given g\n      | a |\n";
    let expected = serde_json::json!({
        "feature": {
            "location": {"line": 2, "column": 1},
            "tags": [{"location": {"line": 1, "column": 1}, "name": "@t", "id": "3"}],
            "language": "en",
            "keyword": "Feature",
            "name": "f",
            "description": "",
            "children": [{"scenario": {
                "location": {"line": 3, "column": 3},
                "tags": [],
                "keyword": "Scenario",
                "name": "s",
                "description": "",
                "steps": [{
                    "location": {"line": 4, "column": 5},
                    "keyword": "Given ",
                    "keywordType": "Context",
                    "text": "g",
                    "dataTable": {
                        "location": {"line": 5, "column": 7},
                        "rows": [{
                            "location": {"line": 5, "column": 7},
                            "cells": [{"location": {"line": 5, "column": 9}, "value": "a"}],
                            "id": "0"
                        }]
                    },
                    "id": "1"
                }],
                "examples": [],
                "id": "2"
            }}]
        },
        "comments": []
    });
    assert_eq!(serde_json::to_value(document(source)).unwrap(), expected);
}
