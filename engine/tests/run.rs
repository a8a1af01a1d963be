//! The runner: what a scenario comes to, over an environment that only notes what is asked of it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use momus_engine::event::{Event, Happening};
use momus_engine::extensions::Extensions;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::Mesh;
use momus_engine::outcome::{Outcome, Summary};
use momus_engine::plan::{Feature, Plan, PlannedScenario, Planner, Selection};
use momus_engine::run::{Settings, Teller, Told, run};
use momus_engine::sandbox::{Endpoint, Environment, PartnerAnswer, Sandbox};
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timeline::{Clock, Timeline};
use momus_engine::vocabulary::Vocabulary;
use tokio::sync::watch;

/// What was asked of the environment and its sandboxes, in order.
type Notes = Arc<Mutex<Vec<String>>>;

#[derive(Default)]
struct Notebook {
    notes: Notes,
    extensions: Extensions,
    incident: watch::Sender<Option<StepError>>,
    refused: Option<&'static str>,
    unprepared: Option<&'static str>,
    left: Vec<String>,
}

impl Notebook {
    fn note(&self, what: impl Into<String>) {
        self.notes.lock().unwrap().push(what.into());
    }
}

struct Copied(Arc<Notebook>);

#[async_trait]
impl Environment for Copied {
    async fn prepare(&self, _plan: &Plan, _teller: &Teller) -> Result<(), StepError> {
        self.0.note("prepared");
        self.0.unprepared.map_or(Ok(()), |why| Err(Failure::unknown(why)))
    }

    fn refuses(&self, scenario: &PlannedScenario) -> Option<StepError> {
        let why = self.0.refused.filter(|_| scenario.place.name.contains("refused"))?;
        let mut failure = Failure::unknown(why);
        failure.outcome = Outcome::Refused;
        Some(failure)
    }

    async fn sandbox(&self, timeline: Timeline) -> Result<Arc<dyn Sandbox>, StepError> {
        self.0.note(format!("sandbox {}", timeline.sandbox()));
        Ok(Arc::new(Copied(Arc::clone(&self.0))))
    }

    async fn close(&self) -> Result<Vec<String>, StepError> {
        self.0.note("closed");
        Ok(self.0.left.clone())
    }
}

#[async_trait]
impl Sandbox for Copied {
    fn endpoint(&self, _caller: &str, _dependency: &str) -> Option<Endpoint> {
        None
    }
    fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }
    async fn kill(&self, service: &str) -> Result<(), StepError> {
        let died = Failure::failed(format!("{service} exited with code 1, and no step told it to"));
        self.0.incident.send_replace(Some(died));
        Ok(())
    }
    async fn pause(&self, _service: &str) -> Result<(), StepError> {
        Ok(())
    }
    async fn resume(&self, _service: &str) -> Result<(), StepError> {
        Ok(())
    }
    async fn start(&self, _service: &str) -> Result<(), StepError> {
        Ok(())
    }
    async fn restart(&self, _service: &str) -> Result<(), StepError> {
        Ok(())
    }
    async fn ready(&self, _service: &str) -> Result<(), StepError> {
        Ok(())
    }
    async fn answer(&self, _partner: &str, _answer: PartnerAnswer) -> Result<(), StepError> {
        Ok(())
    }
    fn incident(&self) -> watch::Receiver<Option<StepError>> {
        self.0.incident.subscribe()
    }
    fn logs(&self) -> Option<PathBuf> {
        None
    }
    async fn close(&self) -> Result<(), StepError> {
        self.0.note("sandbox closed");
        Ok(())
    }
}

step! {
    /// Does nothing.
    "nothing happens", BlockShape::Nothing;
    pub fn nothing(_world; _block) { Ok(()) }
}
step! {
    /// Does nothing to a service.
    "{service} is there", BlockShape::Nothing;
    pub fn there(_world, _service: String; _block) { Ok(()) }
}
step! {
    /// Fails.
    "it fails", BlockShape::Nothing;
    pub fn fails(_world; _block) { Err(Failure::failed("it failed")) }
}
step! {
    /// Panics.
    "it panics", BlockShape::Nothing;
    pub fn panics(_world; _block) { panic!("a defect") }
}
step! {
    /// Waits for what never comes.
    "it waits for {text}", BlockShape::Nothing;
    pub fn waits(world, what: String; _block) {
        let _wait = world.timeline.wait_for(what);
        std::future::pending::<()>().await;
        Ok(())
    }
}
step! {
    /// A service dies of itself.
    "{service} dies", BlockShape::Nothing;
    pub fn dies(world, service: String; _block) {
        world.sandbox()?.kill(&service).await?;
        std::future::pending::<()>().await;
        Ok(())
    }
}
step! {
    /// Injects a fault that strikes so many times and must twice.
    "{table} strikes {number} times", BlockShape::Nothing;
    pub fn injected(world, fault: String, times: u64; _block) {
        let broken = fault == "broken";
        let heal = move || async move { if broken { Err("it is stuck".to_owned()) } else { Ok(()) } };
        world.injections.inject(&world.timeline, fault, 2, |strikes| {
            (0..times).for_each(|_| strikes.strike());
            Some(Box::new(move || Box::pin(heal())))
        });
        Ok(())
    }
}

const MESH: &str = "mesh: m\nservices:\n  shop: {command: [shop]}\n";

struct Ran {
    summary: Summary,
    events: Vec<Event>,
    notes: Vec<String>,
}

impl Ran {
    /// Each scenario's name with what it came to and why.
    fn ends(&self) -> Vec<String> {
        let mut ends = Vec::new();
        let mut name = String::new();
        for event in &self.events {
            match &event.happening {
                Happening::ScenarioStarted { place } => name.clone_from(&place.name),
                Happening::ScenarioFinished { outcome, failure, .. } => {
                    let why = failure.as_ref().map(|failure| format!(": {}", failure.message));
                    ends.push(format!("{name} {}{}", outcome.word(), why.unwrap_or_default()));
                }
                _ => {}
            }
        }
        ends.sort();
        ends
    }

    fn notices(&self) -> Vec<&str> {
        self.events.iter().filter_map(notice).collect()
    }
}

fn notice(event: &Event) -> Option<&str> {
    match &event.happening {
        Happening::Notice { text } => Some(text),
        _ => None,
    }
}

fn settings() -> Settings {
    Settings {
        version: "0".into(),
        seed: 1,
        parallel: 2,
        deadline: Duration::from_secs(1),
        early: true,
        timeout: Duration::from_secs(60),
        fail_fast: false,
    }
}

async fn ran_with(scenarios: &str, notebook: Notebook, settings: Settings, stop: watch::Receiver<bool>) -> Ran {
    let source = format!("Feature: f\n{scenarios}");
    let document = momus_gherkin::parse(&source).unwrap();
    let feature = Feature {
        file: "a.feature".into(),
        name: "f".into(),
        pickles: momus_gherkin::pickles(&document, "a.feature"),
        lines: Vec::new(),
    };
    let definitions = vec![nothing(), there(), fails(), panics(), waits(), dies(), injected()];
    let planner = Planner {
        vocabulary: &Vocabulary::new(definitions).unwrap(),
        mesh: Some(Arc::new(Mesh::parse(MESH, Path::new("/m/mesh.yaml")).unwrap())),
        variables: Arc::default(),
    };
    let plan = planner.plan(&[feature], &Selection::default()).unwrap();
    let (teller, mut told) = Teller::new(Clock::start());
    let notes = Arc::clone(&notebook.notes);
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(told) = told.recv().await {
            match told {
                Told::Events(events) => all.extend(events),
                Told::Reported(answer) => drop(answer.send(())),
            }
        }
        all
    });
    let summary = run(plan, Arc::new(Copied(Arc::new(notebook))), settings, teller, stop).await;
    let events = reading.await.unwrap();
    let notes = notes.lock().unwrap().clone();
    Ran { summary, events, notes }
}

async fn ran(scenarios: &str) -> Ran {
    let (_stop, stopped) = watch::channel(false);
    ran_with(scenarios, Notebook::default(), settings(), stopped).await
}

#[tokio::test]
async fn a_panic_fails_its_scenario_alone() {
    let ran = ran("Scenario: a\n* it panics\nScenario: b\n* nothing happens\n").await;
    assert_eq!(ran.ends(), ["a failed: the step panicked: a defect", "b passed"]);
    assert_eq!(ran.summary.exit_code(), 1);
}

#[tokio::test]
async fn a_scenario_that_names_nothing_of_the_mesh_starts_nothing() {
    assert_eq!(ran("Scenario: a\n* nothing happens\n").await.notes, ["closed"]);
    assert_eq!(
        ran("Scenario: a\n* shop is there\n").await.notes,
        ["prepared", "sandbox s0", "sandbox closed", "closed"]
    );
}

#[tokio::test]
async fn a_timeout_tells_every_open_wait() {
    let (_stop, stopped) = watch::channel(false);
    let settings = Settings {
        timeout: Duration::from_millis(50),
        ..settings()
    };
    let ran = ran_with(
        "Scenario: a\n* it waits for \"godot\"\n",
        Notebook::default(),
        settings,
        stopped,
    )
    .await;
    assert_eq!(
        ran.ends(),
        ["a failed: the scenario took longer than 50 ms; it waited for godot"]
    );
}

#[tokio::test]
async fn steps_behind_a_failure_are_skipped_and_the_sandbox_is_closed() {
    let ran = ran("Scenario: a\n* shop is there\n* it fails\n* nothing happens\n").await;
    let outcomes: Vec<_> = ran
        .events
        .iter()
        .filter_map(|event| match &event.happening {
            Happening::StepFinished { outcome, .. } => Some(*outcome),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, [Outcome::Passed, Outcome::Failed, Outcome::Skipped]);
    assert_eq!(ran.notes[2..], ["sandbox closed", "closed"]);
}

#[tokio::test]
async fn a_fault_that_struck_too_seldom_fails_its_scenario() {
    let ran = ran("Scenario: a\n* drought strikes 0 times\nScenario: b\n* drought strikes 1 times\nScenario: c\n* drought strikes 2 times\n").await;
    assert_eq!(
        ran.ends(),
        [
            "a failed: the drought struck nothing",
            "b failed: the drought struck 1 of 2 times",
            "c passed"
        ]
    );
}

#[tokio::test]
async fn faults_are_healed_in_reverse_also_after_a_failure_and_a_heal_that_fails_is_told() {
    let healed = |ran: &Ran| -> Vec<String> {
        let of_fault = |event: &Event| match &event.happening {
            Happening::Fault {
                fault,
                phase: momus_engine::event::FaultPhase::Healed,
            } => Some(fault.clone()),
            _ => None,
        };
        ran.events.iter().filter_map(of_fault).collect()
    };
    let after_failure = ran("Scenario: a\n* first strikes 2 times\n* second strikes 2 times\n* it fails\n").await;
    assert_eq!(healed(&after_failure), ["second", "first"]);
    let after_panic = ran("Scenario: a\n* first strikes 2 times\n* it panics\n").await;
    assert_eq!(healed(&after_panic), ["first"]);
    let broken = ran("Scenario: a\n* first strikes 2 times\n* broken strikes 2 times\n").await;
    assert_eq!(
        broken.ends(),
        ["a unknown: the broken could not be healed: it is stuck"]
    );
    assert_eq!(healed(&broken), ["first"]);
}

#[tokio::test]
async fn what_goes_wrong_without_a_step_ends_the_scenario() {
    let ran = ran("Scenario: a\n* shop dies\n* nothing happens\n").await;
    assert_eq!(
        ran.ends(),
        ["a failed: shop exited with code 1, and no step told it to"]
    );
}

#[tokio::test]
async fn the_first_failure_ends_a_run_that_fails_fast() {
    let (_stop, stopped) = watch::channel(false);
    let settings = Settings {
        fail_fast: true,
        parallel: 1,
        ..settings()
    };
    let scenarios = "Scenario: a\n* it fails\nScenario: b\n* nothing happens\n";
    let ran = ran_with(scenarios, Notebook::default(), settings, stopped).await;
    assert_eq!(
        ran.ends(),
        ["a failed: it failed", "b skipped: another scenario failed before"]
    );
}

#[tokio::test]
async fn a_run_that_is_stopped_skips_what_is_open() {
    let (stop, stopped) = watch::channel(false);
    let stopping = async {
        // Both are under way once the first waits.
        tokio::task::yield_now().await;
        stop.send_replace(true);
    };
    let scenarios = "Scenario: a\n* shop is there\n* it waits for \"godot\"\n";
    let (ran, ()) = tokio::join!(ran_with(scenarios, Notebook::default(), settings(), stopped), stopping);
    assert!(ran.ends()[0].starts_with("a skipped: "), "{:?}", ran.ends());
    assert_eq!(ran.notes.last().map(String::as_str), Some("closed"));
}

#[tokio::test]
async fn refusals_are_told_before_the_start_and_the_others_run() {
    let notebook = Notebook {
        refused: Some("there are no walls here"),
        ..Notebook::default()
    };
    let (_stop, stopped) = watch::channel(false);
    let scenarios = "Scenario: refused one\n* shop is there\nScenario: other\n* shop is there\n";
    let ran = ran_with(scenarios, notebook, settings(), stopped).await;
    assert_eq!(ran.notices(), ["refused: a.feature:2: there are no walls here"]);
    assert_eq!(
        ran.ends(),
        ["other passed", "refused one refused: there are no walls here"]
    );
    assert_eq!(ran.summary.exit_code(), 3);
}

#[tokio::test]
async fn what_cannot_be_prepared_makes_its_scenarios_unknown() {
    let notebook = Notebook {
        unprepared: Some("no disk"),
        ..Notebook::default()
    };
    let (_stop, stopped) = watch::channel(false);
    let scenarios = "Scenario: a\n* shop is there\nScenario: b\n* nothing happens\n";
    let ran = ran_with(scenarios, notebook, settings(), stopped).await;
    assert_eq!(ran.ends(), ["a unknown: no disk", "b passed"]);
    assert_eq!(ran.summary.exit_code(), 3);
}

#[tokio::test]
async fn what_sandboxes_left_is_named_and_makes_the_run_unknown() {
    let notebook = Notebook {
        left: vec!["database shop_s0".into()],
        ..Notebook::default()
    };
    let (_stop, stopped) = watch::channel(false);
    let ran = ran_with("Scenario: a\n* shop is there\n", notebook, settings(), stopped).await;
    assert_eq!(ran.notices(), ["left on the servers: database shop_s0"]);
    assert_eq!(ran.summary.exit_code(), 3);
}
