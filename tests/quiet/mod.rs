//! A mesh whose shop hides what it does, and runs of it.
#![expect(clippy::expect_used, reason = "a test stops where it cannot go on")]

use std::collections::BTreeMap;
use std::time::Duration;

use crate::scratch::{Said, Scratch};

const SHOP: &str = include_str!("shop.py");
const POSTGRES: &str = include_str!("postgres.py");
const BANK: &str = "routes:\n  - method: POST\n    path: /charges\n    answers: [{ answer: { status: 201 } }]\n";

/// What a scenario came to.
#[derive(Debug, Default)]
pub struct Verdict {
    pub outcome: String,
    /// The failure's message and hint.
    pub why: String,
    /// How long its steps took.
    pub steps: Vec<Duration>,
}

/// A folder with the mesh, whose shop says that it settles in that time, and these scenarios: each with a name and steps.
pub fn shop(of_shop: &str, scenarios: &[(&str, &str)]) -> Scratch {
    let mesh = format!(
        "\
mesh: hidden
services:
  shop:
    command: [python3, shop.py]
    environment:
      PORT: '${{port.http}}'
      BANK_URL: '${{edge.bank}}'
      DATABASE_URL: '${{edge.orders-db.url}}'
      STATSD_HOST: '${{edge.statsd.host}}'
      STATSD_PORT: '${{edge.statsd.port}}'
      KAFKA: '${{edge.kafka}}'
    ports: {{ http: 8080 }}
    depends_on: [bank, orders-db, kafka]
    healthcheck: {{ http: /readyz }}
{of_shop}datastores:
  orders-db: {{ postgres: {{ schema: {{ sql: schema.sql }} }}, owner: shop }}
brokers:
  kafka: {{ topics: {{ orders.v1: {{ partitions: 1 }} }} }}
partners:
  bank: {{ rules: bank.yaml }}
"
    );
    let scenarios = scenarios
        .iter()
        .map(|(name, steps)| format!("\n  Scenario: {name}\n{steps}"));
    let feature = format!("Feature: what is hidden\n{}", scenarios.collect::<String>());
    Scratch::new(&[
        ("mesh.yaml", &mesh),
        ("shop.py", SHOP),
        ("postgres.py", POSTGRES),
        ("bank.yaml", BANK),
        ("schema.sql", "CREATE TABLE orders (id text PRIMARY KEY);\n"),
        ("features/hidden.feature", &feature),
        ("momus.toml", "mesh = \"mesh.yaml\"\n"),
    ])
}

/// Runs all scenarios beside each other: what each came to, by its name.
pub fn run(shop: &Scratch, arguments: &[&str]) -> (Said, BTreeMap<String, Verdict>) {
    let said = shop.momus(&[&["run", "--broker", "mock", "--parallel", "8"], arguments].concat());
    let mut verdicts: BTreeMap<u64, (String, Verdict)> = BTreeMap::new();
    for line in shop.read("momus-report/timeline.ndjson").lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("the timeline is JSON");
        let Some(scenario) = event["scenario"].as_u64() else {
            continue;
        };
        let (name, verdict) = verdicts.entry(scenario).or_default();
        match event["event"].as_str() {
            Some("scenario_started") => *name = event["place"]["name"].as_str().unwrap_or_default().to_owned(),
            Some("step_finished") => {
                let took = event["took_ms"].as_f64().unwrap_or_default();
                verdict.steps.push(Duration::from_secs_f64(took / 1000.0));
            }
            Some("scenario_finished") => {
                verdict.outcome = event["outcome"].as_str().unwrap_or_default().to_owned();
                let said = |part: &str| event["failure"][part].as_str().unwrap_or_default().to_owned();
                verdict.why = format!("{}; {}", said("message"), said("hint"));
            }
            _ => {}
        }
    }
    (said, verdicts.into_values().collect())
}
