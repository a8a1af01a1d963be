//! What services tell of themselves, black box: metrics over UDP, log lines on standard output.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod scratch;

use std::collections::BTreeMap;

use scratch::Scratch;
use serde_json::{Value as Json, json};

const SHOP: &str = include_str!("telemetry/shop.py");
const MESH: &str = "\
mesh: market
services:
  shop:
    command: [python3, shop.py]
    environment:
      PORT: '${port.http}'
      STATSD_HOST: '${edge.statsd.host}'
      STATSD_PORT: '${edge.statsd.port}'
    ports: { http: 8080 }
    healthcheck: { http: /readyz }
    settle: 800ms
    logs: ecs
";
const ALL_IS_TOLD: &str = r#"
  Scenario: all is told
    When I send POST "/orders" to shop
    Then metric orders.placed eventually rises by exactly 1
      | tag currency | EUR      |
      | tag vip      | #present |
      | service      | shop     |
    And metric orders.sampled eventually rises by exactly 20
    And metric orders.open is eventually exactly 0
    And metric orders.took eventually has exactly 2 values, and no other
      | value        | #number 0..100 |
      | tag currency | EUR            |
    And metric buyers eventually has exactly 1 value
      | value | ada |
    And shop eventually sends exactly 1 event to statsd
      | title      | sold out |
      | alert_type | warning  |
      | tag item   | tea      |
    And shop eventually sends exactly 1 service check to statsd
      | name    | till.open   |
      | status  | ok          |
      | message | all is well |
    And shop eventually logs exactly 1 line
      | level          | info         |
      | message        | order placed |
      | logger         | shop.till    |
      | order.currency | EUR          |
      | $.order.id     | o-1          |
    And shop eventually logs "a line of plain text"
    And shop never logs "4111222233334444"
    And no service ever logs an error
"#;
/// What comes late counts for quiet, since a sentence is about it: else the verdict would be there before the second one.
const LATE: &str = r#"
  Scenario: late orders
    When I send POST "/late-orders" to shop
    Then metric orders.placed eventually rises by exactly 1

  Scenario: late errors
    When I send POST "/late-errors" to shop
    Then no service ever logs an error
"#;

/// What the shop's lines are like, to whom does not read JSON.
const PATTERN: &str = r#"logs: { plain: '"log.level": "(?<level>\w+)", "message": "(?<message>[^"]*)"' }"#;
const BY_PATTERN: &str = r#"
  Scenario: by a pattern
    When I send POST "/orders" to shop
    Then shop eventually logs exactly 1 line
      | level   | info         |
      | message | order placed |
    And shop eventually logs exactly 1 line
      | level   | #absent              |
      | message | a line of plain text |
    And no service ever logs an error
"#;

fn market(scenarios: &str) -> Scratch {
    let feature = format!("Feature: the market tells of itself\n{scenarios}");
    Scratch::new(&[
        ("mesh.yaml", MESH),
        ("shop.py", SHOP),
        ("features/sale.feature", &feature),
        ("momus.toml", "mesh = \"mesh.yaml\"\n"),
    ])
}

fn timeline(market: &Scratch) -> Vec<Json> {
    let lines = market.read("momus-report/timeline.ndjson");
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_a_service_tells_of_itself_is_seen_and_stands_on_the_timeline() {
    let market = market(ALL_IS_TOLD);
    let said = market.momus(&["run"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.error);
    let of = |kind: &str, name: &str, value: &str| {
        let all = timeline(&market);
        let found = all
            .into_iter()
            .find(|event| event["event"] == kind && event[name] == value);
        found.unwrap_or_else(|| panic!("no {kind} with {name} {value}"))
    };
    let sampled = of("metric", "name", "orders.sampled");
    assert_eq!(
        (&sampled["value"], &sampled["rate"], &sampled["kind"]),
        (&json!("1:1"), &json!(0.1), &json!("c"))
    );
    assert_eq!(of("agent_event", "title", "sold out")["tags"], json!(["item:tea"]));
    assert_eq!(of("service_check", "name", "till.open")["status"], "ok");
    let line = of("log", "message", "order placed");
    assert_eq!(line["document"]["order"], json!({"id": "o-1", "currency": "EUR"}));
    assert_eq!(of("log", "message", "a line of plain text")["document"], Json::Null);
}

#[test]
fn lines_of_text_are_read_by_their_pattern() {
    let market = market(BY_PATTERN);
    market.write("mesh.yaml", &MESH.replace("logs: ecs", PATTERN));
    let said = market.momus(&["run"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.error);
}

#[test]
fn what_comes_late_is_waited_for_where_a_sentence_is_about_it() {
    let market = market(LATE);
    let said = market.momus(&["run", "--parallel", "2"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.error);
    let mut failures = BTreeMap::new();
    for event in timeline(&market) {
        if event["event"] == "step_finished" && event["failure"].is_object() {
            let (message, seen) = (&event["failure"]["message"], &event["failure"]["seen"]);
            let message = market.steady(message.as_str().unwrap());
            failures.insert(event["scenario"].as_u64(), (message, seen.as_str().unwrap().to_owned()));
        }
    }
    let expected = [
        (
            "it can no longer hold",
            "metric orders.placed has risen by 2\n  by 2: shop",
        ),
        ("it came to hold, after TIME", "shop logs error: no bank"),
    ];
    let failures: Vec<(&str, &str)> = failures
        .values()
        .map(|(message, seen)| (message.as_str(), seen.as_str()))
        .collect();
    assert_eq!(failures, expected);
}
