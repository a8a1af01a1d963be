//! The end of a run: what is left on its servers is named, and nothing of the run itself is left.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio_postgres::NoTls;

use crate::run::{MESH, Run, endpoint, processes};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_on_the_servers_is_named() {
    let run = Run::new(MESH);
    run.prepare().await.unwrap();
    let (sandbox, _) = run.sandbox("s0").await;
    // A service may do this: it is the superuser of its server, and the whole server's are the names of databases and roles.
    let (client, connection) = tokio_postgres::connect(&endpoint(&sandbox, "billing-db").url, NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client.batch_execute("CREATE DATABASE planted").await.unwrap();
    client.batch_execute("CREATE ROLE gardener").await.unwrap();
    drop(client);
    // A topic that a service makes itself is its sandbox's, and goes with it.
    let admin: rdkafka::admin::AdminClient<_> = ClientConfig::new()
        .set("bootstrap.servers", endpoint(&sandbox, "kafka").address)
        .create()
        .unwrap();
    let topic = rdkafka::admin::NewTopic::new("made.v1", 1, rdkafka::admin::TopicReplication::Fixed(1));
    admin
        .create_topics([&topic], &rdkafka::admin::AdminOptions::new())
        .await
        .unwrap()[0]
        .clone()
        .unwrap();
    sandbox.close().await.unwrap();
    // On the broker itself, as nobody can over an edge.
    let properties = std::fs::read_to_string(run.run_folder().join("broker-kafka/server.properties")).unwrap();
    let told = |before: &str, after: char| {
        let (_, rest) = properties.split_once(before).unwrap();
        rest.split(after).next().unwrap()
    };
    let admin: rdkafka::admin::AdminClient<_> = ClientConfig::new()
        .set("bootstrap.servers", told("advertised.listeners=BROKER://", '\n'))
        .set("security.protocol", "sasl_plaintext")
        .set("sasl.mechanism", "PLAIN")
        .set("sasl.username", told("username=\"", '"'))
        .set("sasl.password", told("password=\"", '"'))
        .create()
        .unwrap();
    let topic = rdkafka::admin::NewTopic::new("planted.v1", 1, rdkafka::admin::TopicReplication::Fixed(1));
    admin
        .create_topics([&topic], &rdkafka::admin::AdminOptions::new())
        .await
        .unwrap()[0]
        .clone()
        .unwrap();
    let left = run.close().await.unwrap();
    assert_eq!(
        left,
        [
            "database planted",
            "role gardener; hint: all sandboxes share it; a scenario tagged `@isolated(DATASTORE)` has its own, and with `isolation: server` each",
            "topic planted.v1 of kafka"
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandbox_in_use_can_be_closed() {
    let run = Run::new(MESH);
    run.prepare().await.unwrap();
    let (sandbox, _) = run.sandbox("s0").await;
    // Connections, a transaction and a member of a group of the test client itself.
    let (client, connection) = tokio_postgres::connect(&endpoint(&sandbox, "billing-db").url, NoTls)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute("BEGIN; LOCK TABLE invoices").await.unwrap();
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", endpoint(&sandbox, "kafka").address)
        .create()
        .unwrap();
    let record = FutureRecord::to("orders.v1").key("k").payload("o-1");
    producer.send(record, Duration::from_secs(10)).await.unwrap();
    sandbox.pause("shop").await.unwrap();
    sandbox.close().await.unwrap();
    assert!(connection.await.unwrap().is_err(), "its database is gone");
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guardian_that_is_killed_is_an_incident_and_what_it_guarded_is_cleared_away() {
    let run = Run::new(MESH);
    run.prepare().await.unwrap();
    let (sandbox, _) = run.sandbox("s0").await;
    let folder = run.run_folder();
    let run_id = folder.file_name().unwrap().to_str().unwrap().to_owned();
    let guardian = std::fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let ours = line
            .split(|byte| *byte == 0)
            .any(|argument| argument == run_id.as_bytes());
        ours.then(|| entry.file_name().into_string().unwrap().parse::<i32>().unwrap())
    });
    let guardian = rustix::process::Pid::from_raw(guardian.unwrap()).unwrap();
    rustix::process::kill_process(guardian, rustix::process::Signal::KILL).unwrap();
    let mut incident = sandbox.incident();
    let seen = tokio::time::timeout(Duration::from_secs(10), incident.wait_for(Option::is_some)).await;
    let failure = seen.unwrap().unwrap().clone().unwrap();
    assert_eq!(
        failure.message,
        "the guardian of the run is gone, and the servers with it"
    );
    drop(sandbox.close().await);
    let failure = run.close().await.unwrap_err();
    assert_eq!(
        failure.message,
        "the guardian of the run is gone; what it left is cleared away"
    );
    assert_eq!(processes(&folder), Vec::<String>::new());
    assert!(!folder.exists());
}
