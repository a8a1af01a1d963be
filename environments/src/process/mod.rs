//! The environment `process`: services are local processes, servers real ones under the guardian, everything else stands
//! in this process.

mod address;
mod broker_choice;
mod build;
mod leftovers;
mod ready;
mod sandbox;
mod servers;
mod service;
mod standins;
mod wiring;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use momus_engine::event::Happening;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::Mesh;
use momus_engine::outcome::Outcome;
use momus_engine::plan::{Plan, PlannedScenario};
use momus_engine::run::Teller;
use momus_engine::sandbox::{Environment, Sandbox};
use momus_engine::timeline::Timeline;
use tokio::sync::OnceCell;

use self::sandbox::ProcessSandbox;
use self::servers::Servers;
use crate::cache::{Cache, Progress};
use crate::guardian::{self, Guardian, Launcher, RunId};

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
    /// How long a service may take until it is ready.
    pub ready_limit: Duration,
}

/// The environment of one run.
pub struct ProcessEnvironment {
    mesh: Arc<Mesh>,
    options: Options,
    prepared: OnceCell<Prepared>,
}

/// What the sandboxes of a run share.
struct Prepared {
    guardian: Guardian,
    servers: Arc<Servers>,
}

impl ProcessEnvironment {
    /// An environment in which nothing runs yet.
    pub fn new(mesh: Arc<Mesh>, options: Options) -> Self {
        Self {
            mesh,
            options,
            prepared: OnceCell::new(),
        }
    }

    async fn prepared(&self, teller: &Teller) -> Result<Prepared, StepError> {
        let cache = self.options.cache.clone();
        let swept = tokio::task::spawn_blocking(move || guardian::sweep(&cache)).await;
        for text in swept.into_iter().flatten().flatten() {
            teller.tell(Happening::Notice { text }).await;
        }
        let run = RunId::random();
        let guardian = Guardian::start(&self.options.launcher, &self.options.cache, run).await;
        let guardian = guardian.map_err(|error| Failure::unknown(error.to_string()))?;
        let progress: Progress = {
            let teller = teller.clone();
            Arc::new(move |text: &str| teller.progress(text))
        };
        let built = build::build(&self.mesh, &guardian, &progress);
        let served = Servers::start(&self.mesh, &self.options, &guardian, &progress, teller);
        // Both run to their ends, so that an error of one does not leave the other half done.
        let (built, served) = tokio::join!(built, served);
        built?;
        Ok(Prepared {
            guardian,
            servers: Arc::new(served?),
        })
    }
}

#[async_trait]
impl Environment for ProcessEnvironment {
    async fn prepare(&self, _plan: &Plan, teller: &Teller) -> Result<(), StepError> {
        self.prepared.get_or_try_init(|| self.prepared(teller)).await.map(drop)
    }

    fn refuses(&self, _scenario: &PlannedScenario) -> Option<StepError> {
        broker_choice::choose(&self.mesh, &self.options).err()
    }

    async fn sandbox(&self, timeline: Timeline) -> Result<Arc<dyn Sandbox>, StepError> {
        let prepared = self
            .prepared
            .get()
            .ok_or_else(|| Failure::unknown("the environment is not prepared"))?;
        let sandbox = ProcessSandbox::make(
            Arc::clone(&self.mesh),
            prepared.guardian.clone(),
            Arc::clone(&prepared.servers),
            self.options.ready_limit,
            timeline,
        );
        sandbox.await.map(|sandbox| sandbox as Arc<dyn Sandbox>)
    }

    async fn close(&self) -> Result<Vec<String>, StepError> {
        let Some(prepared) = self.prepared.get() else {
            return Ok(Vec::new());
        };
        let left = leftovers::list(&prepared.servers).await;
        // What it says it had to kill are the servers.
        let closed = prepared.guardian.close().await;
        closed.map_err(|error| Failure::unknown(error.to_string()))?;
        left
    }
}

/// A refusal: this machine or this broker lacks something.
fn refused(message: impl Into<String>) -> StepError {
    let mut failure = Failure::unknown(message);
    failure.outcome = Outcome::Refused;
    failure
}
