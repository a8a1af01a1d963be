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
    /// Whether it is a row of an outline's examples; the timeline tells it by the line.
    #[serde(skip)]
    pub is_example_row: bool,
}

/// Where a step stands and what it says.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct StepPlace {
    /// The file where it is written, where that is not the scenario's: that of a phrase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Its line there.
    pub line: usize,
    /// Keyword and text as the user wrote them, placeholders of an outline or a phrase filled in.
    pub text: String,
    /// The calls of phrases that it stands under, outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Frame>,
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
    /// Its process outlives the sandbox, for another one.
    Left,
    /// Its process served another sandbox before.
    Reused,
    /// Its process could have served another sandbox, and does not.
    NotReusable {
        /// Why.
        why: String,
    },
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
