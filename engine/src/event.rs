//! The one event type: plain data, `Send`, and the only way from a run to its reports.

mod own;
mod parts;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value as Json;

pub use self::parts::{FaultPhase, Frame, ScenarioPlace, ServiceState, StepPlace};
use crate::failure::Failure;
use crate::masks::Learned;
use crate::outcome::{Outcome, Summary};

/// One thing that happened in a run.
///
/// Serialised as one line of the timeline (NDJSON): the fields below, with those of [`Happening`]
/// beside them and its name in `event`.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// Wall-clock time, with microseconds.
    pub at: jiff::Timestamp,
    /// Time since the run began, in milliseconds.
    #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
    pub elapsed: Duration,
    /// The scenario's index in the plan; absent on events of the run as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<usize>,
    /// The sandbox that it happened in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Arc<str>>,
    /// The W3C trace id that the thing carried, 32 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub happening: Happening,
}

/// What an [`Event`] tells.
///
/// Names of parties (`caller`, `service`, `dependency`) are the mesh's own; the test client is `client`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// The run begins: everything is planned, nothing is started yet.
    RunStarted {
        /// Version of Momus.
        version: String,
        /// Seed of everything that is drawn; `--seed` repeats it.
        seed: u64,
        /// The mesh's name; absent when no scenario asks for one.
        mesh: Option<String>,
        /// How many scenarios were selected.
        scenarios: usize,
    },
    /// Something that the user should know and that is not an error, said once (the mock broker, for one).
    Notice {
        /// The text, one line.
        text: String,
    },
    /// A file of the user's is in error, and therefore nothing was started.
    FileError {
        /// The file as the user named it.
        file: String,
        /// The line, from 1; absent where it is the file as a whole.
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<usize>,
        /// What is wrong.
        message: String,
        /// What the user may do.
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
    /// What is being done at this moment (a build, a download), for a person who waits.
    Progress {
        /// The text, one line.
        text: String,
    },
    /// A server of the run (broker, database server) is up.
    ServerReady {
        /// Its name, such as `kafka`.
        server: String,
        /// Its product and version, such as `Apache Kafka 4.4.0`.
        version: String,
        /// How long it took.
        #[serde(rename = "took_ms", serialize_with = "milliseconds")]
        took: Duration,
    },
    /// A scenario begins.
    ScenarioStarted {
        /// Where the scenario stands and what it is called.
        place: Arc<ScenarioPlace>,
        /// Which try of it this is, from 1.
        attempt: usize,
    },
    /// The scenario's sandbox is ready.
    SandboxReady {
        /// What each part cost: name (`databases`, `topics`, `services`, …) and time.
        #[serde(serialize_with = "named_milliseconds")]
        parts: Vec<(String, Duration)>,
    },
    /// A sandbox that was made ahead is claimed: the scenario's own time begins.
    SandboxClaimed {
        /// How long the scenario waited for it.
        #[serde(rename = "waited_ms", serialize_with = "milliseconds")]
        waited: Duration,
    },
    /// A step begins.
    StepStarted {
        /// Its index among the scenario's steps, those of its Background and of the phrases that it calls included.
        step: usize,
        /// Where it stands and what it says.
        #[serde(flatten)]
        place: Arc<StepPlace>,
    },
    /// A step ended.
    StepFinished {
        /// Its index among the scenario's steps.
        step: usize,
        /// Passed, failed, unknown, or skipped because an earlier one did not pass.
        outcome: Outcome,
        /// How long it ran.
        #[serde(rename = "took_ms", serialize_with = "milliseconds")]
        took: Duration,
        /// Why it did not pass.
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// An HTTP request was seen on an edge, or sent by the test client.
    Request {
        /// Ties the response to the request, unique within the run.
        exchange: u64,
        /// Who sent it.
        caller: String,
        /// Whom it was for.
        dependency: String,
        /// HTTP method.
        method: String,
        /// Path and query.
        path: String,
    },
    /// The response to a [`Happening::Request`] was seen.
    Response {
        /// The request's number.
        exchange: u64,
        /// Who had sent the request.
        caller: String,
        /// Who answered.
        dependency: String,
        /// The request's method.
        method: String,
        /// The request's path and query.
        path: String,
        /// HTTP status; absent when the connection ended in place of an answer.
        status: Option<u16>,
        /// What gRPC says of the call: `grpc-status` of the trailers, or of a head that has no body.
        #[serde(skip_serializing_if = "Option::is_none")]
        grpc_status: Option<u16>,
        /// From the request's first byte to the response's last.
        #[serde(rename = "took_ms", serialize_with = "milliseconds")]
        took: Duration,
    },
    /// A connection was opened or closed on an edge, or could not be.
    Connection {
        /// Who connects.
        caller: String,
        /// To what.
        dependency: String,
        /// Opened, closed, refused or reset, and why where it is known.
        what: String,
    },
    /// A service within walls, or one that has a forward proxy, tried to reach what none of its edges leads to.
    Beyond {
        /// Who tried.
        service: String,
        /// An address with its port, or a name that was asked for.
        to: String,
        /// What became of it.
        what: String,
    },
    /// A Kafka call with an effect or an error went over an edge (Produce, OffsetCommit, JoinGroup, …).
    KafkaCall {
        /// Who called.
        caller: String,
        /// The broker's name in the mesh.
        broker: String,
        /// The API's name, such as `Produce`.
        api: String,
        /// What it was about, in the sandbox's own names: `events ×3 [partition 0]`.
        about: String,
        /// The protocol's error code where it was not 0.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<i16>,
    },
    /// A database session was opened over an edge.
    DatabaseSession {
        /// Who connects.
        caller: String,
        /// The datastore's name in the mesh.
        datastore: String,
        /// The role that it uses.
        role: String,
    },
    /// A statement of a service was answered, over an edge. What changes nothing stands there again only where it is
    /// answered otherwise than last time.
    Statement {
        /// Who asked.
        caller: String,
        /// The datastore's name in the mesh.
        datastore: String,
        /// Its text in one line, without comments; `?` stands for each value unless the mesh says `show_values`.
        text: String,
        /// The tables and views that it names, as it names them; absent where the text cannot be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        tables: Option<Arc<[String]>>,
        /// Its parameters, where the mesh says `show_values`: texts, or bytes as `\x2a`; null is NULL.
        #[serde(skip_serializing_if = "Option::is_none")]
        parameters: Option<Vec<Option<String>>>,
        /// How many rows it answered with or changed, where it tells.
        #[serde(skip_serializing_if = "Option::is_none")]
        rows: Option<u64>,
        /// The SQLSTATE of its error.
        #[serde(skip_serializing_if = "Option::is_none")]
        sqlstate: Option<String>,
        /// From its message to its answer's end.
        #[serde(rename = "took_ms", serialize_with = "milliseconds")]
        took: Duration,
    },
    /// A record was seen in a topic by the test client.
    Record {
        /// The topic's name in the mesh.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
        /// Its key, as text.
        key: Option<String>,
        /// Its headers, as text.
        headers: Vec<(String, String)>,
        /// Its value: JSON, or text where it is not JSON.
        value: Json,
    },
    /// Rows were looked at.
    Rows {
        /// The datastore.
        datastore: String,
        /// The table.
        table: String,
        /// How many rows there were.
        rows: usize,
    },
    /// A bucket was looked at.
    Objects {
        /// The bucket.
        bucket: String,
        /// The names that were there.
        names: Vec<String>,
    },
    /// A partner was called: its stand-in answered, or a fault in its place.
    PartnerCall {
        /// The partner.
        partner: String,
        /// HTTP method.
        method: String,
        /// Path and query.
        path: String,
        /// The request's headers, names in lower case, as text.
        headers: Vec<(String, String)>,
        /// The status of the answer.
        status: u16,
        /// The request's body: JSON, or text where it is not JSON.
        body: Json,
    },
    /// A service wrote a line to its log.
    Log {
        /// The service.
        service: String,
        /// `error`, `warn`, `info`, … where the line tells.
        level: Option<String>,
        /// The message, or the whole line where it could not be parsed.
        message: String,
        /// The whole line as JSON, where it is JSON; else the fields that its pattern gives it, if it has one.
        document: Option<Json>,
    },
    /// A service sent a metric (DogStatsD).
    Metric {
        /// The service.
        service: String,
        /// The metric's name.
        name: String,
        /// `c`, `g`, `ms`, `h`, `s` or `d`.
        kind: String,
        /// The value as it stood in the datagram.
        value: String,
        /// The share of measurements that were sent, over 0 and at most 1.
        rate: f64,
        /// Its tags.
        tags: Vec<String>,
    },
    /// A service sent an event to the metrics agent (DogStatsD).
    AgentEvent {
        /// The service.
        service: String,
        /// Its title.
        title: String,
        /// Its text.
        text: String,
        /// What it says of itself besides, by DogStatsD's names: `alert_type`, `priority`, `host`, `source_type_name`,
        /// `aggregation_key`.
        fields: Vec<(String, String)>,
        /// Its tags.
        tags: Vec<String>,
    },
    /// A service sent a service check to the metrics agent (DogStatsD).
    ServiceCheck {
        /// The service.
        service: String,
        /// The check's name.
        name: String,
        /// `ok`, `warning`, `critical` or `unknown`.
        status: String,
        /// Its message.
        message: Option<String>,
        /// The host.
        host: Option<String>,
        /// Its tags.
        tags: Vec<String>,
    },
    /// A service's process changed state: started, ready, paused, resumed, exited.
    Service {
        /// The service.
        service: String,
        /// The state.
        state: ServiceState,
    },
    /// A fault was injected, struck or was healed.
    Fault {
        /// Its name, as `the … has struck` takes it.
        fault: String,
        /// What became of it.
        phase: FaultPhase,
    },
    /// An expectation was judged.
    Expectation {
        /// What was expected.
        expected: String,
        /// What was seen last.
        seen: String,
        /// Whether it held.
        held: bool,
        /// How many observations were made.
        looks: u32,
    },
    /// A try of a scenario ended, its faults healed.
    ScenarioFinished {
        /// What the scenario comes to: of tries before this one that failed, and of this one, flaky or failed.
        outcome: Outcome,
        /// Whether it failed and is to be tried again, when all scenarios have been tried, unless the run is stopped.
        will_be_retried: bool,
        /// How long it took, its sandbox included.
        #[serde(rename = "took_ms", serialize_with = "milliseconds")]
        took: Duration,
        /// Why, where it did not pass because of something else than a step.
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
        /// The folder with the logs of its services, `SERVICE.log` each; it goes with the run.
        #[serde(skip)]
        logs: Option<PathBuf>,
        /// What stood at secret places in it, for whoever tells those logs.
        #[serde(skip)]
        learned: Arc<Learned>,
    },
    /// The run ended.
    RunFinished {
        /// The counts.
        summary: Summary,
    },
}

fn milliseconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(rounded(*duration))
}

fn named_milliseconds<S: serde::Serializer>(parts: &[(String, Duration)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(parts.iter().map(|(name, took)| (format!("{name}_ms"), rounded(*took))))
}

/// Milliseconds with three digits behind the point.
fn rounded(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
