//! What scenarios come to, black box: exit codes, JUnit elements, summary words, and tries.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod market;
mod scratch;

use std::process::Command;

use market::{SALE, market, mesh};
use scratch::{Said, Scratch};

/// A scenario that the first sandbox fails.
const FLAKY: &str = "    When I send GET \"/second-try\" to shop\n    Then the response has\n      | status | 200 |\n";

/// A topic that the mock cluster cannot bear.
const COMPACTED: &str =
    "brokers: { kafka: { topics: { sales.v1: { partitions: 1, config: { cleanup.policy: compact } } } } }\n";

/// A run with a cache of its own: what other runs on this machine left is not cleared away, and not told, by this one.
fn command(market: &Scratch, arguments: &[&str]) -> Command {
    let mut command = market.command(&[&["run", "--seed", "7"], arguments].concat());
    command.env("MOMUS_CACHE", market.path().join("cache"));
    command
}

fn run(market: &Scratch, arguments: &[&str]) -> Said {
    Said::of(
        &command(market, &[&["--format", "junit:junit.xml"], arguments].concat())
            .output()
            .unwrap(),
    )
}

/// What a run comes to: its exit code, the last line of its output, and the elements of its JUnit report.
fn outcome(market: &Scratch, arguments: &[&str]) -> (Option<i32>, String, Vec<&'static str>) {
    let said = run(market, arguments);
    println!("{}", said.out);
    let last = said.out.lines().last().unwrap_or_default();
    let counts = last.split(" · ").next().unwrap_or_default().to_owned();
    let junit = market.read("junit.xml");
    let elements = ["failure", "error", "skipped", "flakyFailure", "rerunFailure"];
    let there = elements
        .into_iter()
        .filter(|element| junit.contains(&format!("<{element}")));
    (said.code, counts, there.collect())
}

#[test]
fn each_outcome_has_its_exit_code_its_word_and_its_element() {
    let plain = mesh("", "", "");
    let fails = SALE.replace("202", "201");
    let absent = plain.replace("python3, shop.py", "./shop");
    let refused = || market(&mesh("", "", COMPACTED), SALE);
    let one = |word: &str| format!("1 scenario: 1 {word}");
    let told = |code, counts: String, elements: &[&'static str]| (Some(code), counts, elements.to_vec());
    assert_eq!(outcome(&market(&plain, SALE), &[]), told(0, one("passed"), &[]));
    assert_eq!(
        outcome(&market(&plain, FLAKY), &["--retry", "2"]),
        told(0, one("flaky"), &["flakyFailure"])
    );
    assert_eq!(
        outcome(&market(&plain, FLAKY), &["--retry", "2", "--fail-on-flaky"]),
        told(1, one("flaky"), &["flakyFailure"])
    );
    assert_eq!(
        outcome(&market(&plain, &fails), &[]),
        told(1, one("failed"), &["failure"])
    );
    assert_eq!(
        outcome(&market(&plain, &fails), &["--retry", "1"]),
        told(1, one("failed"), &["failure", "rerunFailure"])
    );
    assert_eq!(
        outcome(&refused(), &["--broker", "mock"]),
        told(3, one("refused"), &["error"])
    );
    assert_eq!(
        outcome(&refused(), &["--broker", "mock", "--allow-refused"]),
        told(0, one("skipped"), &["skipped"])
    );
    assert_eq!(
        outcome(&market(&absent, SALE), &["--retry", "1"]),
        told(3, one("unknown"), &["error"])
    );
    assert_eq!(
        outcome(&market(&plain, "    When I sell\n"), &[]),
        told(2, String::new(), &["failure"])
    );
    assert_eq!(
        outcome(&market(&plain.replace("command", "comand"), SALE), &[]),
        told(2, String::new(), &["error"])
    );
    assert_eq!(
        outcome(&market(&plain, SALE), &["-t", "@none"]),
        told(4, String::new(), &[])
    );
}

#[test]
fn what_failed_is_tried_again_in_a_fresh_sandbox_and_both_tries_are_told() {
    let market = market(&mesh("", "", ""), FLAKY);
    let said = run(&market, &["--retry", "3"]);
    assert_eq!((said.code, said.error.as_str()), (Some(0), ""), "{}", said.out);
    insta::assert_snapshot!(market.steady(&said.out));
    let timeline = market.read("momus-report/timeline.ndjson");
    let events: Vec<serde_json::Value> = timeline
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let tries = events.iter().filter(|event| event["event"] == "scenario_finished");
    let tries: Vec<String> = tries
        .map(|end| format!("{} {} {}", end["sandbox"], end["outcome"], end["will_be_retried"]))
        .collect();
    assert_eq!(tries, ["\"s0\" \"failed\" true", "\"s0-2\" \"flaky\" false"]);
    let logs = market.path().join("momus-report/logs");
    for folder in ["a-sale-3", "a-sale-3-try-2"] {
        assert!(logs.join(folder).join("shop.log").exists(), "{folder}");
    }
    assert_eq!(market.read("momus-report/rerun.txt"), "");
}

#[test]
fn all_failures_of_a_scenario_are_told() {
    let steps = "    When I send POST \"/orders\" to shop\n    Then the response has\n      | status | 201 |\n    And GET \"/text\" from shop has\n      | status | 200 |\n    And the response has\n      | $.id | o-2 |\n    When I send GET \"/text\" to shop\n";
    let market = market(&mesh("", "", ""), steps);
    let said = run(&market, &["--format", "cucumber-json:cucumber.json"]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    insta::assert_snapshot!(market.steady(&said.out));
    let junit = market.read("junit.xml");
    assert!(junit.contains("(and 1 more failure)"), "{junit}");
    assert!(
        junit.contains("expected 201, was 202") && junit.contains("o-2"),
        "{junit}"
    );
    let json: serde_json::Value = serde_json::from_str(&market.read("cucumber.json")).unwrap();
    let steps = json[0]["elements"][0]["steps"].as_array().unwrap().iter();
    let statuses: Vec<&str> = steps.map(|step| step["result"]["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["passed", "failed", "passed", "failed", "skipped"]);
    assert_eq!(market.read("momus-report/rerun.txt"), "features/sale.feature:3\n");
}

/// Six scenarios that need nothing of the mesh but its shop.
fn six() -> Scratch {
    let market = market(&mesh("", "", ""), SALE);
    let scenarios: String = (1..6)
        .map(|number| {
            format!("  Scenario: number {number}\n    Then GET \"/text\" from shop has\n      | status | 200 |\n")
        })
        .collect();
    market.write("features/six.feature", &format!("Feature: six\n{scenarios}"));
    market
}

#[test]
fn the_order_is_the_seeds_and_reports_keep_that_of_the_files() {
    let market = six();
    let order = |arguments: &[&str]| -> Vec<String> {
        let said = run(&market, &[&["--parallel", "1"], arguments].concat());
        assert_eq!(said.code, Some(0), "{}", said.out);
        let lines = said.out.lines().filter(|line| line.starts_with('✔'));
        lines.map(|line| line.split("  ").next().unwrap().to_owned()).collect()
    };
    let (defined, shuffled) = (order(&[]), order(&["--order", "random:3"]));
    assert_ne!(defined, shuffled);
    assert_eq!(shuffled, order(&["--order", "random:3"]));
    let junit = market.read("junit.xml");
    let names: Vec<_> = junit
        .match_indices("<testcase name=\"")
        .map(|(at, tag)| &junit[at + tag.len()..][..8])
        .collect();
    assert_eq!(
        names,
        ["a sale\" ", "number 1", "number 2", "number 3", "number 4", "number 5"]
    );
}

#[test]
fn a_profile_says_what_the_command_line_would_and_the_command_that_runs_again_names_it() {
    let market = market(&mesh("", "", ""), &SALE.replace("o-1", "${EXPECTED}"));
    market.write(
        "momus.toml",
        "mesh = \"mesh.yaml\"\n[profile.nightly]\nretry = 1\ndeadline = \"2 s\"\nformat = [\"junit:ci.xml\", \"github\"]\nvariables = { EXPECTED = \"o-2\" }\n",
    );
    let momus = |arguments: &[&str]| Said::of(&command(&market, arguments).output().unwrap());
    let said = momus(&["-p", "nightly"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.error);
    assert!(said.out.contains("(tried 2 times)"), "{}", said.out);
    assert!(
        said.out
            .contains("run it again: momus run -p nightly features/sale.feature:3 --seed 7"),
        "{}",
        said.out
    );
    assert!(market.read("ci.xml").contains("<rerunFailure"));
    assert!(
        said.out
            .contains("\n::error file=features/sale.feature,line=6,title=a sale::"),
        "{}",
        said.out
    );
    let overridden = momus(&["-p", "nightly", "--retry", "0", "--variable", "EXPECTED=o-1"]);
    assert_eq!(overridden.code, Some(0), "{}", overridden.out);
    let unknown = momus(&["-p", "nightyl"]);
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown
            .error
            .starts_with("error: there is no profile `nightyl`\n --> momus.toml\nhint: did you mean `nightly`?\n"),
        "{}",
        unknown.error
    );
}

#[test]
fn a_job_of_github_has_annotations_and_a_summary() {
    let market = market(&mesh("", "", ""), &SALE.replace("202", "201"));
    let mut command = command(&market, &["--format", "github"]);
    let summary = market.path().join("summary.md");
    command
        .env("GITHUB_WORKSPACE", market.path())
        .env("GITHUB_STEP_SUMMARY", &summary);
    let said = Said::of(&command.output().unwrap());
    assert_eq!(said.code, Some(1));
    let annotation = said.out.lines().find(|line| line.starts_with("::error "));
    insta::assert_snapshot!(annotation.unwrap_or(&said.out));
    insta::assert_snapshot!("summary", market.steady(&market.read("summary.md")));
}
