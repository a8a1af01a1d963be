//! A service that depends on a broker of three nodes finds each of them.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use momus_engine::event::Happening;
use momus_engine::sandbox::Sandbox;
use momus_engine::timeline::Timeline;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::run::{Run, endpoint, happened, processes};

const MESH: &str = r#"mesh: nodes
services:
  shop:
    command: ["SERVICE", --exact, "service::service", --nocapture]
    environment: { VARIABLE: everywhere, PORT: "${port.http}", KAFKA_BROKERS: "${edge.kafka}" }
    ports: { http: 9093 }
    depends_on: [kafka]
    healthcheck: { http: /readyz }
brokers:
  kafka: { nodes: 3, isolation: server, topics: { orders.v1: { partitions: 6 } } }
"#;

const LIMIT: Duration = Duration::from_secs(20);

/// How many records there are of the topic.
async fn records(sandbox: &Arc<dyn Sandbox>) -> i64 {
    let kafka = endpoint(sandbox, "kafka").address;
    let counted = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", kafka).create().unwrap();
        let ends = (0..6).map(|partition| consumer.fetch_watermarks("orders.v1", partition, LIMIT).unwrap().1);
        ends.sum()
    });
    counted.await.unwrap()
}

/// Has the shop write to all partitions; where it finds the nodes.
async fn reaches_all(sandbox: &Arc<dyn Sandbox>, timeline: &Timeline) -> String {
    let shop = endpoint(sandbox, "shop").url;
    let order = reqwest::Client::new().post(format!("{shop}/orders/o-1"));
    assert_eq!(order.send().await.unwrap().status().as_u16(), 202);
    assert_eq!(records(sandbox).await, 6);
    let written =
        |it: &Happening| matches!(it, Happening::KafkaCall { caller, api, .. } if caller == "shop" && api == "Produce");
    assert!(happened(timeline, written));
    reqwest::get(format!("{shop}/nodes"))
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
}

/// The process of a node.
fn process_of(node: &str) -> String {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let mut found = entries.filter(|entry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(node)
    });
    found.next().unwrap().file_name().into_string().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn within_walls_it_finds_them_at_the_ports_that_follow_and_that_it_does_not_have_itself() {
    let run = Run::new(MESH);
    run.prepare().await.unwrap();
    let folder = run.run_folder();
    let (sandbox, timeline) = run.sandbox("s0").await;
    assert_eq!(sandbox.endpoint("shop", "kafka").unwrap().address, "kafka:9092");
    assert_eq!(
        reaches_all(&sandbox, &timeline).await,
        "1 127.77.0.2:9092, 2 127.77.0.2:9094, 3 127.77.0.2:9095"
    );
    assert!(sandbox.incident().borrow().is_none());

    let node = format!("{}/broker-s0-kafka/node-2/server.properties", folder.display());
    let killed = std::process::Command::new("kill")
        .args(["-9", &process_of(&node)])
        .status();
    assert!(killed.unwrap().success());
    let mut incident = sandbox.incident();
    let told = tokio::time::timeout(LIMIT, incident.wait_for(Option::is_some)).await;
    let told = told.unwrap().unwrap().clone().unwrap();
    assert_eq!(told.message, "node 2 of the broker kafka died unasked: SIGKILL");
    sandbox.close().await.unwrap();
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
    assert_eq!(processes(&folder), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_walls_it_finds_those_of_a_mock_cluster_at_three_ports() {
    let run = Run::mocked(&MESH.replace("isolation: server, ", ""));
    run.prepare().await.unwrap();
    let (sandbox, timeline) = run.sandbox("s0").await;
    let first = sandbox.endpoint("shop", "kafka").unwrap().address;
    let nodes = reaches_all(&sandbox, &timeline).await;
    let mut ports: Vec<&str> = nodes
        .split(", ")
        .map(|node| node.split_once(" 127.0.0.1:").unwrap().1)
        .collect();
    assert_eq!(format!("127.0.0.1:{}", ports[0]), first, "{nodes}");
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 3, "{nodes}");
    sandbox.close().await.unwrap();
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
}
