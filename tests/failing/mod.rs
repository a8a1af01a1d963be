//! A mesh of which every scenario fails, and its run.
#![expect(clippy::expect_used, reason = "a test stops where it cannot go on")]

use std::collections::BTreeMap;

use momus_engine::matching::Match;
use momus_engine::vocabulary::Vocabulary;

use crate::scratch::Scratch;

const FILES: [(&str, &str); 7] = [
    ("mesh.yaml", include_str!("mesh.yaml")),
    ("shop.py", include_str!("shop.py")),
    ("receipts.py", include_str!("../bazaar/receipts.py")),
    ("schema.sql", include_str!("schema.sql")),
    (
        "bank.yaml",
        "routes:\n  - method: POST\n    path: /charges\n    answers: [{ answer: { status: 201 } }]\n",
    ),
    ("features/order.json", include_str!("order.json")),
    ("momus.toml", "mesh = \"mesh.yaml\"\n"),
];

/// The features, each about one noun of the reference.
pub const FEATURES: &[(&str, &str)] = &[
    ("http", include_str!("http.feature")),
    ("events", include_str!("events.feature")),
    ("database", include_str!("database.feature")),
    ("storage", include_str!("storage.feature")),
    ("partners", include_str!("partners.feature")),
    ("logs", include_str!("logs.feature")),
    ("metrics", include_str!("metrics.feature")),
    ("ledger", include_str!("ledger.feature")),
    ("traffic", include_str!("traffic.feature")),
    ("services", include_str!("services.feature")),
    ("faults", include_str!("faults.feature")),
];

/// A scenario that was run.
#[derive(Debug, Default)]
pub struct Ran {
    pub name: String,
    pub outcome: String,
    /// Its steps' texts, without their keywords.
    pub steps: Vec<String>,
    /// How many of them passed.
    pub passed: usize,
    /// The step that failed, by its index.
    pub failed: Option<usize>,
    /// What its failure says.
    pub message: String,
}

/// A run of all the features: what became of each scenario, and what was said of it.
pub fn run() -> (Vec<Ran>, String) {
    let scratch = Scratch::new(&FILES);
    for (noun, feature) in FEATURES {
        scratch.write(&format!("features/{noun}.feature"), feature);
    }
    let arguments = ["run", "--broker", "mock", "--parallel", "4"];
    let said = scratch.momus(&arguments);
    let told = scratch.steady(&said.out);
    let mut ran: BTreeMap<u64, Ran> = BTreeMap::new();
    for line in scratch.read("momus-report/timeline.ndjson").lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("the timeline is JSON");
        let text = |place: &str| event.pointer(place).and_then(|text| text.as_str()).unwrap_or_default();
        let Some(scenario) = event["scenario"].as_u64() else {
            continue;
        };
        let ran = ran.entry(scenario).or_default();
        match text("/event") {
            "scenario_started" => ran.name = text("/place/name").to_owned(),
            "step_started" => {
                let without_keyword = text("/text").split_once(' ').map(|(_, text)| text.to_owned());
                ran.steps.extend(without_keyword);
            }
            "step_finished" if text("/outcome") == "passed" => ran.passed += 1,
            "step_finished" if text("/outcome") == "failed" => {
                ran.failed = event["step"].as_u64().map(|step| step as usize)
            }
            "scenario_finished" => {
                ran.outcome = text("/outcome").to_owned();
                ran.message = text("/failure/message").to_owned();
            }
            _ => {}
        }
    }
    assert_eq!(said.code, Some(1), "{told}{}", said.error);
    (ran.into_values().collect(), told)
}

impl Ran {
    /// The sentence that fails: that of the step that failed, else that of the fault whose name the failure tells.
    pub fn sentence(&self, vocabulary: &Vocabulary) -> Option<&'static str> {
        let sentence = |text: &String| match &*vocabulary.expressions().find(text) {
            Match::One(index, values) => Some(((*vocabulary.definitions()[*index]).clone(), values.clone())),
            _ => None,
        };
        match self.failed {
            Some(index) => sentence(&self.steps[index]).map(|(definition, _)| definition.expression),
            None => self.steps.iter().filter_map(sentence).find_map(|(definition, values)| {
                let fault = definition.injects.map(|name| name(&values))?;
                let told = self.message.starts_with(&format!("the {fault} struck "));
                told.then_some(definition.expression)
            }),
        }
    }
}
