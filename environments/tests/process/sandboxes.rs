//! Sandboxes side by side: each has all of the mesh, and nothing of another's.

use std::sync::Arc;

use futures::future::join_all;
use momus_engine::event::{Happening, ServiceState};
use momus_engine::sandbox::{PartnerAnswer, Sandbox};
use momus_engine::timeline::Timeline;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio_postgres::NoTls;

use crate::run::{MESH, Run, comes, endpoint, happened, names, processes};

/// The status and the text that something is answered with.
async fn ask(method: &str, url: String) -> (u16, String) {
    let request = reqwest::Client::new().request(method.parse().unwrap(), url);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Orders something from the shop, and waits for its invoice.
pub async fn order(sandbox: &Arc<dyn Sandbox>, timeline: &Timeline, id: &str) -> String {
    let shop = endpoint(sandbox, "shop").url;
    assert_eq!(ask("POST", format!("{shop}/orders/{id}")).await.0, 202);
    comes(timeline, || async {
        let (status, text) = ask("GET", format!("{shop}/invoices/{id}")).await;
        (status == 200).then_some(text)
    })
    .await
}

/// The rows of the datastore.
pub async fn rows(sandbox: &Arc<dyn Sandbox>) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(&endpoint(sandbox, "billing-db").url, NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let rows = client.query("SELECT id FROM invoices ORDER BY id", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The topics, and how many records each has.
pub async fn topics(sandbox: &Arc<dyn Sandbox>) -> Vec<(String, i64)> {
    let kafka = endpoint(sandbox, "kafka").address;
    let limit = std::time::Duration::from_secs(20);
    let listed = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", kafka).create().unwrap();
        let metadata = consumer.fetch_metadata(None, limit).unwrap();
        let count = |topic: &rdkafka::metadata::MetadataTopic| {
            let partitions = topic.partitions().iter();
            let ends = partitions.map(|it| consumer.fetch_watermarks(topic.name(), it.id(), limit).unwrap().1);
            (topic.name().to_owned(), ends.sum())
        };
        metadata.topics().iter().map(count).collect()
    });
    listed.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_at_once_have_all_of_the_mesh_and_nothing_of_each_other() {
    let run = Run::new(MESH);
    run.prepare().await.unwrap();
    let ((one, first), (other, second)) = tokio::join!(run.sandbox("s0"), run.sandbox("s1"));
    let charged = PartnerAnswer {
        method: "POST".into(),
        path: "/charges".into(),
        status: 202,
        headers: Vec::new(),
        body: None,
    };
    other.answer("bank", charged).await.unwrap();
    let (own, foreign) = tokio::join!(order(&one, &first, "o-1"), order(&other, &second, "o-2"));
    assert_eq!(
        (own.as_str(), foreign.as_str()),
        ("201", "202"),
        "each bank is told what to answer by its own sandbox"
    );
    assert_eq!(rows(&one).await, ["o-1"]);
    assert_eq!(rows(&other).await, ["o-2"]);
    for sandbox in [&one, &other] {
        assert_eq!(topics(sandbox).await, [("orders.v1".to_owned(), 1)]);
    }
    let objects = |sandbox: &Arc<dyn Sandbox>| {
        let folder = sandbox.logs().unwrap().with_file_name("objects").join("receipts");
        names(&folder)
            .into_iter()
            .filter(|name| !name.starts_with('.'))
            .collect::<Vec<_>>()
    };
    assert_eq!(objects(&one), ["o-1.txt"]);
    assert_eq!(objects(&other), ["o-2.txt"]);

    // What passed by stands on the timeline, by caller and dependency.
    let passed = |caller: &str, dependency: &str| {
        happened(&first, |happening| {
            matches!(happening, Happening::Request { caller: by, dependency: to, .. }
                if by.as_str() == caller && to.as_str() == dependency)
        })
    };
    for (caller, dependency) in [
        ("client", "shop"),
        ("shop", "receipts"),
        ("shop", "billing"),
        ("billing", "bank"),
    ] {
        assert!(
            passed(caller, dependency),
            "{caller} → {dependency}: {:#?}",
            first.snapshot()
        );
    }
    assert!(happened(
        &first,
        |it| matches!(it, Happening::KafkaCall { caller, api, .. } if caller == "shop" && api == "Produce")
    ));
    assert!(happened(
        &first,
        |it| matches!(it, Happening::DatabaseSession { caller, .. } if caller == "billing")
    ));
    assert!(happened(
        &first,
        |it| matches!(it, Happening::PartnerCall { partner, status: 201, .. } if partner == "bank")
    ));
    assert!(happened(
        &first,
        |it| matches!(it, Happening::Log { message, .. } if message == "listening")
    ));

    // No edge of the test client leads where another does; services find theirs under the same names in each. Nobody has
    // one that it does not need.
    let addresses = |sandbox: &Arc<dyn Sandbox>| {
        let all = [("client", "kafka"), ("client", "shop"), ("client", "billing")];
        all.map(|(caller, dependency)| sandbox.endpoint(caller, dependency).unwrap().port)
    };
    let mut ports = [addresses(&one), addresses(&other)].concat();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 6);
    for sandbox in [&one, &other] {
        let address = |caller, dependency| sandbox.endpoint(caller, dependency).unwrap().address;
        assert_eq!(address("shop", "kafka"), "kafka:9092");
        assert_eq!(address("billing", "kafka"), "kafka:9092");
        assert_eq!(address("shop", "billing"), "http://billing:8081");
    }
    assert!(one.endpoint("shop", "billing-db").is_none() && one.endpoint("billing", "shop").is_none());

    let folder = run.run_folder();
    one.close().await.unwrap();
    assert_eq!(
        rows(&other).await,
        ["o-2"],
        "the end of one is not the end of the other"
    );
    other.close().await.unwrap();
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
    assert_eq!(processes(&folder), Vec::<String>::new());
    assert!(!folder.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_at_once_are_ready_and_leave_nothing() {
    let run = Run::new(MESH);
    run.prepare().await.unwrap();
    let names: Vec<String> = (0..8).map(|number| format!("s{number}")).collect();
    let made = join_all(names.iter().map(|name| run.sandbox(name))).await;
    let folder = run.run_folder();
    let used = made.iter().enumerate().map(|(number, (sandbox, timeline))| async move {
        let id = format!("o-{number}");
        order(sandbox, timeline, &id).await;
        assert_eq!(rows(sandbox).await, [id]);
        sandbox.close().await.unwrap();
        assert!(sandbox.incident().borrow().is_none());
    });
    join_all(used).await;
    for (_, timeline) in &made {
        let parts = timeline.look(|events| {
            events.iter().find_map(|event| match &event.happening {
                Happening::SandboxReady { parts } => Some(parts.clone()),
                _ => None,
            })
        });
        let parts: Vec<String> = parts.unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(parts, ["databases", "topics", "edges", "services", "all"]);
        let told = |state: &ServiceState| matches!(state, ServiceState::Exited { told: true, .. });
        let ended = |it: &Happening| matches!(it, Happening::Service { state, .. } if told(state));
        assert!(happened(timeline, ended));
    }
    drop(made);
    assert_eq!(run.close().await.unwrap(), Vec::<String>::new());
    assert_eq!(processes(&folder), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_served_already_is_reached_and_not_touched() {
    // Something serves it: a sandbox of another run.
    let other = Run::new(MESH);
    other.prepare().await.unwrap();
    let (serving, _) = other.sandbox("s0").await;
    let url = endpoint(&serving, "billing").url;
    let mesh = format!(
        "mesh: small\nservices:\n  billing: {{ url: \"{url}\", healthcheck: {{ http: /readyz }} }}\n  \
         front: {{ command: [sleep, \"600\"], environment: {{ B: \"${{edge.billing}}\" }}, depends_on: [billing] }}\n"
    );
    let run = Run::new(&mesh);
    run.prepare().await.unwrap();
    let (sandbox, timeline) = run.sandbox("s0").await;
    let through = endpoint(&sandbox, "billing").url;
    assert_ne!(through, url);
    assert_eq!(
        ask("GET", format!("{through}/invoices/none")).await,
        (404, "no such invoice".to_owned())
    );
    let request = |it: &Happening| matches!(it, Happening::Request { dependency, path, .. } if dependency == "billing" && path == "/invoices/none");
    assert!(happened(&timeline, request));
    let refused = sandbox.kill("billing").await.unwrap_err();
    assert_eq!(
        refused.message,
        "billing is served already, at a url: Momus cannot start or end it"
    );
    sandbox.ready("billing").await.unwrap();
    sandbox.close().await.unwrap();
    run.close().await.unwrap();
    assert_eq!(ask("GET", format!("{url}/readyz")).await.0, 200);
    serving.close().await.unwrap();
    other.close().await.unwrap();
}
