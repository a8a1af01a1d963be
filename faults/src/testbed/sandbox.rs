//! A sandbox whose edges are real, and whose processes are only noted.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use momus_engine::extensions::Extensions;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{BUILT_INS, Kind, Mesh};
use momus_engine::plan::{Plan, PlannedScenario};
use momus_engine::run::Teller;
use momus_engine::sandbox::{Endpoint, Environment, PartnerAnswer, Sandbox};
use momus_engine::step::StepResult;
use momus_engine::timeline::Timeline;
use momus_proxies::edge::{Edge, Protocol, Purpose, Upstream};
use momus_proxies::edges::Edges;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::traffic;

/// Makes one sandbox.
pub(super) struct TestEnvironment {
    mesh: Arc<Mesh>,
    made: OnceLock<Arc<TestSandbox>>,
}

/// The sandbox of one test.
pub(crate) struct TestSandbox {
    timeline: Timeline,
    extensions: Extensions,
    services: Arc<Services>,
    acts: Mutex<Vec<String>>,
    incident: watch::Sender<Option<StepError>>,
}

/// What each service does at this moment.
pub(super) struct Services(Mutex<BTreeMap<String, State>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Runs,
    Paused,
    Dead,
}

impl Services {
    fn state(&self, service: &str) -> State {
        self.0.lock().expect("nobody panicked")[service]
    }

    fn enter(&self, service: &str, state: State) {
        let mut services = self.0.lock().expect("nobody panicked");
        services.insert(service.to_owned(), state);
    }

    /// Ends a service as none of the sandbox's own acts does.
    pub fn die(&self, service: &str) {
        self.enter(service, State::Dead);
    }
}

impl TestEnvironment {
    pub fn new(mesh: Arc<Mesh>) -> Self {
        Self {
            mesh,
            made: OnceLock::new(),
        }
    }

    pub fn made(&self) -> Arc<TestSandbox> {
        self.made.get().expect("the scenario had a sandbox").clone()
    }
}

#[async_trait]
impl Environment for TestEnvironment {
    async fn prepare(&self, _plan: &Plan, _teller: &Teller) -> StepResult {
        Ok(())
    }

    fn refuses(&self, _scenario: &PlannedScenario) -> Option<StepError> {
        None
    }

    async fn sandbox(&self, timeline: Timeline, _isolated: &[String]) -> Result<Arc<dyn Sandbox>, StepError> {
        let sandbox = Arc::new(TestSandbox::make(&self.mesh, timeline).await);
        Ok(self.made.get_or_init(|| sandbox).clone())
    }

    async fn close(&self) -> Result<Vec<String>, StepError> {
        Ok(Vec::new())
    }
}

impl TestSandbox {
    async fn make(mesh: &Mesh, timeline: Timeline) -> Self {
        let server = traffic::serve().await;
        let mut edges = Edges::default();
        for (caller, service) in &mesh.services {
            for dependency in service.dependencies() {
                let protocol = match mesh.kind(dependency) {
                    Some(Kind::Datastore | Kind::Broker) => Protocol::Tcp,
                    _ => Protocol::Http(Purpose::Calls),
                };
                if dependency != BUILT_INS[0] {
                    let edge = Edge::listen(caller, dependency, Upstream::Tcp(server), protocol, timeline.clone());
                    edges.insert(caller, dependency, edge.await.expect("a port"));
                }
            }
        }
        let services = mesh.services.keys().map(|name| (name.clone(), State::Runs));
        let services = Arc::new(Services(Mutex::new(services.collect())));
        let mut extensions = Extensions::default();
        extensions.insert(edges);
        extensions.insert(services.clone());
        Self {
            timeline,
            extensions,
            services,
            acts: Mutex::default(),
            incident: watch::Sender::new(None),
        }
    }

    fn address(&self, caller: &str, dependency: &str) -> SocketAddr {
        let edges = self.extensions.get::<Edges>().expect("they were put in");
        let edge = edges.get(caller, dependency);
        edge.unwrap_or_else(|| panic!("no edge from {caller} to {dependency}"))
            .address()
    }

    /// The status that a new request from the caller gets.
    pub async fn passes(&self, caller: &str, dependency: &str) -> u16 {
        let stream = TcpStream::connect(self.address(caller, dependency)).await;
        let mut stream = stream.expect("the edge listens");
        let asked = traffic::ask(&mut stream, "POST", "/charges").await;
        asked.expect("it takes a request");
        traffic::answered(&mut stream).await.expect("it is answered")
    }

    /// What was done to services, in order: `kill shop`.
    pub fn acts(&self) -> Vec<String> {
        self.acts.lock().expect("nobody panicked").clone()
    }

    /// Does something to a service that runs, paused or not.
    fn act(&self, act: &str, service: &str, then: State) -> StepResult {
        if self.services.state(service) == State::Dead {
            return Err(Failure::failed(format!("{service} does not run")));
        }
        self.acts
            .lock()
            .expect("nobody panicked")
            .push(format!("{act} {service}"));
        self.services.enter(service, then);
        Ok(())
    }
}

#[async_trait]
impl Sandbox for TestSandbox {
    fn endpoint(&self, _caller: &str, _dependency: &str) -> Option<Endpoint> {
        Some(Endpoint {
            port: 7,
            ..Endpoint::default()
        })
    }

    fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    async fn kill(&self, service: &str) -> StepResult {
        self.act("kill", service, State::Dead)
    }

    async fn pause(&self, service: &str) -> StepResult {
        self.act("pause", service, State::Paused)
    }

    async fn resume(&self, service: &str) -> StepResult {
        self.act("resume", service, State::Runs)
    }

    async fn start(&self, service: &str) -> StepResult {
        if self.services.state(service) != State::Dead {
            return Err(Failure::failed(format!("{service} runs already")));
        }
        self.services.enter(service, State::Runs);
        self.act("start", service, State::Runs)
    }

    async fn restart(&self, service: &str) -> StepResult {
        self.act("restart", service, State::Runs)
    }

    async fn ready(&self, service: &str) -> StepResult {
        match self.services.state(service) {
            State::Runs => self.act("await", service, State::Runs),
            State::Dead => Err(Failure::failed(format!("{service} exited before it was ready"))),
            State::Paused => {
                let _wait = self.timeline.wait_for(format!("{service} to become ready: no answer"));
                std::future::pending().await
            }
        }
    }

    async fn answer(&self, partner: &str, _answer: PartnerAnswer) -> StepResult {
        Err(Failure::unknown(format!("no fault tells {partner} what to answer")))
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
