//! `momus run`, black box: a run that passes, one that fails, and what both leave.

mod market;
mod scratch;

use market::{SALE, market, mesh};
use scratch::{Said, Scratch};

fn plain() -> String {
    mesh("", "", "")
}

#[test]
fn a_run_that_passes_tells_little_and_leaves_its_report() {
    let market = market(&plain(), SALE);
    let said = market.momus(&[
        "run",
        "--format",
        "junit:out/junit.xml",
        "--format",
        "timeline:out/timeline.ndjson",
    ]);
    assert_eq!((said.code, said.error.as_str()), (Some(0), ""), "{}", said.out);
    insta::assert_snapshot!(market.steady(&said.out), @r"
    momus 0.1.0 · mesh market · 1 scenario · seed SEED
    ✔ a sale  features/sale.feature:3 · TIME
    1 scenario: 1 passed · 2 steps · TIME
    ");
    assert!(
        market
            .read("out/junit.xml")
            .contains("tests=\"1\" failures=\"0\" errors=\"0\"")
    );
    let timeline = market.read("momus-report/timeline.ndjson");
    assert_eq!(timeline, market.read("out/timeline.ndjson"));
    assert!(timeline.lines().any(|line| line.contains("\"event\":\"response\"")));
    assert_eq!(market.read("momus-report/rerun.txt"), "");
}

#[test]
fn a_failure_is_drawn_on_its_line_and_can_be_run_again() {
    let market = market(&plain(), &SALE.replace("202", "201"));
    let said = market.momus(&["run", "--seed", "7", "--format", "cucumber-json:out/cucumber.json"]);
    assert_eq!((said.code, said.error.as_str()), (Some(1), ""), "{}", said.out);
    insta::assert_snapshot!(market.steady(&said.out));
    assert_eq!(market.read("momus-report/rerun.txt"), "features/sale.feature:3\n");
    assert!(market.path().join("momus-report/logs/a-sale-3/shop.log").exists());
    assert!(market.read("out/cucumber.json").contains("\"failed\""));
    let again = market.momus(&["run", "@momus-report/rerun.txt"]);
    assert_eq!(again.code, Some(1), "{}", again.out);
}

#[test]
fn an_answer_that_is_not_json_is_told_as_such() {
    let steps = "    Then GET \"/text\" from shop has\n      | $.id | o-1 |\n";
    let market = market(&plain(), steps);
    let said = market.momus(&["run", "--seed", "7"]);
    assert_eq!(said.code, Some(1));
    insta::assert_snapshot!(market.steady(&said.out));
}

#[test]
fn a_service_that_exits_untold_fails_the_scenario_with_its_last_lines() {
    let steps = "    When I send GET \"/exit\" to shop\n    Then the response has\n      | status | 200 |\n";
    let said = market(&plain(), steps).momus(&["run", "--seed", "7"]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert!(
        said.out.contains("shop ended with exit code 7, and no step told it to"),
        "{}",
        said.out
    );
    assert!(said.out.contains("| the till is empty"), "{}", said.out);
}

#[test]
fn errors_in_the_files_start_nothing_and_reach_the_reports() {
    let market = market(&plain(), "    When I sell an olive\n");
    market.write(
        "features/other.feature",
        &format!("Feature: other\n  Scenario: fine\n{SALE}"),
    );
    let said = market.momus(&["run", "--seed", "7", "--format", "junit:junit.xml"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{}", said.error);
    insta::assert_snapshot!(said.error);
    insta::assert_snapshot!("junit", market.steady(&market.read("junit.xml")));
    let timeline = market.read("momus-report/timeline.ndjson");
    assert!(timeline.contains("\"outcome\":\"undefined\""), "{timeline}");
    assert!(!timeline.contains("sandbox_ready"), "{timeline}");
}

#[test]
fn a_mesh_in_error_reaches_the_reports_as_an_error() {
    let market = market(&plain().replace("command", "comand"), SALE);
    let said = market.momus(&["run", "--format", "junit:junit.xml"]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
    let junit = market.read("junit.xml");
    assert!(
        junit.contains("errors=\"2\"") || junit.contains("errors=\"1\""),
        "{junit}"
    );
    assert!(junit.contains("mesh.yaml:4"), "{junit}");
}

#[test]
fn the_same_seed_draws_the_same() {
    let drawn = |seed: &str| {
        let steps = "    When I send POST \"/orders\" to shop as order\n      | $.id | ${uuid} |\n    Then the response has\n      | $.order.id | other |\n";
        let said = market(&plain(), steps).momus(&["run", "--seed", seed]);
        let line = said
            .out
            .lines()
            .find(|line| line.contains("$.order.id: expected"))
            .map(str::to_owned);
        line.unwrap_or_else(|| panic!("{}", said.out))
    };
    assert_eq!(drawn("7"), drawn("7"));
    assert_ne!(drawn("7"), drawn("8"));
}

#[test]
fn a_dry_run_tells_what_would_run() {
    let said = market(&plain(), SALE).momus(&["run", "--dry-run"]);
    assert_eq!(
        said,
        Said {
            code: Some(0),
            out: "features/sale.feature:3  a sale\n1 scenario planned, nothing started · 2 steps\n".into(),
            error: String::new(),
        }
    );
}

#[test]
fn scenarios_are_chosen_by_tag_name_and_line() {
    let feature = "Feature: f\n  @slow\n  Scenario: one\n    Then GET \"/text\" from shop has\n      | status | 200 |\n  Scenario: two\n    Then GET \"/text\" from shop has\n      | status | 200 |\n";
    let market = market(&plain(), SALE);
    market.write("features/more.feature", feature);
    let chosen = |arguments: &[&str]| {
        let said = market.momus(&[&["run", "--dry-run"], arguments].concat());
        said.out
            .lines()
            .filter_map(|line| line.split("  ").nth(1).map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(chosen(&["-t", "@slow"]), ["one"]);
    assert_eq!(chosen(&["-t", "not @slow"]), ["two", "a sale"]);
    assert_eq!(chosen(&["-n", "^tw"]), ["two"]);
    assert_eq!(chosen(&["features/more.feature:3"]), ["one"]);
    assert_eq!(chosen(&["features/more.feature:3:6"]), ["one", "two"]);
    let none = market.momus(&["run", "-t", "@none", "--format", "junit:junit.xml"]);
    assert_eq!(none.code, Some(4));
    assert!(market.read("junit.xml").contains("tests=\"0\""));
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_the_start() {
    let market: Scratch = market(&plain(), SALE);
    market.write("file", "");
    let said = market.momus(&["run", "--format", "junit:file/junit.xml"]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.error
            .starts_with("error: the junit report cannot be written to `file/junit.xml`: "),
        "{}",
        said.error
    );
}

#[test]
fn with_few_descriptors_fewer_scenarios_run_at_a_time() {
    let scenario =
        |number| format!("\n  Scenario: s{number}\n    Then GET \"/readyz\" from shop has\n      | status | 200 |\n");
    let more: String = (0..12).map(scenario).collect();
    let market = market(&plain(), &format!("{SALE}{more}"));
    let limited = |descriptors: usize| {
        let command = market.command(&[]);
        let momus = command.get_program().to_owned();
        let run = format!("ulimit -n {descriptors} && exec \"$0\" run --parallel 16");
        let mut limited = std::process::Command::new("sh");
        limited
            .arg("-c")
            .arg(run)
            .arg(momus)
            .current_dir(market.path())
            .env("NO_COLOR", "1");
        Said::of(&limited.output().unwrap())
    };
    let said = limited(110);
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = "notice: 4 scenarios at a time, not 16: this process may have only 110 descriptors open; hint: raise `ulimit -n`";
    assert!(said.out.contains(told), "{}", said.out);
    let said = limited(24);
    assert_eq!(said.code, Some(3), "{said:?}");
}
