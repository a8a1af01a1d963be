//! `momus check`, black box: messages and exit codes.
#![expect(clippy::expect_used, reason = "a test stops where it cannot go on")]

use std::path::Path;
use std::process::{Command, Output};

const RIGHT: &str = "Feature: orders\n\n  Scenario Outline: an order of <amount>\n    When it is placed\n\n    Examples:\n      | amount |\n      | 1      |\n      | 2      |\n";

fn check(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_momus"))
        .arg("check")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("momus runs")
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it has a parent")).expect("the folder is made");
        std::fs::write(path, text).expect("the file is written");
    }
    folder
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn right_files_are_counted_with_each_example_row_a_scenario() {
    let folder = folder(&[
        ("features/a/orders.feature", RIGHT),
        ("features/notes.md", "no feature"),
    ]);
    assert_eq!(
        told(&check(folder.path(), &[])),
        (Some(0), "1 file: 2 scenarios, no error\n".into(), String::new())
    );
}

#[test]
fn every_error_of_every_file_is_drawn_on_its_line() {
    let one = "Feature: a\n  Scenario: b\n    Given c\n      | 1 | 2 |\n      | 3 |\n";
    let two = "Feature: d\n  @in time\n  Scenario: e\n    Given f\n";
    let folder = folder(&[("features/one.feature", one), ("features/two.feature", two)]);
    let (code, out, error) = told(&check(folder.path(), &["features"]));
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(
        error.contains("--> features/one.feature:5:7\n  |\n5 |       | 3 |\n  |       ^\n"),
        "{error}"
    );
    assert!(
        error.contains("--> features/two.feature:2:3\n  |\n2 |   @in time\n  |   ^\n"),
        "{error}"
    );
    assert!(error.ends_with("2 files: 2 errors\n"), "{error}");
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let folder = folder(&[]);
    let (code, _, error) = told(&check(folder.path(), &["featurs"]));
    assert_eq!(code, Some(2));
    assert!(
        error.starts_with("error: featurs: ") && error.contains("hint: name a .feature file"),
        "{error}"
    );
}

#[test]
fn nothing_selected_has_an_exit_code_of_its_own() {
    let folder = folder(&[("features/empty.feature", "Feature: nothing yet\n")]);
    let (code, _, error) = told(&check(folder.path(), &[]));
    assert_eq!(code, Some(4));
    assert!(error.starts_with("error: no scenario in 1 file"), "{error}");
}

#[test]
fn the_errors_of_a_mesh_file_are_told_at_their_place() {
    let mesh = "mesh: market\nservices:\n  shop:\n    comand: [./shop]\n";
    let folder = folder(&[("features/orders.feature", RIGHT), ("mesh.yaml", mesh)]);
    let (code, _, error) = told(&check(folder.path(), &["-f", "mesh.yaml"]));
    assert_eq!(code, Some(2));
    assert!(
        error.contains("mesh.yaml:4:5: ") && error.contains("`command`"),
        "{error}"
    );
}

#[test]
fn a_right_mesh_file_passes() {
    let mesh = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/foreign/mesh.yaml");
    let folder = folder(&[("features/orders.feature", RIGHT)]);
    let (code, _, error) = told(&check(folder.path(), &["--mesh", &mesh.display().to_string()]));
    assert_eq!((code, error.as_str()), (Some(0), ""));
}
