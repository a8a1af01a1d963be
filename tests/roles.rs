//! Roles, black box: one feature over two services that can do the same.

mod market;
mod scratch;

use market::market;
use scratch::Scratch;

const MESH: &str = "\
mesh: market
services:
  yesterday: &shop
    command: [python3, shop.py]
    environment: { PORT: '${port.http}' }
    ports: { http: 8080 }
    healthcheck: { http: /readyz }
    provides: [sales]
  tomorrow: *shop
";

const STEPS: &str = "    Given sales is paused
    When the pause of sales is healed
    And I send POST \"/orders\" to sales
      | $.amount | 12.5                 |
      | $.to     | ${service.sales.url} |
    Then the response has
      | status | 202 |
";

/// The service that was paused in a run with these flags.
fn paused(market: &Scratch, flags: &[&str]) -> String {
    let said = market.momus(&[&["run", "--seed", "7"], flags].concat());
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.error);
    let timeline = market.read("momus-report/timeline.ndjson");
    let paused = timeline.lines().find(|event| event.contains("\"paused\""));
    let is_of = |name: &&&str| paused.is_some_and(|event| event.contains(&format!("\"service\":\"{name}\"")));
    let names: Vec<&str> = ["yesterday", "tomorrow"].iter().filter(is_of).copied().collect();
    names.join(", ")
}

#[test]
fn the_same_feature_runs_against_whichever_service_fills_the_role() {
    let market = market(MESH, STEPS);
    assert_eq!(paused(&market, &[]), "yesterday");
    assert_eq!(paused(&market, &["--role", "sales=tomorrow"]), "tomorrow");
}

#[test]
fn a_failure_is_run_again_with_the_same_service() {
    let market = market(MESH, &STEPS.replace("202", "418"));
    let said = market.momus(&["run", "--seed", "7", "--role", "sales=tomorrow"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.error);
    assert!(
        said.out
            .contains("run it again: momus run --role sales=tomorrow features/sale.feature:3 --seed 7"),
        "{}",
        said.out
    );
}

#[test]
fn what_is_wrong_with_a_role_is_told_before_anything_starts() {
    let market = market(MESH, STEPS);
    let told = |flags: &[&str]| {
        let said = market.momus(&[&["check"], flags].concat());
        assert_eq!(said.code, Some(2), "{}{}", said.out, said.error);
        said.error
    };
    let flags = ["sales=today", "sale=tomorrow", "sales"].map(|role| told(&["--role", role]));
    market.write(
        "features/sale.feature",
        "Feature: the market\n\n  Scenario: a sale\n    Given sals is paused\n    And the response has\n      | $.url | ${service.sles.url} |\n",
    );
    insta::assert_snapshot!(flags.join("\n") + "\n" + &told(&[]));
}
