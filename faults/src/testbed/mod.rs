//! What the tests of the faults share: whole scenarios, planned and run by the engine over the foreign mesh, whose
//! edges are real and lead to one server of the test, and whose processes are only noted.

mod sandbox;
mod traffic;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use momus_engine::event::{Event, FaultPhase, Happening};
use momus_engine::failure::Failure;
use momus_engine::mesh::Mesh;
use momus_engine::outcome::Outcome;
use momus_engine::plan::{Feature, Plan, Planner, Selection, Unplanned};
use momus_engine::run::{Settings, Teller, Told};
use momus_engine::timeline::Clock;
use momus_engine::vocabulary::Vocabulary;
use tokio::sync::watch;

use self::sandbox::{TestEnvironment, TestSandbox};

/// A scenario that was run.
pub(crate) struct Ran {
    pub outcome: Outcome,
    /// Its sandbox: closed, and its edges still there.
    pub sandbox: Arc<TestSandbox>,
    events: Vec<Event>,
}

impl Ran {
    /// Its outcome, and of a failure what a report says: `failed: MESSAGE; seen: SEEN`.
    pub fn told(&self) -> String {
        let Some(failure) = self.failure() else {
            return self.outcome.word().to_owned();
        };
        let seen = failure.seen.as_ref().map(|seen| format!("; seen: {seen}"));
        format!(
            "{}: {}{}",
            self.outcome.word(),
            failure.message,
            seen.unwrap_or_default()
        )
    }

    /// As [`Ran::told`], with the hint.
    pub fn told_with_hint(&self) -> String {
        let hint = self.failure().and_then(|failure| failure.hint.as_deref());
        format!("{}; hint: {}", self.told(), hint.unwrap_or("none"))
    }

    /// The failure's message.
    pub fn message(&self) -> &str {
        self.failure().map_or("", |failure| failure.message.as_str())
    }

    fn failure(&self) -> Option<&Failure> {
        self.events.iter().find_map(|event| match &event.happening {
            Happening::ScenarioFinished { failure, .. } => failure.as_ref(),
            _ => None,
        })
    }

    /// What became of its faults, in order: `NAME injected`, `NAME struck`, `NAME healed`.
    pub fn faults(&self) -> Vec<String> {
        let phases = self.events.iter().filter_map(|event| match &event.happening {
            Happening::Fault { fault, phase } => {
                let phase = match phase {
                    FaultPhase::Injected => "injected",
                    FaultPhase::Struck => "struck",
                    FaultPhase::Healed => "healed",
                };
                Some(format!("{fault} {phase}"))
            }
            _ => None,
        });
        phases.collect()
    }

    /// The calls to partners that were recorded, in order: `PARTNER METHOD PATH STATUS`.
    pub fn partner_calls(&self) -> Vec<String> {
        let calls = self.events.iter().filter_map(|event| match &event.happening {
            Happening::PartnerCall {
                partner,
                method,
                path,
                status,
                ..
            } => Some(format!("{partner} {method} {path} {status}")),
            _ => None,
        });
        calls.collect()
    }

    /// The expectations that were judged: `EXPECTED: SEEN (HELD)`.
    pub fn expectations(&self) -> Vec<String> {
        let judged = self.events.iter().filter_map(|event| match &event.happening {
            Happening::Expectation {
                expected, seen, held, ..
            } => Some(format!("{expected}: {seen} ({held})")),
            _ => None,
        });
        judged.collect()
    }
}

/// Runs a scenario of these steps, in which `'` is written for `"`; its deadline is 10 s.
pub(crate) async fn run(steps: &str) -> Ran {
    let plan = planned(steps).unwrap_or_else(|unplanned| panic!("{steps}: {:?}", unplanned.errors));
    let environment = Arc::new(TestEnvironment::new(foreign()));
    let settings = Settings {
        seed: 1,
        timeout: Duration::from_secs(60),
        ..Settings::default()
    };
    let (teller, mut told) = Teller::new(Clock::start());
    let collecting = tokio::spawn(async move {
        let mut events = Vec::new();
        while let Some(told) = told.recv().await {
            match told {
                Told::Events(more) => events.extend(more.events),
                Told::Reported(reported) => drop(reported.send(())),
            }
        }
        events
    });
    // Kept to the end: nobody stops the run.
    let (_stopping, stop) = watch::channel(false);
    momus_engine::run::run(plan, environment.clone(), settings, teller, stop).await;
    let events = collecting.await.expect("it only collects");
    let outcome = events.iter().find_map(|event| match event.happening {
        Happening::ScenarioFinished { outcome, .. } => Some(outcome),
        _ => None,
    });
    Ran {
        outcome: outcome.expect("the scenario ended"),
        sandbox: environment.made(),
        events,
    }
}

/// What planning a scenario of these steps tells: each error as `MESSAGE; hint: HINT`.
pub(crate) fn plan(steps: &str) -> Vec<String> {
    let Err(unplanned) = planned(steps) else {
        return Vec::new();
    };
    let told = unplanned.errors.iter().map(|error| {
        let hints = error.hints().into_iter().map(|hint| format!("; hint: {hint}"));
        error.message() + &hints.collect::<String>()
    });
    told.collect()
}

fn planned(steps: &str) -> Result<Plan, Unplanned> {
    let source = format!("Feature: planned\n  Scenario: planned\n{}\n", steps.replace('\'', "\""));
    let document = momus_gherkin::parse(&source).unwrap_or_else(|errors| panic!("{source}: {errors:?}"));
    let feature = Feature {
        file: "planned.feature".into(),
        name: "planned".into(),
        pickles: momus_gherkin::pickles(&document, "planned.feature"),
        lines: Vec::new(),
    };
    let definitions = crate::definitions().into_iter().chain(traffic::definitions());
    let planner = Planner {
        vocabulary: &Vocabulary::new(definitions.collect()).expect("every expression is well formed"),
        mesh: Some(foreign()),
        variables: Arc::new(BTreeMap::new()),
    };
    planner.plan([feature], &Selection::default())
}

fn foreign() -> Arc<Mesh> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/foreign/mesh.yaml");
    Arc::new(Mesh::load(&[file], &|_| None).expect("the fixture is well formed"))
}
