//! What the run asks of an environment: a sandbox for each scenario, and what can be done to it.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value as Json;
use tokio::sync::watch;

use crate::extensions::Extensions;
use crate::failure::StepError;
use crate::plan::{Plan, PlannedScenario};
use crate::run::Teller;
use crate::timeline::Timeline;

/// The name of the test client as a caller: every dependency has an edge from it, too.
pub const CLIENT: &str = "client";

/// Where a caller finds a dependency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// The address as that kind is usually given: `host:port` of a broker, a URL of everything that has one.
    pub address: String,
    /// Its URL, such as `http://127.0.0.1:8080` or `postgres://user:password@127.0.0.1:5432/database`.
    pub url: String,
    /// Host name or address.
    pub host: String,
    /// TCP or UDP port.
    pub port: u16,
    /// Role of a datastore, access key of a bucket.
    pub user: Option<String>,
    /// Password of a datastore, secret key of a bucket.
    pub password: Option<String>,
    /// Database of a datastore, name of a bucket.
    pub database: Option<String>,
}

impl Endpoint {
    /// The part that `${edge.NAME.PART}` means.
    pub fn part(&self, part: &str) -> Option<String> {
        match part {
            "url" => Some(self.url.clone()),
            "host" => Some(self.host.clone()),
            "port" => Some(self.port.to_string()),
            "user" => self.user.clone(),
            "password" => self.password.clone(),
            "database" => self.database.clone(),
            _ => None,
        }
    }
}

/// What a partner's stand-in is told to answer from now on, before its own rules are asked.
#[derive(Clone, Debug, PartialEq)]
pub struct PartnerAnswer {
    /// HTTP method of the requests that it is for.
    pub method: String,
    /// Path of the requests that it is for; a query is left aside.
    pub path: String,
    /// HTTP status.
    pub status: u16,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body, if there is to be one.
    pub body: Option<Json>,
}

/// An isolated copy of the mesh for one scenario.
#[async_trait]
pub trait Sandbox: Send + Sync {
    /// Where `caller` finds `dependency`; a service's own name or [`CLIENT`] for the caller.
    fn endpoint(&self, caller: &str, dependency: &str) -> Option<Endpoint>;

    /// What the environment and the vocabulary share beyond this trait: the proxies' edges, for one.
    fn extensions(&self) -> &Extensions;

    /// Kills a service (SIGKILL), it and all its processes.
    ///
    /// # Errors
    /// When it does not run.
    async fn kill(&self, service: &str) -> Result<(), StepError>;

    /// Pauses a service (SIGSTOP).
    ///
    /// # Errors
    /// When it does not run.
    async fn pause(&self, service: &str) -> Result<(), StepError>;

    /// Resumes a paused service (SIGCONT).
    ///
    /// # Errors
    /// When it does not run.
    async fn resume(&self, service: &str) -> Result<(), StepError>;

    /// Starts a service that does not run, and returns at once.
    ///
    /// # Errors
    /// When it runs already, or its program cannot be started.
    async fn start(&self, service: &str) -> Result<(), StepError>;

    /// Ends a service (SIGTERM, SIGKILL after its `stop_grace_period`), starts it and waits until it is ready.
    ///
    /// # Errors
    /// When it does not run, cannot be started or does not become ready.
    async fn restart(&self, service: &str) -> Result<(), StepError>;

    /// Returns when the service is ready: its healthcheck passes and it holds every partition that it consumes.
    ///
    /// # Errors
    /// When it exits before.
    async fn ready(&self, service: &str) -> Result<(), StepError>;

    /// Tells a partner's stand-in what to answer.
    ///
    /// # Errors
    /// When the mesh has no such partner.
    async fn answer(&self, partner: &str, answer: PartnerAnswer) -> Result<(), StepError>;

    /// What went wrong without a step: a service that exited untold, a server of the run that died, a call that the
    /// mock broker lacks. The first of them ends the scenario.
    fn incident(&self) -> watch::Receiver<Option<StepError>>;

    /// The folder with the logs of its services, `SERVICE.log` each; it goes with the run.
    fn logs(&self) -> Option<PathBuf>;

    /// Ends its services and removes its data.
    ///
    /// # Errors
    /// When something could not be removed.
    async fn close(&self) -> Result<(), StepError>;
}

/// Where sandboxes are made.
#[async_trait]
pub trait Environment: Send + Sync {
    /// Builds services and starts servers: everything that the plan's sandboxes share.
    ///
    /// # Errors
    /// Why it cannot be: every scenario that needs a sandbox comes to the failure's outcome.
    async fn prepare(&self, plan: &Plan, teller: &Teller) -> Result<(), StepError>;

    /// Why the scenario cannot have a sandbox here, told before anything starts; `None` when it can.
    fn refuses(&self, scenario: &PlannedScenario) -> Option<StepError>;

    /// How many sandboxes there is room for at a time, and what there is too little of for more; `None` where that cannot be
    /// told. Asked after [`Environment::prepare`].
    fn room(&self) -> Option<(usize, String)> {
        None
    }

    /// Makes a sandbox; its name is the timeline's. Besides what the mesh isolates it has servers of its own for these
    /// datastores and brokers.
    ///
    /// # Errors
    /// When something of it could not be provisioned, started or made ready.
    async fn sandbox(&self, timeline: Timeline, isolated: &[String]) -> Result<Arc<dyn Sandbox>, StepError>;

    /// Ends what [`Environment::prepare`] started. Returns what the sandboxes left on the servers, by name.
    ///
    /// # Errors
    /// When the servers could not be looked at, or did not end.
    async fn close(&self) -> Result<Vec<String>, StepError>;
}
