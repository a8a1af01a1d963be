//! What the tests of sentences share: a scenario over the foreign mesh whose services run in the test itself.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use momus_engine::draw::Draws;
use momus_engine::event::ScenarioPlace;
use momus_engine::extensions::Extensions;
use momus_engine::failure::{Failure, StepError};
use momus_engine::matching::Match;
use momus_engine::mesh::Mesh;
use momus_engine::plan::{Feature, Planner, Selection};
use momus_engine::sandbox::{CLIENT, Endpoint, PartnerAnswer, Sandbox};
use momus_engine::step::{Block, BlockShape, Input, StepResult};
use momus_engine::timeline::{Clock, Timeline};
use momus_engine::values::Values;
use momus_engine::vocabulary::Vocabulary;
use momus_engine::world::World;
use momus_proxies::edge::{Edge, Protocol, Purpose, Upstream};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A sandbox of whatever a test puts into it.
#[derive(Default)]
pub(crate) struct TestSandbox {
    endpoints: Mutex<HashMap<(String, String), Endpoint>>,
    extensions: Extensions,
    incident: watch::Sender<Option<StepError>>,
    /// What partners were told to answer.
    pub answers: Mutex<Vec<(String, PartnerAnswer)>>,
}

/// A scenario over the foreign mesh, run step by step by a test.
pub(crate) struct Scenario {
    pub world: World,
    pub sandbox: Arc<TestSandbox>,
    /// The test client's own edges, by dependency.
    pub edges: HashMap<String, Edge>,
}

impl Scenario {
    /// A scenario in which nothing happened yet; `eventually` waits for 5 s in it.
    pub fn begin() -> Self {
        let sandbox = Arc::new(TestSandbox::default());
        let place = ScenarioPlace {
            file: "orders.feature".into(),
            line: 3,
            feature: "orders".into(),
            rule: None,
            name: "an order".into(),
            tags: Vec::new(),
            is_example_row: false,
        };
        let world = World::new(
            Some(foreign()),
            Some(sandbox.clone()),
            Timeline::new(Clock::start(), 0, "s0"),
            Values::new(Arc::default(), Draws::new(1, &place)),
            Duration::from_secs(5),
            true,
        );
        Self {
            world,
            sandbox,
            edges: HashMap::new(),
        }
    }

    /// Serves a service by `app`; the test client finds it behind an HTTP edge.
    pub async fn serve(&mut self, name: &str, app: axum::Router) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        self.lead(name, listener.local_addr().expect("it is bound")).await;
        tokio::spawn(async move { axum::serve(listener, app).await });
    }

    /// Has the test client find a service at this address, behind an HTTP edge.
    pub async fn lead(&mut self, name: &str, address: SocketAddr) {
        let edge = self
            .edge(name, Upstream::Tcp(address), Protocol::Http(Purpose::Calls))
            .await
            .address();
        let endpoint = Endpoint {
            address: format!("http://{edge}"),
            url: format!("http://{edge}"),
            host: edge.ip().to_string(),
            port: edge.port(),
            ..Endpoint::default()
        };
        self.endpoint(name, endpoint);
    }

    /// The test client's own edge to a dependency, which [`Scenario::endpoint`] still has to name.
    pub async fn edge(&mut self, name: &str, upstream: Upstream, protocol: Protocol) -> &Edge {
        let timeline = self.world.timeline.clone();
        let edge = Edge::listen(CLIENT, name, upstream, protocol, timeline).await;
        self.edges.insert(name.to_owned(), edge.expect("a port"));
        &self.edges[name]
    }

    /// Where the test client finds a dependency.
    pub fn endpoint(&self, name: &str, endpoint: Endpoint) {
        let mut endpoints = self.sandbox.endpoints.lock().expect("nobody panicked");
        endpoints.insert((CLIENT.to_owned(), name.to_owned()), endpoint);
    }

    /// Runs a step that passes.
    pub async fn passes(&mut self, text: &str, block: Block) {
        let result = self.run(text, block).await;
        result.unwrap_or_else(|failure| panic!("`{text}`: {failure:?}"));
    }

    /// Runs a step that does not pass: what it failed with, as a report tells it.
    pub async fn fails(&mut self, text: &str, block: Block) -> String {
        told(self.run(text, block).await)
    }

    /// Runs the step of this text, after the checks that planning would make of the block below it.
    pub async fn run(&mut self, text: &str, block: Block) -> StepResult {
        let vocabulary = vocabulary();
        let (definition, values) = match &*vocabulary.expressions().find(text) {
            Match::One(index, values) => (vocabulary.definitions()[*index].clone(), values.clone()),
            other => panic!("`{text}`: {other:?}"),
        };
        match (definition.block, &block) {
            (BlockShape::Nothing | BlockShape::Optional(_), Block::Nothing) => {}
            (BlockShape::Optional(check) | BlockShape::Required(check), block) if *block != Block::Nothing => {
                check(block).unwrap_or_else(|error| panic!("`{text}`: {error:?}"));
            }
            (shape, block) => panic!("`{text}` takes {shape:?}, and here is {block:?}"),
        }
        let values = values.into_iter().collect::<Vec<_>>().into_iter();
        (definition.run)(&mut self.world, Input { values, block }).await
    }
}

/// The vocabulary of this crate.
pub(crate) fn vocabulary() -> Vocabulary {
    Vocabulary::new(crate::definitions()).expect("every expression is well formed")
}

/// The foreign mesh.
pub(crate) fn foreign() -> Arc<Mesh> {
    let file: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/foreign/mesh.yaml");
    Arc::new(Mesh::load(&[file], &|_| None).expect("the fixture is well formed"))
}

/// Plans a scenario of these steps over the foreign mesh. The error: each line of the file that is wrong, with what
/// is wrong there and the hints.
pub(crate) fn plan(steps: &str) -> Result<(), String> {
    let source = format!("Feature: planned\n  Scenario: planned\n{steps}\n");
    let document = momus_gherkin::parse(&source).unwrap_or_else(|errors| panic!("{source}: {errors:?}"));
    let feature = Feature {
        file: "planned.feature".into(),
        name: "planned".into(),
        pickles: momus_gherkin::pickles(&document, "planned.feature"),
        lines: Vec::new(),
    };
    let vocabulary = vocabulary();
    let planner = Planner {
        vocabulary: &vocabulary,
        mesh: Some(foreign()),
        variables: Arc::new(BTreeMap::new()),
    };
    let errors = match planner.plan([feature], &Selection::default()) {
        Ok(_) => return Ok(()),
        Err(unplanned) => unplanned.errors,
    };
    let lines = errors.iter().flat_map(|error| {
        let hints = error.hints().into_iter().map(|hint| format!("hint: {hint}"));
        let line = source.lines().nth(error.location.line as usize - 1).unwrap_or_default();
        [format!("{} | {}", error.location, line.trim()), error.message()]
            .into_iter()
            .chain(hints)
    });
    Err(lines.collect::<Vec<_>>().join("\n"))
}

/// A table of two columns.
pub(crate) fn table(rows: &[[&str; 2]]) -> Block {
    Block::Table(rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect())
}

/// A doc string.
pub(crate) fn doc_string(media_type: Option<&str>, content: &str) -> Block {
    Block::Text {
        content: content.to_owned(),
        media_type: media_type.map(str::to_owned),
    }
}

/// What a step failed with, as a report tells it.
pub(crate) fn told(result: StepResult) -> String {
    let failure = result.expect_err("the step fails");
    let part = |name: &str, text: &Option<String>| {
        let text = text.as_ref()?;
        Some(format!("{name}:\n  {}", text.replace('\n', "\n  ")))
    };
    let mut lines = vec![format!("{:?}: {}", failure.outcome, failure.message)];
    lines.extend(part("expected", &failure.expected));
    lines.extend(part("seen", &failure.seen));
    lines.extend(part("nearest", &failure.nearest));
    lines.extend(failure.hint.as_ref().map(|hint| format!("hint: {hint}")));
    lines.extend(failure.output.iter().map(|line| format!("output: {line}")));
    lines.join("\n")
}

/// A failure without the time that it took.
pub(crate) fn steady(failure: &str) -> String {
    let took = regex::Regex::new(r"after [0-9.]+ (ms|s)").expect("it is well formed");
    took.replace_all(failure, "after TIME").into_owned()
}

/// What no test of a sentence in this crate asks for.
fn absent<T>() -> Result<T, StepError> {
    Err(Failure::unknown("the test's sandbox runs no processes"))
}

#[async_trait]
impl Sandbox for TestSandbox {
    fn endpoint(&self, caller: &str, dependency: &str) -> Option<Endpoint> {
        let endpoints = self.endpoints.lock().expect("nobody panicked");
        endpoints.get(&(caller.to_owned(), dependency.to_owned())).cloned()
    }

    fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    async fn kill(&self, _service: &str) -> StepResult {
        absent()
    }

    async fn pause(&self, _service: &str) -> StepResult {
        absent()
    }

    async fn resume(&self, _service: &str) -> StepResult {
        absent()
    }

    async fn start(&self, _service: &str) -> StepResult {
        absent()
    }

    async fn restart(&self, _service: &str) -> StepResult {
        absent()
    }

    async fn ready(&self, _service: &str) -> StepResult {
        absent()
    }

    async fn answer(&self, partner: &str, answer: PartnerAnswer) -> StepResult {
        let mut answers = self.answers.lock().expect("nobody panicked");
        answers.push((partner.to_owned(), answer));
        Ok(())
    }

    fn incident(&self) -> watch::Receiver<Option<StepError>> {
        self.incident.subscribe()
    }

    fn logs(&self) -> Option<PathBuf> {
        None
    }

    async fn close(&self) -> StepResult {
        Ok(())
    }
}
