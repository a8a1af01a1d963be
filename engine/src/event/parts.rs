//! What events are made of.

use serde::Serialize;

/// Where a scenario stands and what it is called.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct ScenarioPlace {
    /// The feature file as the user named it.
    pub file: String,
    /// The scenario's line, or the example row's for an outline.
    pub line: usize,
    /// The feature's name.
    pub feature: String,
    /// The rule's name, where it stands in one.
    pub rule: Option<String>,
    /// The scenario's name, placeholders filled in.
    pub name: String,
    /// Its tags, inherited ones included, with their `@`.
    pub tags: Vec<String>,
}

/// A step that calls a phrase, and that the phrase's steps stand under.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Frame {
    /// The file where it is written: the scenario's, or that of a phrase that calls another.
    pub file: String,
    /// Its line there.
    pub line: usize,
    /// Keyword and text, placeholders filled in.
    pub text: String,
}

/// What became of a service's process.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ServiceState {
    /// Its process runs.
    Started,
    /// It passed its healthcheck and consumes what it declares.
    Ready,
    /// It was told to stop (SIGTERM).
    Stopping,
    /// It was killed (SIGKILL).
    Killed,
    /// It was paused (SIGSTOP).
    Paused,
    /// It was resumed (SIGCONT).
    Resumed,
    /// Its process ended.
    Exited {
        /// Exit code or signal, in words.
        status: String,
        /// Whether a step had told it to.
        told: bool,
    },
}

/// What became of a fault.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FaultPhase {
    /// It is in force.
    Injected,
    /// It touched something.
    Struck,
    /// It is in force no more.
    Healed,
}
