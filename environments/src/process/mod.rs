//! The environment `process`: services are local processes, servers real ones under the guardian, everything else stands
//! in this process.

mod address;
mod broker_choice;
mod brokers;
mod build;
mod data;
mod forwarding;
mod found;
mod incident;
mod leftovers;
mod log;
mod making;
mod memory;
mod own;
mod ports;
mod quiet;
mod ready;
mod resolver;
mod reuse;
mod room;
mod running;
mod sandbox;
mod servers;
mod service;
mod standins;
mod starting;
mod telemetry;
mod tidying;
pub mod trust;
mod wiring;
mod within;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use momus_engine::event::Happening;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Address, Located, Mesh};
use momus_engine::outcome::Outcome;
use momus_engine::plan::{Plan, PlannedScenario};
use momus_engine::run::Teller;
use momus_engine::sandbox::{Environment, Sandbox};
use momus_engine::timeline::Timeline;
use tokio::sync::OnceCell;
use tokio::time::{Instant, interval};

use self::making::Shared;
use self::memory::Memory;
use self::ports::Unshared;
use self::reuse::Idles;
use self::servers::{GUARDIAN_HINT, Servers};
use self::tidying::Tidying;
use self::trust::Trust;
use crate::cache::{Cache, Progress};
use crate::guardian::{self, Guardian, Launcher, RunId};
use crate::s3::S3Credentials;

/// How long what a killed guardian left may take to be cleared away.
const SWEEP_LIMIT: Duration = Duration::from_secs(5);

/// Which broker stands behind the mesh's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerChoice {
    /// Apache Kafka, on the installed Java.
    Real,
    /// librdkafka's mock cluster.
    Mock,
}

/// How the environment is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// How the guardian is started.
    pub launcher: Launcher,
    /// Where what is fetched and made once is kept.
    pub cache: Cache,
    /// The broker; without a choice the real one, else the mock, said aloud.
    pub broker: Option<BrokerChoice>,
    /// Whether a CI server runs this: there the mock is never chosen by itself.
    pub ci: bool,
    /// Whether services run within walls where the system allows it.
    pub walls: bool,
    /// How long a service may take until it is ready.
    pub ready_limit: Duration,
}

/// The environment of one run.
pub struct ProcessEnvironment {
    mesh: Arc<Mesh>,
    options: Options,
    guardian: OnceCell<Guardian>,
    /// Why there are no walls, once that is known.
    walls: OnceLock<Result<(), String>>,
    servers: OnceCell<Arc<Servers>>,
    /// Of a mesh in which TLS ends at an edge of a service.
    trust: OnceCell<Arc<Trust>>,
    unshared: Unshared,
    idles: Idles,
    credentials: S3Credentials,
    memory: Memory,
    tidying: Tidying,
}

impl ProcessEnvironment {
    /// An environment in which nothing runs yet.
    pub fn new(mesh: Arc<Mesh>, options: Options) -> Self {
        Self {
            mesh,
            options,
            guardian: OnceCell::new(),
            walls: OnceLock::new(),
            servers: OnceCell::new(),
            trust: OnceCell::new(),
            unshared: Unshared::default(),
            idles: Idles::default(),
            credentials: S3Credentials::draw(),
            memory: Memory::default(),
            tidying: Tidying::default(),
        }
    }

    /// The folder of the run, once its guardian is there.
    pub fn run_folder(&self) -> Option<&Path> {
        self.guardian.get().map(Guardian::run_folder)
    }

    /// Why services run without walls, where they do.
    pub fn lacks_walls(&self) -> Option<&str> {
        let walls = self.walls.get()?;
        walls.as_ref().err().map(String::as_str)
    }

    /// Whether services run within walls; `Err` says why not.
    fn walls(&self) -> &Result<(), String> {
        self.walls.get_or_init(|| match self.options.walls {
            true => guardian::walls::probe(&self.options.launcher),
            false => Err("as `--no-walls` says".to_owned()),
        })
    }

    /// Why the scenario cannot be run without walls, where there are none.
    fn needs_walls(&self, scenario: &PlannedScenario) -> Option<StepError> {
        if let Some(step) = scenario.steps.iter().find(|step| step.definition.walls) {
            let why = self.walls().as_ref().err()?;
            return Some(refused(format!("`{}` needs walls: {why}", step.place.text)));
        }
        let services = self.mesh.services.iter();
        let mut found = services.flat_map(|(name, service)| service.also_at.iter().map(move |it| (name, it)));
        let (name, also) = found.find_map(|(name, (dependency, also))| {
            let forwarded = |at: &&Located<Address>| forwarding::is_forwarded(&self.mesh, dependency, &at.value);
            Some((name, also.iter().find(|at| !forwarded(at))?))
        })?;
        let why = self.walls().as_ref().err()?;
        let message = format!(
            "{name} finds a dependency at {}:{} ({}), which needs walls: {why}",
            also.value.host, also.value.port, also.place
        );
        let hint =
            "give it the address that `${edge.NAME}` stands for; only host names of what speaks HTTP need no walls";
        Some(refused(message).hint(hint))
    }

    async fn guardian(&self, teller: &Teller) -> Result<Guardian, StepError> {
        let cache = self.options.cache.clone();
        let swept = tokio::task::spawn_blocking(move || guardian::sweep(&cache)).await;
        for text in swept.into_iter().flatten().flatten() {
            teller.tell(Happening::Notice { text }).await;
        }
        let guardian = Guardian::start(&self.options.launcher, &self.options.cache, RunId::random()).await;
        guardian.map_err(|error| Failure::unknown(error.to_string()))
    }

    async fn servers(&self, plan: &Plan, guardian: &Guardian, teller: &Teller) -> Result<Arc<Servers>, StepError> {
        let progress: Progress = {
            let teller = teller.clone();
            Arc::new(move |text: &str| teller.progress(text))
        };
        let wanted = plan
            .scenarios
            .iter()
            .flat_map(|scenario| scenario.isolated.iter().cloned())
            .collect();
        let built = build::build(&self.mesh, guardian, &progress);
        let served = Servers::start(&self.mesh, &wanted, &self.options, guardian, &progress, teller);
        // An error of one ends the other: nobody waits for a build to be told that an SQL file is wrong.
        let ((), servers) = tokio::try_join!(built, served)?;
        Ok(Arc::new(servers))
    }

    /// Kills and removes what a guardian left that was killed itself, or waits until another run has done so.
    async fn sweep(&self, folder: &Path) {
        let (until, mut looks) = (Instant::now() + SWEEP_LIMIT, interval(Duration::from_millis(50)));
        while folder.exists() && Instant::now() < until {
            looks.tick().await;
            let cache = self.options.cache.clone();
            drop(tokio::task::spawn_blocking(move || guardian::sweep(&cache)).await);
        }
    }
}

#[async_trait]
impl Environment for ProcessEnvironment {
    async fn prepare(&self, plan: &Plan, teller: &Teller) -> Result<(), StepError> {
        room::raise_descriptors();
        if !is_guarded(&self.mesh) {
            self.servers.get_or_init(|| async { Arc::new(Servers::none()) }).await;
            return Ok(());
        }
        if making::has_processes(&self.mesh)
            && let Err(why) = self.walls()
        {
            let reused = self.mesh.services.keys().any(|name| self.mesh.is_reused(name));
            let anew = if reused {
                "; so each scenario starts its own, also where `reuse` is said"
            } else {
                ""
            };
            let text = format!("services run without walls: {why}{anew}");
            teller.tell(Happening::Notice { text }).await;
        }
        let guardian = self.guardian.get_or_try_init(|| self.guardian(teller)).await?;
        if self.mesh.services.keys().any(|name| self.mesh.trusts(name)) {
            let found = async || Trust::found(guardian.run_folder()).await.map(Arc::new);
            self.trust.get_or_try_init(found).await?;
        }
        self.servers
            .get_or_try_init(|| self.servers(plan, guardian, teller))
            .await
            .map(drop)
    }

    fn refuses(&self, scenario: &PlannedScenario) -> Option<StepError> {
        let chosen = broker_choice::choose(&self.mesh, &self.options);
        chosen.err().or_else(|| self.needs_walls(scenario))
    }

    fn room(&self) -> Option<(usize, String)> {
        room::of_descriptors(&self.mesh)
    }

    async fn sandbox(&self, timeline: Timeline, isolated: &[String]) -> Result<Arc<dyn Sandbox>, StepError> {
        let Some(servers) = self.servers.get() else {
            return Err(Failure::unknown("the environment is not prepared"));
        };
        let shared = Shared {
            mesh: Arc::clone(&self.mesh),
            guardian: self.guardian.get().cloned(),
            servers: Arc::clone(servers),
            trust: self.trust.get().cloned(),
            ready_limit: self.options.ready_limit,
            walls: making::has_processes(&self.mesh) && self.walls().is_ok(),
            unshared: self.unshared.clone(),
            idles: self.idles.clone(),
            credentials: self.credentials.clone(),
            memory: self.memory.clone(),
            tidying: self.tidying.clone(),
        };
        making::make(shared, timeline, isolated.to_vec())
            .await
            .map(|sandbox| sandbox as Arc<dyn Sandbox>)
    }

    async fn close(&self) -> Result<Vec<String>, StepError> {
        self.tidying.done().await;
        self.idles.end().await;
        let Some(guardian) = self.guardian.get() else {
            return Ok(Vec::new());
        };
        let left = match self.servers.get() {
            Some(servers) => leftovers::list(servers).await,
            None => Ok(Vec::new()),
        };
        // What it says it had to kill are the servers.
        if guardian.close().await.is_err() {
            self.sweep(guardian.run_folder()).await;
            let message = "the guardian of the run is gone; what it left is cleared away";
            return Err(Failure::unknown(message).hint(GUARDIAN_HINT));
        }
        left
    }
}

/// Whether a run of the mesh makes anything that would outlive a killed runner: processes, servers, files. Services that are
/// served already, partners and metrics are nothing of that, and need no guardian.
fn is_guarded(mesh: &Mesh) -> bool {
    !(mesh.datastores.is_empty() && mesh.brokers.is_empty() && mesh.buckets.is_empty())
        || making::has_processes(mesh)
        || mesh.services.values().any(|service| service.build.is_some())
}

/// A refusal: this machine or this broker lacks something.
fn refused(message: impl Into<String>) -> StepError {
    let mut failure = Failure::unknown(message);
    failure.outcome = Outcome::Refused;
    failure
}
