//! A run over an environment that only notes what is asked of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use momus_engine::event::{Event, Happening};
use momus_engine::extensions::Extensions;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::Mesh;
use momus_engine::outcome::{Outcome, Summary};
use momus_engine::phrase::Phrase;
use momus_engine::plan::{Feature, Plan, PlannedScenario, Planner, Selection};
use momus_engine::run::{Settings, Teller, Told, run};
use momus_engine::sandbox::{Endpoint, Environment, PartnerAnswer, Sandbox};
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timeline::{Clock, Timeline};
use momus_engine::vocabulary::Vocabulary;
use tokio::sync::watch;

use super::phrases;

/// What was asked of the environment and its sandboxes, in order.
pub(super) type Notes = Arc<Mutex<Vec<String>>>;

#[derive(Default)]
pub(super) struct Notebook {
    pub(super) notes: Notes,
    pub(super) extensions: Extensions,
    pub(super) incident: watch::Sender<Option<StepError>>,
    pub(super) refused: Option<&'static str>,
    pub(super) unprepared: Option<&'static str>,
    pub(super) left: Vec<String>,
    /// Where there is room for so many sandboxes only.
    pub(super) room: Option<usize>,
    pub(super) open: AtomicUsize,
}

impl Notebook {
    fn note(&self, what: impl Into<String>) {
        self.notes.lock().unwrap().push(what.into());
    }
}

pub(super) struct Copied(Arc<Notebook>);

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

    async fn sandbox(&self, timeline: Timeline, isolated: &[String]) -> Result<Arc<dyn Sandbox>, StepError> {
        let fits = |open: usize| self.0.room.is_none_or(|room| open < room).then_some(open + 1);
        if self
            .0
            .open
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fits)
            .is_err()
        {
            self.0.note(format!("no room for {}", timeline.sandbox()));
            let full = std::io::Error::from_raw_os_error(24);
            return Err(Failure::unknown(format!("no pipe: {full}")));
        }
        self.0.note(format!("sandbox {}", timeline.sandbox()));
        if !isolated.is_empty() {
            self.0.note(format!("its own: {}", isolated.join(", ")));
        }
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
        self.0.open.fetch_sub(1, Ordering::SeqCst);
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
    /// Waits until so many sandboxes were made in all.
    "{number} sandboxes of {service} come to be", BlockShape::Nothing;
    pub fn come_to_be(world, number: u64, _service: String; _block) {
        let sandbox = world.sandbox()?;
        let notes = sandbox.extensions().get::<Notes>().unwrap();
        let made = || notes.lock().unwrap().iter().filter(|note| note.starts_with("sandbox s")).count();
        while (made() as u64) < number {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}
step! {
    /// Fails.
    "it fails", BlockShape::Nothing;
    pub fn fails(_world; _block) { Err(Failure::failed("it failed")) }
}
step! {
    /// Fails until it is tried for this time.
    "it fails before try {number}", BlockShape::Nothing;
    pub fn fails_before(world, try_: u64; _block) {
        let sandbox = world.timeline.sandbox().to_owned();
        let this = sandbox.split_once('-').map_or(1, |(_, this)| this.parse().unwrap());
        let drawn = world.text("${uuid}")?;
        if this < try_ { Err(Failure::failed(format!("it drew {drawn}"))) } else { Ok(()) }
    }
}
step! {
    /// Comes to no verdict when it is tried again.
    "it is known at first", BlockShape::Nothing;
    pub fn known_at_first(world; _block) {
        let again = world.timeline.sandbox().contains('-');
        Err(if again { Failure::unknown("nobody knows") } else { Failure::failed("it failed") })
    }
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

pub(super) const MESH: &str =
    "mesh: m\nservices:\n  shop: {command: [shop]}\ndatastores: { shop-db: { postgres: {} } }\n";

pub(super) struct Ran {
    pub(super) summary: Summary,
    pub(super) events: Vec<Event>,
    pub(super) notes: Vec<String>,
}

impl Ran {
    /// Each scenario's name with what it came to and why.
    pub(super) fn ends(&self) -> Vec<String> {
        let mut ends = Vec::new();
        let mut name = String::new();
        for event in &self.events {
            match &event.happening {
                Happening::ScenarioStarted { place, .. } => name.clone_from(&place.name),
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

    pub(super) fn notices(&self) -> Vec<&str> {
        self.events.iter().filter_map(notice).collect()
    }
}

pub(super) fn notice(event: &Event) -> Option<&str> {
    match &event.happening {
        Happening::Notice { text } => Some(text),
        _ => None,
    }
}

pub(super) fn settings() -> Settings {
    Settings {
        parallel: 2,
        deadline: Duration::from_secs(1),
        timeout: Duration::from_secs(60),
        ..Settings::default()
    }
}

pub(super) async fn ran_with(
    scenarios: &str,
    mut notebook: Notebook,
    settings: Settings,
    stop: watch::Receiver<bool>,
) -> Ran {
    notebook.extensions.insert(Arc::clone(&notebook.notes));
    let source = format!("Feature: f\n{scenarios}");
    let document = momus_gherkin::parse(&source).unwrap();
    let feature = Feature {
        file: "a.feature".into(),
        name: "f".into(),
        pickles: momus_gherkin::pickles(&document, "a.feature"),
        lines: Vec::new(),
    };
    let mut definitions = vec![
        nothing(),
        there(),
        come_to_be(),
        fails(),
        fails_before(),
        known_at_first(),
        panics(),
        waits(),
        dies(),
        injected(),
    ];
    definitions.extend(phrases::definitions());
    let vocabulary = Vocabulary::new(definitions).unwrap();
    let planner = Planner {
        vocabulary: &vocabulary.with_phrases(Phrase::all(&document, "a.feature")),
        mesh: Some(Arc::new(Mesh::parse(MESH, Path::new("/m/mesh.yaml")).unwrap())),
        variables: Arc::default(),
    };
    let plan = planner.plan([feature], &Selection::default()).unwrap();
    let (teller, mut told) = Teller::new(Clock::start());
    let notes = Arc::clone(&notebook.notes);
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(told) = told.recv().await {
            match told {
                Told::Events(piece) => all.extend(piece.events),
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

/// Twelve scenarios, each with a sandbox, where there is room for so many sandboxes.
pub(super) async fn twelve_ran(room: usize, settings: Settings) -> Ran {
    let (_stop, stopped) = watch::channel(false);
    let notebook = Notebook {
        room: Some(room),
        ..Notebook::default()
    };
    let scenario = |number| format!("Scenario: s{number:02}\n* shop is there\n");
    let scenarios: String = (0..12).map(scenario).collect();
    ran_with(&scenarios, notebook, settings, stopped).await
}

pub(super) async fn ran(scenarios: &str) -> Ran {
    let (_stop, stopped) = watch::channel(false);
    ran_with(scenarios, Notebook::default(), settings(), stopped).await
}
