//! The world of a scenario: what its steps share.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use crate::eventually::{self, Look, Pace, Patience};
use crate::extensions::Extensions;
use crate::failure::{Failure, StepError};
use crate::files::Files;
use crate::injection::Injections;
use crate::mesh::Mesh;
use crate::sandbox::{CLIENT, Endpoint, Sandbox};
use crate::scopes::Scopes;
use crate::template::{Key, Reference, Template};
use crate::timeline::Timeline;
use crate::timing::Timing;
use crate::values::Values;

/// What the steps of one scenario share. Made by the runner.
pub struct World {
    /// The mesh under test, where there is one.
    pub mesh: Option<Arc<Mesh>>,
    /// What happened so far.
    pub timeline: Timeline,
    /// What `${…}` stands for.
    pub values: Values,
    /// The faults of the scenario.
    pub injections: Injections,
    /// How long `eventually` waits where the step says nothing.
    pub deadline: Duration,
    /// Whether `eventually` and `never` end once the mesh is quiet; else the deadline counts.
    pub early: bool,
    /// When waiting ends for whatever waits at this point, an earlier expectation having failed there.
    pub(crate) patience_ends: Option<tokio::time::Instant>,
    /// When the last step ended that drove the mesh; none before the first.
    pub acted: Option<tokio::time::Instant>,
    /// Where the files are looked for that the current step names.
    pub files: Files,
    /// What the vocabulary keeps from step to step.
    pub state: Extensions,
    /// What the vocabulary keeps from step to step, and what a phrase keeps to itself: the last response, for one.
    pub scopes: Scopes,
    pub(crate) sandbox: Option<Arc<dyn Sandbox>>,
}

impl World {
    /// The world of a scenario in which no step has run yet.
    pub fn new(
        mesh: Option<Arc<Mesh>>,
        sandbox: Option<Arc<dyn Sandbox>>,
        timeline: Timeline,
        values: Values,
        deadline: Duration,
        early: bool,
    ) -> Self {
        Self {
            mesh,
            timeline,
            values,
            injections: Injections::default(),
            deadline,
            early,
            patience_ends: None,
            acted: None,
            files: Files::default(),
            state: Extensions::default(),
            scopes: Scopes::default(),
            sandbox,
        }
    }

    /// A world for what goes on beside the steps: it reads what they have kept so far, keeps to itself what it keeps, and
    /// draws for itself.
    pub fn beside(&mut self) -> Self {
        let mut beside = Self::new(
            self.mesh.clone(),
            self.sandbox.clone(),
            self.timeline.clone(),
            self.values.beside(),
            self.deadline,
            self.early,
        );
        beside.files = self.files.clone();
        beside
    }

    /// The sandbox.
    ///
    /// # Errors
    /// When the scenario has none: its steps name nothing of the mesh.
    pub fn sandbox(&self) -> Result<Arc<dyn Sandbox>, StepError> {
        self.sandbox
            .clone()
            .ok_or_else(|| Failure::unknown("the scenario has no sandbox: nothing of the mesh is named in it"))
    }

    /// Where the test client finds a thing of the mesh.
    ///
    /// # Errors
    /// When it has no edge to it.
    pub fn client(&self, dependency: &str) -> Result<Endpoint, StepError> {
        self.sandbox()?
            .endpoint(CLIENT, dependency)
            .ok_or_else(|| Failure::unknown(format!("the test client has no edge to {dependency}")))
    }

    /// The broker of a topic.
    ///
    /// # Errors
    /// When no broker of the mesh has it.
    pub fn broker_of(&self, topic: &str) -> Result<String, StepError> {
        let found = self.mesh.as_ref().and_then(|mesh| mesh.topic(topic));
        found
            .map(|(broker, _)| broker.to_owned())
            .ok_or_else(|| Failure::unknown(format!("no broker of the mesh has a topic {topic}")))
    }

    /// Fills in a text.
    ///
    /// # Errors
    /// When a reference has no value.
    pub fn text(&mut self, text: &str) -> Result<String, StepError> {
        let template = Template::parse(text).map_err(Failure::failed)?;
        let (values, sandbox, mesh) = (&mut self.values, self.sandbox.as_deref(), self.mesh.as_deref());
        template.text(|reference| values.resolve(reference, |reference| of_the_mesh(sandbox, mesh, reference)))
    }

    /// Fills in a text; a lone reference keeps its type.
    ///
    /// # Errors
    /// When a reference has no value.
    pub fn value(&mut self, text: &str) -> Result<Json, StepError> {
        let template = Template::parse(text).map_err(Failure::failed)?;
        let (values, sandbox, mesh) = (&mut self.values, self.sandbox.as_deref(), self.mesh.as_deref());
        template.value(|reference| values.resolve(reference, |reference| of_the_mesh(sandbox, mesh, reference)))
    }

    /// Looks until the expectation is judged, at what can be looked at without a service's notice: see
    /// [`eventually::expect`].
    ///
    /// # Errors
    /// The failed expectation, or the first error of `look`.
    pub async fn expect<F, L>(&self, timing: Timing, expected: &str, look: F) -> Result<(), StepError>
    where
        F: FnMut() -> L,
        L: Future<Output = Result<Look, StepError>>,
    {
        eventually::expect(&self.timeline, self.patience(timing, Pace::Prompt), expected, look).await
    }

    /// Asks services until the expectation is judged: see [`eventually::expect`].
    ///
    /// # Errors
    /// The failed expectation, or the first error of `look`.
    pub async fn poll<F, L>(&self, timing: Timing, expected: &str, look: F) -> Result<(), StepError>
    where
        F: FnMut() -> L,
        L: Future<Output = Result<Look, StepError>>,
    {
        eventually::expect(&self.timeline, self.patience(timing, Pace::Patient), expected, look).await
    }

    fn patience(&self, timing: Timing, pace: Pace) -> Patience {
        Patience {
            timing,
            pace,
            deadline: self.deadline,
            early: self.early,
            ends: self.patience_ends,
        }
    }
}

/// What `${service.NAME.url}` and `${edge.CALLER.NAME.host}` stand for.
fn of_the_mesh(sandbox: Option<&dyn Sandbox>, mesh: Option<&Mesh>, reference: &Reference) -> Option<Json> {
    let names: Vec<&str> = reference
        .path
        .iter()
        .map(|key| match key {
            Key::Member(name) => Some(name.as_str()),
            Key::Element(_) => None,
        })
        .collect::<Option<_>>()?;
    let filled = |name| mesh.map_or(name, |mesh| mesh.filled(name));
    let (endpoint, part) = match (reference.head.as_str(), names.as_slice()) {
        ("service", [service, part]) => (sandbox?.endpoint(CLIENT, filled(service))?, Some(*part)),
        ("edge", [caller, dependency]) => (sandbox?.endpoint(filled(caller), filled(dependency))?, None),
        ("edge", [caller, dependency, part]) => (sandbox?.endpoint(filled(caller), filled(dependency))?, Some(*part)),
        _ => return None,
    };
    match part {
        Some(part) => endpoint.part(part).map(Json::String),
        None => Some(Json::String(endpoint.address)),
    }
}
