//! What a mesh is made of.

use super::also_at::AlsoAt;
use super::nearest::nearest;
use super::place::{Located, Place};
use super::template::{Reference, Template};
use super::tls::Tls;
use indexmap::IndexMap;
use regex::Regex;
use std::path::PathBuf;
use std::time::Duration;

/// A program of the mesh. Every name in it is known to exist.
#[derive(Debug, Clone)]
pub struct Service {
    /// Where it is declared.
    pub place: Place,
    /// A shell command that builds it, run in the mesh's folder.
    pub build: Option<Located<String>>,
    /// What it is reached by.
    pub source: Source,
    /// The folder that it runs in, absolute; without one, the mesh's folder.
    pub working_dir: PathBuf,
    /// Its environment, by variable.
    pub environment: IndexMap<String, Located<Template>>,
    /// Its ports by name, with the number that it listens on where nothing else is chosen for it.
    pub ports: IndexMap<String, u16>,
    /// Its edges, in the file's order, the built-in ones that it lists included.
    pub depends_on: Vec<Located<String>>,
    /// Further addresses under which it finds them: within walls, and what speaks HTTP without them, too.
    pub also_at: AlsoAt,
    /// The topics whose partitions it must hold before it is ready.
    pub consumes: Vec<Located<String>>,
    /// The roles that it can fill.
    pub provides: Vec<Located<String>>,
    /// How it tells that it is ready.
    pub healthcheck: Option<Located<Healthcheck>>,
    /// Nothing that it does stays hidden for longer than this; without one it is never held quiet.
    pub settle: Option<Duration>,
    /// Where it says that one process of it may serve one sandbox after another.
    pub reuse: Option<Place>,
    /// The format of what it writes to standard output; without one its lines are not parsed.
    pub logs: Option<LogFormat>,
    /// What its lines of plain text are like: the groups of this are their fields, `level` and `message` before all.
    pub log_pattern: Option<Regex>,
    /// How the edges to it treat TLS.
    pub tls: Option<Tls>,
    /// How long it may take to exit after SIGTERM before SIGKILL follows; 10 s as in compose.
    pub stop_grace_period: Duration,
}

impl Service {
    /// The port that requests to it go to: the one named `http`, else its only one.
    pub fn http_port(&self) -> Option<&str> {
        http_port(&self.ports)
    }

    /// Whom it has an edge to: those that it depends on, and the built-in edges that its values name.
    pub fn dependencies(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.depends_on.iter().map(|name| name.value.as_str()).collect();
        let command = match &self.source {
            Source::Command(command) => command.value.as_slice(),
            Source::Url(_) => &[],
        };
        let values = self.environment.values().map(|value| &value.value);
        for reference in values.chain(command).flat_map(|template| template.references()) {
            if let Reference::Edge { name, .. } = &reference.value
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        }
        names
    }
}

pub(super) fn http_port(ports: &IndexMap<String, u16>) -> Option<&str> {
    let only = match ports.len() {
        1 => ports.keys().next(),
        _ => None,
    };
    let named = ports.get_key_value("http").map(|(name, _)| name);
    named.or(only).map(String::as_str)
}

/// What a service is reached by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A program to start, and its arguments; at least the program.
    Command(Located<Vec<Template>>),
    /// It is served already, at this URL.
    Url(Located<String>),
}

/// How a service tells that it is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Healthcheck {
    /// A GET of `path` is answered with a status below 400.
    Http {
        /// Begins with `/`.
        path: String,
        /// One of the service's ports; `None` only where the service has a `url`.
        port: Option<String>,
    },
    /// A connection to the port is accepted.
    Tcp {
        /// One of the service's ports.
        port: String,
    },
}

/// The format of a service's log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, schemars::JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum LogFormat {
    /// JSON in the Elastic Common Schema (`log.level`, `message`, `@timestamp`).
    Ecs,
    /// JSON of another shape.
    Json,
    /// Lines of text.
    Plain,
}

/// A database on a Postgres server.
#[derive(Debug, Clone)]
pub struct Datastore {
    /// Where it is declared.
    pub place: Place,
    /// What is in it from the start, if anything.
    pub schema: Option<Located<Schema>>,
    /// Whether the timeline shows the values in statements, their parameters among them.
    pub shows_values: bool,
    /// What sandboxes have of it for themselves.
    pub isolation: Isolation,
    /// How the edges to it treat TLS.
    pub tls: Option<Tls>,
    /// The service whose data it holds.
    pub owner: Option<Located<String>>,
}

/// What a sandbox has for itself of a server that others use as well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Its data: a database, topics and groups, under names that no other sandbox has.
    #[default]
    Data,
    /// The whole server: also what a server has only once, such as roles, replication slots and quotas.
    Server,
}

/// What is in a datastore from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schema {
    /// These files, absolute, applied one after another.
    Sql(Vec<PathBuf>),
}

/// A Kafka cluster.
#[derive(Debug, Clone)]
pub struct Broker {
    /// Where it is declared.
    pub place: Place,
    /// How many nodes it has, from 1 to 9; 1 where the file says nothing.
    pub nodes: u32,
    /// Its topics by name.
    pub topics: IndexMap<String, Topic>,
    /// What sandboxes have of it for themselves.
    pub isolation: Isolation,
    /// How the edges to it treat TLS.
    pub tls: Option<Tls>,
}

/// A topic of a broker.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Where it is declared.
    pub place: Place,
    /// At least 1, and 1 where the file says nothing.
    pub partitions: u32,
    /// Kafka's own settings of a topic, such as `cleanup.policy`.
    pub config: IndexMap<String, String>,
}

/// A bucket of objects.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// How the edges to it treat TLS.
    pub tls: Option<Tls>,
    /// Where it is declared.
    pub place: Place,
    /// The service whose data it holds.
    pub owner: Option<Located<String>>,
}

/// A third party, played by a stand-in.
#[derive(Debug, Clone)]
pub struct Partner {
    /// How the edges to it treat TLS.
    pub tls: Option<Tls>,
    /// Where it is declared.
    pub place: Place,
    /// The file of its rules, absolute.
    pub rules: Located<PathBuf>,
}

/// The way of things through the mesh: where they begin, and where they come to.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// Where it is declared.
    pub place: Place,
    /// Its stages by name, at least two, in their order: a thing begins in the first.
    pub stages: IndexMap<String, Stage>,
}

impl Ledger {
    /// The name of the stage in which things begin, and the stage.
    pub fn first(&self) -> Option<(&str, &Stage)> {
        self.stages.first().map(|(name, stage)| (name.as_str(), stage))
    }

    /// The stage that `name` is most likely a slip of.
    pub fn suggest(&self, name: &str) -> Option<&str> {
        nearest(name, self.stages.keys().map(String::as_str))
    }
}

/// A stage of a ledger: a place in the mesh where its things are seen.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Where it is declared.
    pub place: Place,
    /// Where its things are seen.
    pub site: Site,
    /// Where their ids stand: a JSONPath; `header NAME` or `key` of a topic; a column of a table.
    pub id: Located<String>,
    /// Where their keys stand, of which each has an order of its own.
    pub key: Option<Located<String>>,
}

/// Where the things of a ledger are seen.
#[derive(Debug, Clone)]
pub enum Site {
    /// A request of the test client that is answered with 2xx. Only a first stage is one.
    Request {
        /// HTTP method.
        method: String,
        /// Path without a query; a segment in braces stands for any.
        path: String,
        /// The services that it may be sent to; at least one.
        of: Vec<Located<String>>,
        /// Whether the ids stand in the request's body, and not in the response's.
        in_request: bool,
    },
    /// A record of this topic.
    Topic(Located<String>),
    /// A line of an object, or a whole one.
    Bucket {
        /// The bucket.
        bucket: Located<String>,
        /// What the objects' names begin with.
        under: String,
        /// What the objects are.
        format: ObjectFormat,
    },
    /// A row of a table.
    Table {
        /// The table, perhaps `schema.table`.
        table: String,
        /// The datastore.
        of: Located<String>,
        /// The column whose values tell the order of the rows.
        order: Option<String>,
    },
    /// A call to this partner that is answered with 2xx.
    Partner(Located<String>),
}

/// What the objects of a bucket are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, schemars::JsonSchema)]
pub enum ObjectFormat {
    /// A JSON value a line.
    #[schemars(rename = "ndjson")]
    Ndjson,
    /// A JSON value a line, compressed with gzip.
    #[schemars(rename = "ndjson.gz")]
    NdjsonGz,
    /// One JSON value.
    #[schemars(rename = "json")]
    Json,
}

/// What a name of the mesh stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A program.
    Service,
    /// A database.
    Datastore,
    /// A Kafka cluster.
    Broker,
    /// A topic of a broker.
    Topic,
    /// A bucket of objects.
    Bucket,
    /// A third party.
    Partner,
    /// A way of things through the mesh.
    Ledger,
    /// What several services can do, of which one does it in a run.
    Role,
    /// An edge that every service may name: one of [`BUILT_INS`].
    BuiltIn,
}

/// The edges that every service may name without depending on them.
pub const BUILT_INS: [&str; 2] = ["statsd", "logs"];

impl Kind {
    /// What a service may depend on, and has an edge to.
    pub const EDGES: [Kind; 6] = [
        Kind::Service,
        Kind::Datastore,
        Kind::Broker,
        Kind::Bucket,
        Kind::Partner,
        Kind::BuiltIn,
    ];

    /// Whether what is of this kind may stand where a step takes one of `kinds`: a role stands where a service stands.
    pub fn is_one_of(self, kinds: &[Kind]) -> bool {
        kinds.contains(&self) || (self == Kind::Role && kinds.contains(&Kind::Service))
    }

    /// The word for it in a sentence.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Service => "service",
            Kind::Datastore => "datastore",
            Kind::Broker => "broker",
            Kind::Topic => "topic",
            Kind::Bucket => "bucket",
            Kind::Partner => "partner",
            Kind::Ledger => "ledger",
            Kind::Role => "role",
            Kind::BuiltIn => "built-in edge",
        }
    }
}
