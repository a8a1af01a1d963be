//! The shape of a mesh file: the one list of its keys, and the JSON schema made of it.
//!
//! These types are never built. The reader takes the known keys of each map from them, editors take
//! the schema; what a key means to a reader of the file stands in its doc comment.
#![expect(dead_code, reason = "the fields are read through their JSON schema")]

use super::model::{LogFormat, ObjectFormat};
use schemars::{JsonSchema, SchemaGenerator};
use std::collections::BTreeMap;

/// A mesh of services and what they depend on.
///
/// Of several files the later ones override the earlier, key by key; a null takes a value away.
/// Paths are relative to the file that they stand in.
/// In values, `${NAME}` is a variable, `${NAME:-default}` one with a default, `$${` a literal `${`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Mesh")]
pub(super) struct MeshFile {
    /// The name of the mesh. One of the files must give it.
    mesh: Option<String>,
    /// The folder of programs that `${bin}` stands for.
    bin: Option<String>,
    /// The programs under test, by name. Services, datastores, brokers, buckets, partners and ledgers share one
    /// namespace.
    services: Option<BTreeMap<String, Service>>,
    /// Databases by name.
    datastores: Option<BTreeMap<String, Datastore>>,
    /// Kafka clusters by name.
    brokers: Option<BTreeMap<String, Broker>>,
    /// Buckets of objects by name.
    buckets: Option<BTreeMap<String, Bucket>>,
    /// Third parties by name, played by stand-ins.
    partners: Option<BTreeMap<String, Partner>>,
    /// Ways of things through the mesh by name: their stages in order, of which the first is where a thing begins.
    ledgers: Option<BTreeMap<String, BTreeMap<String, Stage>>>,
    /// Names whose values are never told: those of the run's variables, and those that services are given under them.
    secrets: Option<Vec<String>>,
    /// Places whose content is never told, of messages and records: `header NAME`, or the JSONPath of a part of bodies.
    /// The headers Authorization, Proxy-Authorization, Cookie and Set-Cookie always are.
    redact: Option<Vec<String>>,
}

/// A program of the mesh, started by `command` or served already at `url`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Service {
    /// A shell command that builds it, run in the folder of the first mesh file.
    build: Option<String>,
    /// The program and its arguments; `${bin}`, `${port.NAME}` and `${edge.NAME}` are filled in.
    #[schemars(length(min = 1))]
    command: Option<Vec<Scalar>>,
    /// Where it is served already.
    url: Option<String>,
    /// The folder that it runs in.
    working_dir: Option<String>,
    /// Its environment. `${port.NAME}` is a port of its own; `${edge.NAME}` its way to a dependency, with the parts
    /// `.url`, `.host`, `.port`, `.user`, `.password` and `.database`; `${bin}` the folder of programs;
    /// `${ca}` the file of the run's CA, where TLS ends at one of its edges.
    environment: Option<BTreeMap<String, Scalar>>,
    /// Its ports by name.
    ports: Option<BTreeMap<String, Port>>,
    /// What it calls: services, datastores, brokers, buckets and partners. Each is an edge with a proxy of its own.
    depends_on: Option<Vec<String>>,
    /// Further addresses, `HOST:PORT`, under which it finds what it depends on, by dependency: what it has built in, such as
    /// `{ shop-db: [localhost:5432] }`. They need walls, host names of what speaks HTTP aside: without walls these are reached by
    /// the forward proxy that `HTTPS_PROXY` and `HTTP_PROXY` name.
    also_at: Option<BTreeMap<String, Vec<String>>>,
    /// The topics that it reads; it is ready once it holds all their partitions.
    consumes: Option<Vec<String>>,
    /// The roles that it can fill: names that stand in features where a service stands. The first service that provides a
    /// role fills it; `--role ROLE=SERVICE` chooses another.
    provides: Option<Vec<String>>,
    /// How it tells that it is ready.
    healthcheck: Option<Healthcheck>,
    /// Nothing that it does stays hidden for longer than this (`300ms`, `2s`): what it does between two things that show on
    /// its edges, a timer and the pause before a retry included. What a function writes that `SELECT` calls does not show.
    /// Without it the mesh is never held quiet.
    settle: Option<String>,
    /// With `true` its process may serve one scenario after another, which saves its start: each has its own edges and data
    /// nevertheless, and the process loses its connections in between. One that a fault harmed, or whose sandbox is not quiet
    /// when its scenario ends, is not reused. It takes a `settle` of every service, and walls: without walls each scenario
    /// starts its own.
    reuse: Option<bool>,
    /// The format of its log lines on standard output and standard error.
    logs: Option<Logs>,
    /// Whether its callers speak TLS to it. With `true` it ends at their edges, with a certificate of the run's own CA; with
    /// `passthrough` it passes as bytes, of which nothing can be told.
    tls: Option<Tls>,
    /// How long it may take to exit after SIGTERM (`10s` without it).
    stop_grace_period: Option<String>,
}

/// `true`, `false` or `passthrough`.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Tls {
    Ends(bool),
    Passes(Passthrough),
}

/// TLS passes as bytes.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Passthrough {
    Passthrough,
}

/// The format of log lines.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Logs {
    Format(LogFormat),
    Pattern(PlainLogs),
}

/// Lines of text that are like a pattern.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct PlainLogs {
    /// A regular expression whose groups are the fields of a line: `(?<level>[A-Z]+) (?<message>.*)`. `trace.id` is the
    /// trace that it belongs to.
    plain: String,
}

/// A text, number or boolean, taken as it is spelt.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Scalar {
    Text(String),
    Number(f64),
    Boolean(bool),
}

/// A port number.
#[derive(JsonSchema)]
#[schemars(transparent)]
struct Port(#[schemars(range(min = 1))] u16);

/// One of `http` and `tcp`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Healthcheck {
    /// The path of a GET that is answered with a status below 400 once the service is ready.
    http: Option<String>,
    /// The port for `http`; without it the one named `http`, else the only one.
    port: Option<String>,
    /// The port, by name, that accepts a connection once the service is ready.
    tcp: Option<String>,
}

/// A database.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Datastore {
    /// It lives on a Postgres server.
    postgres: Postgres,
    /// The service whose data it holds.
    owner: Option<String>,
    /// What each sandbox has of it for itself: its `data`, which is the default, or a `server` of its own, with its own roles,
    /// replication slots and prepared transactions. That takes longer to make.
    isolation: Option<Isolation>,
    /// Whether its callers speak TLS to it. It ends at their edges, with a certificate of the run's own CA (`${ca}`).
    tls: Option<bool>,
}

/// A Postgres database.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Postgres {
    /// What is in it from the start.
    schema: Option<Schema>,
    /// Whether the timeline shows the values in the statements of services, and the parameters beside them; without it a
    /// `?` stands for each.
    show_values: Option<bool>,
}

/// What is in a database from the start.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Schema {
    /// A file, or a folder whose `.sql` files are applied in the order of their names.
    sql: String,
}

/// A Kafka cluster.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Broker {
    /// How many nodes it has; 1 without it. With several, each is a broker of its own, found by clients at an address of its
    /// own, and of three or more one may die that is not the first, which alone is controller.
    #[schemars(range(min = 1, max = 9))]
    nodes: Option<u32>,
    /// Its topics by name. A topic stands on one broker only.
    topics: Option<BTreeMap<String, Topic>>,
    /// What each sandbox has of it for itself: its `data`, which is the default, or a `server` of its own, with its own
    /// settings, quotas, ACLs and users. That takes some seconds to make.
    isolation: Option<Isolation>,
    /// Whether its callers speak TLS to it. It ends at their edges, with a certificate of the run's own CA (`${ca}`).
    tls: Option<bool>,
}

/// What a sandbox has for itself.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Isolation {
    /// Databases, topics and groups, on a server that all sandboxes share.
    Data,
    /// The server.
    Server,
}

/// A topic.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Topic {
    /// How many partitions it has; 1 without it.
    #[schemars(range(min = 1))]
    partitions: Option<u32>,
    /// Kafka's own settings of a topic, such as `cleanup.policy: compact`.
    config: Option<BTreeMap<String, String>>,
}

/// A bucket of objects.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Bucket {
    /// The service whose data it holds.
    owner: Option<String>,
    /// Whether its callers speak TLS to it. It ends at their edges, with a certificate of the run's own CA (`${ca}`).
    tls: Option<bool>,
}

/// A third party, played by a stand-in.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Partner {
    /// The file of its rules.
    rules: String,
    /// Whether its callers speak TLS to it. It ends at their edges, with a certificate of the run's own CA (`${ca}`).
    tls: Option<bool>,
}

/// A stage of a ledger, which is one of `request`, `topic`, `bucket`, `table` and `partner`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Stage {
    /// `METHOD /path` of requests of the test client; those that are answered with 2xx count, and one without an answer
    /// may count. A segment of the path in braces stands for any. Only a first stage is one.
    request: Option<String>,
    /// The topic whose records count.
    topic: Option<String>,
    /// The bucket whose objects count, line by line.
    bucket: Option<String>,
    /// The table whose rows count.
    table: Option<String>,
    /// The partner; what it is sent in calls that it answers with 2xx counts.
    partner: Option<String>,
    /// Of a `request`, the service that it is sent to, or a list of those that it may be sent to; of a `table`, its
    /// datastore.
    of: Option<Names>,
    /// Of a `request`, where its ids stand: in the body of the `response`, as without it, or in that of the `request`.
    r#in: Option<Side>,
    /// Of a `bucket`, what the names of its objects begin with.
    under: Option<String>,
    /// Of a `bucket`, what its objects are; `ndjson` without it.
    format: Option<ObjectFormat>,
    /// Of a `table`, the column that tells the order of its rows; without it they have none.
    order: Option<String>,
    /// Where the ids stand: a JSONPath, which may lead to several (`$.event_ids[*]`) and of which a list counts as its
    /// elements; `header NAME` or `key` of a topic; a column of a table.
    id: Option<String>,
    /// Where the keys stand, of which each has an order of its own, told as an id is; of a `request` always in its own
    /// body, and of a topic the record's key where this is not given.
    key: Option<String>,
}

/// A name, or several.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

/// One of the two messages of an exchange.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Side {
    Request,
    Response,
}

/// The JSON schema of a mesh file, for editors; committed as `engine/mesh.schema.json`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(MeshFile).to_value()
}

/// The keys of a map of shape `T`, in their order.
pub(super) fn keys<T: JsonSchema>() -> Vec<String> {
    let shape = T::json_schema(&mut SchemaGenerator::default());
    let properties = shape.get("properties").and_then(|keys| keys.as_object());
    properties
        .map(|keys| keys.keys().cloned().collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_mesh_schema_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/mesh.schema.json");
        let fresh = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &fresh).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == fresh,
            "engine/mesh.schema.json is stale: refresh it with `UPDATE=1 cargo test -p momus-engine mesh_schema`"
        );
    }

    #[test]
    fn keys_come_in_the_order_of_the_shape() {
        assert_eq!(keys::<Healthcheck>(), ["http", "port", "tcp"]);
        assert_eq!(keys::<Service>()[..3], ["build", "command", "url"]);
    }
}
