//! The errors: each at its place, in order, and in words that help.

#![expect(clippy::unwrap_used, reason = "the helpers are part of the tests")]

use momus_gherkin::{ErrorKind, ParseError, parse};

use ErrorKind::{InconsistentCells, NoSuchLanguage, SpaceInTag, UnexpectedEnd, UnexpectedLine};

fn errors(source: &str) -> Vec<ParseError> {
    parse(source).unwrap_err()
}

/// The kinds and places of a text's errors.
fn places(source: &str) -> Vec<(ErrorKind, u32, u32)> {
    let errors = errors(source);
    errors
        .iter()
        .map(|e| (e.kind, e.location.line, e.location.column))
        .collect()
}

/// The message and hint of a text's only error.
fn words(source: &str) -> (String, String) {
    let errors = errors(source);
    assert_eq!(errors.len(), 1, "{errors:?}");
    (errors[0].message.clone(), errors[0].hint.clone().unwrap_or_default())
}

#[test]
fn a_line_that_does_not_belong_is_told_at_its_text() {
    let source = "Feature: f\n  Scenario: s\n    Given a\n\n    Gvien b\n   nor this\n    When c\n";
    assert_eq!(places(source), [(UnexpectedLine, 5, 5), (UnexpectedLine, 6, 4)]);
    assert_eq!(
        errors(source)[0].to_string(),
        "5:5: expected a table row, a doc string, a step, tags, examples, a scenario or a rule, \
         found `Gvien b`"
    );
}

#[test]
fn a_misspelt_keyword_is_guessed() {
    let after = |line: &str| words(&format!("Feature: f\n Scenario: s\n  Given a\n  {line}\n")).1;
    assert_eq!(after("Thn b"), "did you mean `Then`?");
    assert_eq!(after("given b"), "did you mean `Given`?");
    assert_eq!(after("Scenaro: b"), "did you mean `Scenario:`?");
    assert_eq!(after("Examples"), "a colon follows: `Examples:`");
    assert_eq!(words("Featrue: f").1, "did you mean `Feature:`?");
    assert_eq!(words("hello").1, "a file begins with `Feature:`");
}

#[test]
fn what_stands_at_the_wrong_place_is_told_where_it_belongs() {
    let after = |line: &str| words(&format!("Feature: f\n Scenario: s\n  Given a\n{line}\n")).1;
    assert_eq!(after("Feature: g"), "a file has one feature");
    let background = "a background stands before the first scenario of its feature or rule";
    assert_eq!(after(" Background:"), background);
    let doc = "a doc string stands below a step, which has one at most";
    assert_eq!(after("  ```\n  ```\n  ```"), doc);
    let table = "a table stands below a step, which has one at most, or below examples";
    assert_eq!(after("  | a |\n  ```\n  ```\n  | b |"), table);
    let step = "steps stand below a scenario or a background, and before its examples";
    assert_eq!(after("  Examples:\n   | a |\n  Then b"), step);
    assert_eq!(words("Scenario: s").1, "scenarios and rules stand below a feature");
    let examples = "examples stand below the steps of a scenario";
    assert_eq!(words("Feature: f\nBackground:\n* a\nExamples:").1, examples);
}

#[test]
fn the_end_of_the_file_has_a_line_and_no_column() {
    assert_eq!(places("Feature: f\n@t\n"), [(UnexpectedEnd, 3, 0)]);
    assert_eq!(places("Feature: f\n@t"), [(UnexpectedEnd, 3, 0)]);
    assert_eq!(places("@t\n\n"), [(UnexpectedEnd, 3, 0)]);
    assert_eq!(places("# language: en"), [(UnexpectedEnd, 2, 0)]);
    let (message, _) = words("Feature: f\n@t\n");
    assert_eq!(message, "expected tags or a rule, found the end of the file");
}

#[test]
fn an_open_doc_string_is_told_at_the_end_and_names_its_beginning() {
    let source = "Feature: f\n Scenario: s\n  Given a\n   \"\"\"\n  ```\n Scenario: t\n";
    assert_eq!(places(source), [(UnexpectedEnd, 7, 0)]);
    let (message, hint) = words(source);
    assert_eq!(message, "expected `\"\"\"`, found the end of the file");
    assert_eq!(hint, "the doc string that line 4 opens ends with `\"\"\"`");
}

#[test]
fn the_first_odd_row_of_each_table_is_told() {
    let source = "\
Feature: f
  Scenario Outline: s
    Given a
      | a | b |
      | a |
      | a | b | c |
    Examples:
      | a |
      | 1 | 2
      | 1 | 2 |
    Examples:
      | a |
      | 1
";
    let expected = [
        (InconsistentCells, 5, 7),
        (InconsistentCells, 10, 7),
        (InconsistentCells, 13, 7),
    ];
    assert_eq!(places(source), expected);
    let errors = errors(source);
    assert_eq!(
        errors[0].message,
        "expected 2 cells, as in the first row of the table, found 1"
    );
    assert_eq!(
        errors[0].hint.as_deref(),
        Some("a `|` that is part of a cell is written `\\|`")
    );
    assert_eq!(errors[2].hint.as_deref(), Some("a row ends with `|`"));
}

#[test]
fn a_tag_with_a_space_is_told_once_at_its_column() {
    assert_eq!(
        places("Feature: f\n  @ok @not ok\n  Scenario: s\n"),
        [(SpaceInTag, 2, 7)]
    );
}

#[test]
fn a_tag_with_a_space_after_a_step_is_no_tag_either() {
    let source = "Feature: f\n Scenario: s\n  Given a\n  @not ok\n Scenario: t\n";
    assert_eq!(places(source), [(SpaceInTag, 4, 3), (UnexpectedLine, 4, 3)]);
}

#[test]
fn errors_come_in_the_order_of_the_official_parser_which_looks_ahead() {
    let source = "\
Feature: f
  Scenario: s
    Given a
      | a |
      | a | b |
  @ok
  @not ok
  Scenario: t
";
    let expected = [
        (SpaceInTag, 7, 3),
        (InconsistentCells, 5, 7),
        (UnexpectedLine, 7, 3),
        (UnexpectedLine, 8, 3),
        (UnexpectedEnd, 9, 0),
    ];
    assert_eq!(places(source), expected);
}

#[test]
fn an_unknown_language_is_told_and_english_is_read() {
    let source = "  # language: en-ua\nFeature: f\nnonsense, and so a description\n";
    assert_eq!(places(source), [(NoSuchLanguage, 1, 3)]);
    let (message, _) = words(source);
    assert_eq!(message, "there is no language `en-ua`");
    assert_eq!(words("# language: en-aux\n").1, "did you mean `en-au`?");
}

#[test]
fn after_eleven_errors_the_parser_gives_up() {
    let places = places(&"nonsense\n".repeat(30));
    assert_eq!(places.len(), 11);
    assert_eq!(places[10], (UnexpectedLine, 11, 1));
}
