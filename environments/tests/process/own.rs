//! Servers that a sandbox has for itself.

use std::sync::Arc;
use std::time::Duration;

use momus_engine::sandbox::Sandbox;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio_postgres::{Client, NoTls};

use crate::run::{Run, endpoint, processes};

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
async fn its_death_is_its_sandboxs_incident_alone() {
    let run = Run::new(MESH);
    run.write_sql("CREATE TABLE orders (id text);");
    run.prepare().await.unwrap();
    let ((one, _), (other, _)) = tokio::join!(run.sandbox("s0"), run.sandbox("s1"));
    let client = database(&one, "other-db").await;
    let backend = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", backend.get::<_, i32>(0))).unwrap();
    let parent = stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap();
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
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_of_its_own_has_its_topics_and_settings_alone() {
    let run =
        Run::new("mesh: own\nbrokers: { kafka: { topics: { orders.v1: { partitions: 2 } }, isolation: server } }\n");
    run.prepare().await.unwrap();
    let folder = run.run_folder();
    let ((one, _), (other, _)) = tokio::join!(run.sandbox("s0"), run.sandbox("s1"));
    let address = endpoint(&one, "kafka").address;
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &address).create().unwrap();
    let topic = NewTopic::new("late.v1", 1, TopicReplication::Fixed(1));
    let made = admin.create_topics([&topic], &AdminOptions::new()).await.unwrap();
    assert!(made[0].is_ok(), "{made:?}");
    let topics = |address: String| {
        tokio::task::spawn_blocking(move || {
            let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", address).create().unwrap();
            let metadata = consumer.fetch_metadata(None, Duration::from_secs(20)).unwrap();
            let mut names: Vec<String> = metadata.topics().iter().map(|it| it.name().to_owned()).collect();
            names.sort();
            names
        })
    };
    assert_eq!(topics(address).await.unwrap(), ["late.v1", "orders.v1"]);
    assert_eq!(topics(endpoint(&other, "kafka").address).await.unwrap(), ["orders.v1"]);
    drop(admin);
    for sandbox in [one, other] {
        sandbox.close().await.unwrap();
    }
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
    assert_eq!(processes(&folder), Vec::<String>::new());
}
