//! Servers that a sandbox has for itself.

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::alter_client_quotas_request::{self, OpData};
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::{AlterClientQuotasRequest, ApiVersionsRequest, DescribeClientQuotasRequest};
use kafka_protocol::protocol::{Request, StrBytes};
use momus_engine::event::Happening;
use momus_engine::sandbox::Sandbox;
use momus_environments::servers::kafka::conversation::Conversation;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio_postgres::{Client, NoTls};

use crate::run::{Run, endpoint, happened, processes};
use crate::segments;

const MESH: &str = "mesh: own
datastores:
  shop-db: { postgres: { schema: { sql: sql } }, isolation: server }
  other-db: { postgres: {}, isolation: server }
  shared-db: { postgres: {} }
";

async fn open(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn database(sandbox: &Arc<dyn Sandbox>, name: &str) -> Client {
    open(&endpoint(sandbox, name).url).await
}

async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_database_server_has_only_once_is_each_sandboxs_own() {
    let run = Run::new(MESH);
    run.write_sql("CREATE ROLE reader; CREATE TABLE orders (id text); GRANT SELECT ON orders TO reader;");
    run.prepare().await.unwrap();
    let folder = run.run_folder();
    let ((one, _), (other, _)) = tokio::join!(run.sandbox("s0"), run.sandbox("s1"));
    for sandbox in [&one, &other] {
        let client = database(sandbox, "shop-db").await;
        for sql in [
            "CREATE ROLE auditor LOGIN PASSWORD 'eyes' IN ROLE reader",
            "INSERT INTO orders VALUES ('o-1')",
            "SELECT pg_create_logical_replication_slot('feed', 'pgoutput')",
            "BEGIN; INSERT INTO orders VALUES ('o-2'); PREPARE TRANSACTION 'second'",
        ] {
            client.batch_execute(sql).await.unwrap();
        }
        let roles = "SELECT count(*) FROM pg_roles WHERE rolname IN ('auditor', 'reader')";
        assert_eq!(number(&client, roles).await, 2);
        assert_eq!(number(&client, "SELECT count(*) FROM pg_replication_slots").await, 1);
        assert_eq!(number(&client, "SELECT count(*) FROM pg_prepared_xacts").await, 1);
        for (name, there) in [("other-db", 0), ("shared-db", 0)] {
            let client = database(sandbox, name).await;
            assert_eq!(number(&client, roles).await, there, "{name}");
        }
        let at = endpoint(sandbox, "shop-db");
        let url = format!(
            "postgres://auditor:eyes@{}:{}/shop-db?sslmode=disable",
            at.host, at.port
        );
        assert_eq!(number(&open(&url).await, "SELECT count(*) FROM orders").await, 1);
        let elsewhere = url.replace("/shop-db", "/shared-db");
        let refused = tokio_postgres::connect(&elsewhere, NoTls).await.err().unwrap();
        assert!(refused.to_string().contains("db error"), "{refused}");
    }
    for sandbox in [one, other] {
        sandbox.close().await.unwrap();
    }
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
    assert_eq!(processes(&folder), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scenario_has_one_that_others_share() {
    let run = Run::new(
        "mesh: own\ndatastores: { shop-db: { postgres: { schema: { sql: sql } } }, other-db: { postgres: {} } }\n",
    );
    let run = run.isolating(&["shop-db"]);
    run.write_sql("CREATE TABLE orders (id text);");
    run.prepare().await.unwrap();
    let folder = run.run_folder();
    let isolated = ["shop-db".to_owned()];
    let (own, shared) = tokio::join!(run.try_isolated("s0", &isolated), run.sandbox("s1"));
    let ((own, _), (shared, _)) = (own.unwrap(), shared);
    let client = database(&own, "shop-db").await;
    for sql in ["CREATE ROLE auditor", "INSERT INTO orders VALUES ('o-1')"] {
        client.batch_execute(sql).await.unwrap();
    }
    let roles = "SELECT count(*) FROM pg_roles WHERE rolname = 'auditor'";
    for (sandbox, name, there) in [(&own, "shop-db", 1), (&own, "other-db", 0), (&shared, "shop-db", 0)] {
        assert_eq!(number(&database(sandbox, name).await, roles).await, there, "{name}");
    }
    let orders = number(&database(&shared, "shop-db").await, "SELECT count(*) FROM orders").await;
    assert_eq!(orders, 0);
    own.close().await.unwrap();
    shared.close().await.unwrap();
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
    assert_eq!(processes(&folder), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_death_is_its_sandboxs_incident_alone() {
    for shared in ["", "  shared-db: { postgres: {} }\n"] {
        death(&MESH.replace("  shared-db: { postgres: {} }\n", shared)).await;
    }
}

async fn death(mesh: &str) {
    let (earlier, run) = (segments::all(), Run::new(mesh));
    run.write_sql("CREATE TABLE orders (id text);");
    run.prepare().await.unwrap();
    let ((one, _), (other, _)) = tokio::join!(run.sandbox("s0"), run.sandbox("s1"));
    let client = database(&one, "other-db").await;
    let backend = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", backend.get::<_, i32>(0))).unwrap();
    let parent = stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap();
    let segments = segments::made_by(parent.parse().unwrap(), &earlier);
    assert!(!segments.is_empty());
    let killed = std::process::Command::new("kill")
        .args(["-9", parent])
        .status()
        .unwrap();
    assert!(killed.success());
    let mut incident = one.incident();
    let told = tokio::time::timeout(Duration::from_secs(10), incident.wait_for(Option::is_some)).await;
    let told = told.unwrap().unwrap().clone().unwrap();
    assert_eq!(told.message, "the Postgres server of other-db died unasked: SIGKILL");
    assert!(other.incident().borrow().is_none());
    assert_eq!(number(&database(&other, "other-db").await, "SELECT 1::bigint").await, 1);
    one.close().await.unwrap();
    other.close().await.unwrap();
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
    // What kills a server from outside leaves the server's shared memory: it is not left by the run.
    assert!(segments::all().is_disjoint(&segments));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_made_is_told_as_such_and_not_as_a_death() {
    let mesh = "mesh: own\nbrokers:\n  kafka: { topics: { orders.v1: { config: { cleanup.policy: nonsense } } }, isolation: server }\n";
    for more in ["", "datastores: { shared-db: { postgres: {} } }\n"] {
        let run = Run::new(&format!("{mesh}{more}"));
        run.prepare().await.unwrap();
        let folder = run.run_folder();
        let failure = run.try_sandbox("s0").await.map(drop).unwrap_err();
        assert!(
            failure.message.starts_with("topic orders.v1 cannot be made: "),
            "{failure:?}"
        );
        assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
        assert_eq!(processes(&folder), Vec::<String>::new());
    }
}

const BROKERS: &str = "mesh: own
brokers:
  kafka: { topics: { orders.v1: { partitions: 2 } }, isolation: server }
  shared: { topics: { shared.v1: {} } }
";

/// The topics of a broker.
async fn topics(address: String) -> Vec<String> {
    let listed = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", address).create().unwrap();
        let metadata = consumer.fetch_metadata(None, Duration::from_secs(20)).unwrap();
        let mut names: Vec<String> = metadata.topics().iter().map(|it| it.name().to_owned()).collect();
        names.sort();
        names
    });
    listed.await.unwrap()
}

/// Whether the broker offers to alter quotas.
async fn offers_quotas(broker: &mut Conversation) -> bool {
    let offered = broker.ask(&ApiVersionsRequest::default(), 0).await.unwrap();
    let mut keys = offered.api_keys.iter().map(|api| api.api_key);
    keys.any(|key| key == AlterClientQuotasRequest::KEY)
}

/// The users for whom the broker has a quota.
async fn quotas(broker: &mut Conversation) -> Vec<String> {
    let any = ComponentData::default()
        .with_entity_type(StrBytes::from_static_str("user"))
        .with_match_type(2)
        .with_match(None);
    let asked = DescribeClientQuotasRequest::default().with_components(vec![any]);
    let answer = broker.ask(&asked, 1).await.unwrap();
    assert_eq!(answer.error_code, 0, "{answer:?}");
    let entities = answer.entries.into_iter().flatten().flat_map(|entry| entry.entity);
    entities
        .filter_map(|entity| Some(entity.entity_name?.to_string()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_of_its_own_has_its_topics_settings_and_quotas_alone() {
    let run = Run::new(BROKERS);
    run.prepare().await.unwrap();
    let folder = run.run_folder();
    let ((one, timeline), (other, _)) = tokio::join!(run.sandbox("s0"), run.sandbox("s1"));
    let address = endpoint(&one, "kafka").address;
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &address).create().unwrap();
    let topic = NewTopic::new("late.v1", 1, TopicReplication::Fixed(1));
    let made = admin.create_topics([&topic], &AdminOptions::new()).await.unwrap();
    assert!(made[0].is_ok(), "{made:?}");
    assert_eq!(topics(address.clone()).await, ["late.v1", "orders.v1"]);
    assert_eq!(topics(endpoint(&other, "kafka").address).await, ["orders.v1"]);

    let resource = AlterConfig::new(ResourceSpecifier::Broker(1)).set("log.cleaner.threads", "2");
    let altered = admin.alter_configs([&resource], &AdminOptions::new()).await.unwrap();
    assert!(altered[0].is_ok(), "{altered:?}");

    let mut broker = Conversation::open(&address).await.unwrap();
    let mut others = Conversation::open(&endpoint(&other, "kafka").address).await.unwrap();
    let mut shared = Conversation::open(&endpoint(&one, "shared").address).await.unwrap();
    assert!(offers_quotas(&mut broker).await && offers_quotas(&mut others).await);
    assert!(!offers_quotas(&mut shared).await);
    let alice = alter_client_quotas_request::EntityData::default()
        .with_entity_type(StrBytes::from_static_str("user"))
        .with_entity_name(Some(StrBytes::from_static_str("alice")));
    let rate = OpData::default()
        .with_key(StrBytes::from_static_str("producer_byte_rate"))
        .with_value(1e6);
    let quota = alter_client_quotas_request::EntryData::default()
        .with_entity(vec![alice])
        .with_ops(vec![rate]);
    let asked = AlterClientQuotasRequest::default().with_entries(vec![quota]);
    let answer = broker.ask(&asked, 1).await.unwrap();
    assert_eq!(answer.entries[0].error_code, 0);
    // The broker knows of it a little after its controller.
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    let known = async {
        while quotas(&mut broker).await != ["alice"] {
            looks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), known).await.unwrap();
    assert_eq!(quotas(&mut others).await, Vec::<String>::new());
    assert!(happened(&timeline, |it| {
        matches!(it, Happening::KafkaCall { api, about, .. } if api == "AlterClientQuotas" && about == "user alice")
    }));
    assert!(
        shared.ask(&asked, 1).await.is_err(),
        "what it does not offer ends the connection"
    );
    drop(admin);
    for sandbox in [one, other] {
        sandbox.close().await.unwrap();
    }
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
    assert_eq!(processes(&folder), Vec::<String>::new());
}
