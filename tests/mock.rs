//! The mock broker: announced, refused where it cannot bear what is declared, and never taken for the real one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod market;
mod scratch;

use std::path::Path;

use market::{market, mesh};
use scratch::{Said, Scratch};

const BROKER: &str = "brokers: { kafka: { topics: { sales.v1: { partitions: 3 } } } }\n";
const SOLD: &str = "    When I publish a record to topic sales.v1\n      | key   | a |\n      | $.sku | b |\n    Then topic sales.v1 eventually has a record\n      | key | a |\n";

fn with_broker(broker: &str) -> String {
    mesh("", ", KAFKA: '${edge.kafka}'", broker).replace("    ports:", "    depends_on: [kafka]\n    ports:")
}

/// A folder of programs in which there are Python and a shell, and no Java.
fn without_java(scratch: &Scratch) -> String {
    let programs = scratch.path().join("programs");
    std::fs::create_dir_all(&programs).unwrap();
    let path = std::env::var("PATH").unwrap();
    for name in ["python3", "sh"] {
        let found = path
            .split(':')
            .map(|folder| Path::new(folder).join(name))
            .find(|file| file.exists());
        let found = found.unwrap_or_else(|| panic!("this test needs `{name}`: install it"));
        // A script of a version manager looks for its like beside itself.
        let real = std::process::Command::new(&found)
            .args(if name == "python3" {
                ["-c", "import sys; print(sys.executable)"]
            } else {
                ["-c", "command -v sh"]
            })
            .output()
            .unwrap();
        let real = String::from_utf8(real.stdout).unwrap();
        std::os::unix::fs::symlink(real.trim(), programs.join(name)).unwrap();
    }
    programs.display().to_string()
}

fn run(scratch: &Scratch, ci: Option<&str>, arguments: &[&str]) -> Said {
    let mut command = scratch.command(&[&["run", "--seed", "7"], arguments].concat());
    command.env("PATH", without_java(scratch));
    // In the user's own cache the broker may lie already: that it takes Java all the same is what counts here.
    if let Some(ci) = ci {
        command.env("CI", ci);
    }
    Said::of(&command.output().unwrap())
}

#[test]
fn without_java_the_mock_is_announced_and_serves() {
    let market = market(&with_broker(BROKER), SOLD);
    let said = run(&market, None, &[]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.error);
    assert!(
        said.out.contains("notice: the broker kafka is librdkafka's mock cluster, not Apache Kafka: cannot run Kafka: `java` is not on PATH"),
        "{}",
        said.out
    );
}

#[test]
fn in_a_ci_it_is_never_chosen_by_itself() {
    let market = market(&with_broker(BROKER), SOLD);
    let said = run(&market, Some("true"), &[]);
    assert_eq!(said.code, Some(3), "{}", said.out);
    insta::assert_snapshot!(market.steady(&said.out));
    let asked_for = run(
        &self::market(&with_broker(BROKER), SOLD),
        Some("true"),
        &["--broker", "mock"],
    );
    assert_eq!(asked_for.code, Some(0), "{}", asked_for.out);
}

#[test]
fn a_mesh_that_declares_what_it_cannot_bear_is_refused_before_anything_starts() {
    let compacted = BROKER.replace("partitions: 3", "partitions: 3, config: { cleanup.policy: compact }");
    let market = market(&with_broker(&compacted), SOLD);
    let said = run(&market, None, &[]);
    assert_eq!(said.code, Some(3), "{}", said.out);
    insta::assert_snapshot!(market.steady(&said.out));
    assert!(!market.read("momus-report/timeline.ndjson").contains("server_ready"));
}

#[test]
fn a_call_of_a_service_that_it_lacks_makes_the_scenario_unknown_by_name() {
    let steps = "    When I send GET \"/list-groups\" to shop\n    Then the response has\n      | status | 200 |\n";
    let said = run(&market(&with_broker(BROKER), steps), None, &["--broker", "mock"]);
    assert_eq!(said.code, Some(3), "{}", said.out);
    assert!(
        said.out
            .contains("shop called ListGroups of kafka, which the mock cluster lacks"),
        "{}",
        said.out
    );
}
