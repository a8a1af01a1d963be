//! `momus check`, black box: messages and exit codes.

mod scratch;

use insta::assert_snapshot;
use scratch::Scratch;

const RIGHT: &str = "\
Feature: orders

  Scenario Outline: an order of <amount>
    When I send POST \"/orders\" to shop
      | $.amount | <amount> |
    Then the response has
      | status | 202 |

    Examples:
      | amount |
      | 1      |
      | 2      |
";

/// What `check` tells of one feature over the foreign mesh.
fn told(feature: &str) -> String {
    let scratch = Scratch::foreign(&[("features/a.feature", feature)]);
    let said = scratch.momus(&["check", "-f", "mesh.yaml"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{}", said.error);
    said.error
}

/// What `check` tells of a feature with these steps.
fn told_of_steps(steps: &str) -> String {
    told(&format!("Feature: f\n  Scenario: s\n{steps}"))
}

#[test]
fn right_files_are_counted_with_each_example_row_a_scenario() {
    let scratch = Scratch::foreign(&[
        ("features/a/orders.feature", RIGHT),
        ("features/notes.md", "no feature"),
    ]);
    let said = scratch.momus(&["check", "-f", "mesh.yaml"]);
    assert_eq!((said.code, said.error.as_str()), (Some(0), ""));
    assert_eq!(said.out, "2 files: 2 scenarios, no error\n");
}

#[test]
fn the_mesh_and_the_features_of_momus_toml_are_taken_from_any_folder_below() {
    let scratch = Scratch::foreign(&[
        ("features/a/orders.feature", RIGHT),
        ("momus.toml", "mesh = \"mesh.yaml\"\nfeatures = \"features\"\n"),
    ]);
    let said = scratch
        .command(&["check"])
        .current_dir(scratch.path().join("features/a"))
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&said.stdout),
        "2 files: 2 scenarios, no error\n"
    );
}

#[test]
fn every_parse_error_of_every_file_is_drawn_on_its_line() {
    let one = "Feature: a\n  Scenario: b\n    Given c\n      | 1 | 2 |\n      | 3 |\n";
    let two = "Feature: d\n  @in time\n  Scenario: e\n    Given f\n";
    let scratch = Scratch::new(&[("features/one.feature", one), ("features/two.feature", two)]);
    let said = scratch.momus(&["check"]);
    assert_eq!(said.code, Some(2));
    assert_snapshot!(said.error);
}

#[test]
fn an_undefined_step_is_told_with_the_nearest() {
    assert_snapshot!(told_of_steps(
        "    When I sent POST \"/orders\" to shop\n    And olives are green\n"
    ));
}

#[test]
fn an_unknown_name_is_told_with_what_was_meant() {
    assert_snapshot!(told_of_steps(
        "    When I send POST \"/orders\" to shpo\n    Then topic order.v1 has a record\n    And topic shop has a record\n"
    ));
}

#[test]
fn a_table_of_the_wrong_shape_is_told_at_its_cell() {
    assert_snapshot!(told_of_steps(
        "    Then topic orders.v1 has a record\n      | kye | a |\n    And topic orders.v1 has a record\n      | $.id | #uid |\n"
    ));
}

#[test]
fn a_reference_that_nothing_gives_a_value_is_told() {
    assert_snapshot!(told_of_steps(
        "    When I send POST \"/orders\" to shop as order\n    Then topic orders.v1 has a record\n      | key | ${ordr.id} |\n"
    ));
}

#[test]
fn a_scenario_without_steps_is_told() {
    assert_snapshot!(told(
        "Feature: f\n  Scenario: s\n    Wehn I send POST \"/orders\" to shop\n"
    ));
}

#[test]
fn a_scenario_that_expects_nothing_is_a_warning() {
    let acts = "    When I send POST \"/orders\" to shop\n";
    let feature = format!(
        "Feature: f\n  Scenario: vacuous\n{acts}  Scenario Outline: rows\n    When I send POST \"/<path>\" to shop\n    Examples:\n      | path |\n      | a    |\n      | b    |\n  Scenario: looks\n{acts}    Then the response has\n      | status | 202 |\n  Scenario: looks without a Then\n    * I send GET \"/orders\" to shop\n    * the response has\n      | status | 200 |\n  Scenario: looks in a When\n    When topic orders.v1 eventually has a record\n  Scenario: must strike\n    Given connections from billing to bank are refused\n{acts}"
    );
    let scratch = Scratch::foreign(&[("features/a.feature", &feature)]);
    let said = scratch.momus(&["check", "-f", "mesh.yaml"]);
    assert_eq!(said.code, Some(0), "{}", said.error);
    assert_eq!(said.out, "2 files: 7 scenarios, no error, 2 warnings\n");
    assert_snapshot!(said.error);
}

#[test]
fn names_without_a_mesh_are_told() {
    let scratch = Scratch::new(&[("features/a.feature", RIGHT)]);
    assert_snapshot!(scratch.momus(&["check"]).error);
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let said = Scratch::new(&[]).momus(&["check", "featurs"]);
    assert_eq!(said.code, Some(2));
    assert_snapshot!(said.error);
}

#[test]
fn nothing_selected_has_an_exit_code_of_its_own() {
    let scratch = Scratch::foreign(&[("features/orders.feature", RIGHT)]);
    let said = scratch.momus(&["check", "-f", "mesh.yaml", "-t", "@none"]);
    assert_eq!(said.code, Some(4));
    assert_snapshot!(said.error);
}

#[test]
fn an_unknown_mesh_key_is_told_on_its_line() {
    let mesh = "mesh: market\nservices:\n  shop:\n    comand: [./shop]\n";
    let scratch = Scratch::new(&[("features/orders.feature", RIGHT), ("mesh.yaml", mesh)]);
    let said = scratch.momus(&["check", "-f", "mesh.yaml"]);
    assert_eq!(said.code, Some(2));
    assert_snapshot!(said.error);
}

#[test]
fn a_momus_toml_that_says_what_it_cannot_is_told_on_its_line() {
    let scratch = Scratch::new(&[
        ("features/orders.feature", RIGHT),
        ("momus.toml", "mehs = \"mesh.yaml\"\n"),
    ]);
    let said = scratch.momus(&["check"]);
    assert_eq!(said.code, Some(2));
    assert_snapshot!(said.error);
}

#[test]
fn what_the_command_line_cannot_take_is_told() {
    let scratch = Scratch::foreign(&[("features/orders.feature", RIGHT)]);
    let errors: Vec<String> = [
        ["check", "-t", "smoke"],
        ["check", "--variable", "x"],
        ["run", "--deadline", "soon"],
        ["run", "--format", "junt:x.xml"],
    ]
    .iter()
    .map(|arguments| {
        let said = scratch.momus(arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}");
        said.error
    })
    .collect();
    assert_snapshot!(errors.join("----\n"));
}
