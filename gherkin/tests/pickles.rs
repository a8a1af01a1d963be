//! The pickles: outlines expanded, backgrounds and tags inherited, places kept.

#![expect(clippy::unwrap_used, reason = "the helpers are part of the tests")]

use momus_gherkin::{Location, Pickle, StepType, parse, pickles};

fn compile(source: &str) -> Vec<Pickle> {
    pickles(&parse(source).unwrap(), "shop.feature")
}

fn texts(pickle: &Pickle) -> Vec<&str> {
    pickle.steps.iter().map(|step| step.text.as_str()).collect()
}

fn at(line: u32, column: u32) -> Location {
    Location::new(line, column)
}

const OUTLINE: &str = "\
@f
Feature: paying
  Background:
    Given a customer
  @s
  Scenario Outline: <who> pays <sum>
    When <who> pays
      | sum | <sum> |
    Then the receipt is
      \"\"\"<type>
      <who>: <sum>
      \"\"\"
    Examples: none
    @e
    Examples: two
      | who | sum | type |

      # ada is rich
      | ada |  9$ | json |
      | bob | \\|  | text |
";

#[test]
fn an_outline_is_a_pickle_a_row_at_the_true_row() {
    let pickles = compile(OUTLINE);
    let names: Vec<_> = pickles.iter().map(|p| (p.name.as_str(), p.location)).collect();
    assert_eq!(names, [("ada pays 9$", at(19, 7)), ("bob pays |", at(20, 7))]);
    let pickle = &pickles[1];
    assert_eq!((pickle.uri.as_str(), pickle.language), ("shop.feature", "en"));
    assert_eq!(pickle.scenario, at(6, 3));
    assert_eq!((pickle.examples, pickle.row), (Some(at(15, 5)), Some(at(20, 7))));
    let tags: Vec<_> = pickle.tags.iter().map(|t| (t.name.as_str(), t.location)).collect();
    assert_eq!(tags, [("@f", at(1, 1)), ("@s", at(5, 3)), ("@e", at(14, 5))]);
}

#[test]
fn the_steps_of_an_outline_have_the_values_of_the_row() {
    let pickles = compile(OUTLINE);
    let steps = &pickles[0].steps;
    assert_eq!(texts(&pickles[0]), ["a customer", "ada pays", "the receipt is"]);
    let places: Vec<_> = steps.iter().map(|step| (step.location, step.row)).collect();
    let row = Some(at(19, 7));
    assert_eq!(places, [(at(4, 5), None), (at(7, 5), row), (at(9, 5), row)]);
    let table = steps[1].argument.as_ref().unwrap().data_table.as_ref().unwrap();
    assert_eq!(table.rows[0].cells[1].value, "9$");
    assert_eq!(table.rows[0].cells[1].location, at(8, 15));
    let doc = steps[2].argument.as_ref().unwrap().doc_string.as_ref().unwrap();
    assert_eq!(
        (doc.content.as_str(), doc.media_type.as_deref()),
        ("ada: 9$", Some("json"))
    );
    assert_eq!(doc.location, at(10, 7));
}

#[test]
fn a_rule_adds_its_tags_and_its_background() {
    let source = "\
@f
Feature: f
  Background:
    Given a
  Scenario: plain
    When b
  @r
  Rule: the rule
    Background:
      And c
    Scenario: in the rule
      Then d
    Scenario: without steps
  Rule: other
    Scenario: elsewhere
      * e
";
    let pickles = compile(source);
    assert_eq!(texts(&pickles[0]), ["a", "b"]);
    assert_eq!(pickles[0].rule, None);
    assert_eq!(texts(&pickles[1]), ["a", "c", "d"]);
    let rule = pickles[1].rule.as_ref().unwrap();
    assert_eq!((rule.name.as_str(), rule.location), ("the rule", at(8, 3)));
    assert_eq!(pickles[1].tags.len(), 2);
    assert!(pickles[2].steps.is_empty());
    assert_eq!(texts(&pickles[3]), ["a", "e"]);
    assert_eq!(pickles[3].tags.len(), 1);
}

#[test]
fn a_conjunction_is_what_the_step_before_it_is() {
    let source = "\
Feature: f
  Background:
    Given a
  Scenario: s
    And b
    When c
    But d
    * e
    And f
    Then g
    And h
";
    let pickles = compile(source);
    let kinds: Vec<_> = pickles[0].steps.iter().map(|step| step.kind).collect();
    use StepType::{Action, Context, Outcome, Unknown};
    let expected = [Context, Context, Action, Action, Unknown, Unknown, Outcome, Outcome];
    assert_eq!(kinds, expected);
    let keywords: Vec<_> = pickles[0].steps.iter().map(|step| step.keyword).collect();
    assert_eq!(keywords[..3], ["Given ", "And ", "When "]);
}

#[test]
fn a_conjunction_after_nothing_is_unknown() {
    let pickles = compile("Feature: f\n Scenario: s\n  And a\n");
    assert_eq!(pickles[0].steps[0].kind, StepType::Unknown);
}

#[test]
fn two_arguments_tell_their_order() {
    let source = "Feature: f\n Scenario: s\n  * a\n   | x |\n   ```\n   ```\n  * b\n   ```\n   ```\n   | x |\n";
    let pickles = compile(source);
    let order: Vec<_> = pickles[0]
        .steps
        .iter()
        .map(|step| {
            let argument = step.argument.as_ref().unwrap();
            let table = argument.data_table.as_ref().unwrap().argument_index;
            (table, argument.doc_string.as_ref().unwrap().argument_index)
        })
        .collect();
    assert_eq!(order, [(Some(1), Some(2)), (Some(2), Some(1))]);
}

#[test]
fn pickles_serialise_as_the_official_ones_with_ids_after_the_tree() {
    let source = "@t\nFeature: f\n  Scenario: s\n    Given g\n      | a |\n";
    let expected = serde_json::json!([{
        "id": "5",
        "uri": "shop.feature",
        "location": {"line": 3, "column": 3},
        "astNodeIds": ["2"],
        "tags": [{"name": "@t", "astNodeId": "3"}],
        "name": "s",
        "language": "en",
        "steps": [{
            "id": "4",
            "astNodeIds": ["1"],
            "text": "g",
            "type": "Context",
            "argument": {"dataTable": {"rows": [{"cells": [{"value": "a"}]}]}}
        }]
    }]);
    assert_eq!(serde_json::to_value(compile(source)).unwrap(), expected);
}

#[test]
fn a_file_without_a_feature_has_no_pickles() {
    assert!(compile("# nothing\n").is_empty());
}
