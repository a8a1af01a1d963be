//! The services of the small mesh: a shop that publishes orders, and billing that makes an invoice of each.
//!
//! They know nothing of Momus but what stands in their environment.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{ObjectStoreExt, PutPayload};
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::{ClientConfig, Message};
use tokio::net::{TcpListener, TcpSocket};
use tokio_postgres::{Client, NoTls};

/// Says which service this program is; without it, it is the tests.
pub const VARIABLE: &str = "SMALL_MESH_SERVICE";

/// Not a test of its own: a service, when the environment says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn service() {
    drop(rustls::crypto::ring::default_provider().install_default());
    match std::env::var(VARIABLE).as_deref() {
        Ok("shop") => shop().await,
        Ok("billing") => billing().await,
        Ok("stubborn") => stubborn().await,
        Ok("everywhere") => everywhere().await,
        Ok(other) => panic!("there is no service {other}"),
        Err(_) => {}
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

async fn serve(routes: Router) {
    let port: u16 = variable("PORT").parse().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    println!("listening");
    axum::serve(listener, routes).await.unwrap();
}

fn kafka() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", variable("KAFKA_BROKERS"));
    config
}

struct Shop {
    producer: FutureProducer,
    receipts: AmazonS3,
    billing: String,
}

/// `POST /orders/{id}` publishes the order and keeps a receipt; `GET /invoices/{id}` asks billing.
async fn shop() {
    let receipts = AmazonS3Builder::new()
        .with_endpoint(variable("S3_ENDPOINT"))
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name("receipts")
        .with_access_key_id(variable("S3_USER"))
        .with_secret_access_key(variable("S3_PASSWORD"))
        .build();
    let shop = Arc::new(Shop {
        producer: kafka().set("linger.ms", "0").create().unwrap(),
        receipts: receipts.unwrap(),
        billing: variable("BILLING_URL"),
    });
    let order = async |State(shop): State<Arc<Shop>>, Path(id): Path<String>| {
        let receipt = PutPayload::from(format!("receipt of {id}"));
        shop.receipts.put(&format!("{id}.txt").into(), receipt).await.unwrap();
        let record = FutureRecord::to("orders.v1").key(&id).payload(&id);
        shop.producer.send(record, Duration::from_secs(10)).await.unwrap();
        StatusCode::ACCEPTED
    };
    let invoice = async |State(shop): State<Arc<Shop>>, Path(id): Path<String>| {
        let answer = reqwest::get(format!("{}/invoices/{id}", shop.billing)).await;
        match answer {
            Ok(answer) => (
                StatusCode::from_u16(answer.status().as_u16()).unwrap(),
                answer.text().await.unwrap(),
            ),
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()),
        }
    };
    let routes = Router::new()
        .route("/readyz", get(async || "ready"))
        .route("/orders/{id}", post(order))
        .route("/invoices/{id}", get(invoice));
    serve(routes.with_state(shop)).await;
}

/// A connection to the database, opened anew when it was lost; with `ONCE` in the environment it stays lost.
struct Database {
    open: tokio::sync::Mutex<Option<Arc<Client>>>,
    once: bool,
}

impl Database {
    async fn client(&self) -> Arc<Client> {
        let mut open = self.open.lock().await;
        if let Some(client) = open.as_ref().filter(|client| self.once || !client.is_closed()) {
            return Arc::clone(client);
        }
        let (client, connection) = tokio_postgres::connect(&variable("DATABASE_URL"), NoTls).await.unwrap();
        tokio::spawn(connection);
        Arc::clone(open.insert(Arc::new(client)))
    }
}

/// Makes an invoice of each order, charged at the bank; `GET /invoices/{id}` shows it.
async fn billing() {
    let database = Arc::new(Database {
        open: tokio::sync::Mutex::default(),
        once: std::env::var("ONCE").is_ok(),
    });
    database.client().await;
    let consumer: StreamConsumer = kafka()
        .set("group.id", "billing")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("session.timeout.ms", "2000")
        .set("heartbeat.interval.ms", "200")
        .create()
        .unwrap();
    consumer.subscribe(&["orders.v1"]).unwrap();
    let (bank, invoices) = (variable("BANK_URL"), Arc::clone(&database));
    tokio::spawn(async move {
        loop {
            let Ok(message) = consumer.recv().await else { continue };
            let id = String::from_utf8(message.payload().unwrap().to_vec()).unwrap();
            let charge = reqwest::Client::new()
                .post(format!("{bank}/charges"))
                .body(format!("{{\"id\": \"{id}\"}}"));
            let status = charge
                .header("content-type", "application/json")
                .send()
                .await
                .unwrap()
                .status();
            let status = status.as_u16().to_string();
            let sql = "INSERT INTO invoices (id, bank) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            invoices.client().await.execute(sql, &[&id, &status]).await.unwrap();
            // Whoever lost the broker meanwhile is given the record again.
            drop(consumer.commit_message(&message, CommitMode::Sync));
        }
    });
    let ready = async |State(database): State<Arc<Database>>| match database.client().await.is_closed() {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::OK,
    };
    let invoice = async |State(database): State<Arc<Database>>, Path(id): Path<String>| {
        let client = database.client().await;
        let rows = client
            .query("SELECT bank FROM invoices WHERE id = $1", &[&id])
            .await
            .unwrap();
        match rows.first() {
            Some(row) => (StatusCode::OK, row.get::<_, String>(0)),
            None => (StatusCode::NOT_FOUND, "no such invoice".to_owned()),
        }
    };
    let routes = Router::new()
        .route("/readyz", get(ready))
        .route(
            "/environment",
            get(async || axum::Json(std::env::vars().collect::<HashMap<_, _>>())),
        )
        .route(
            "/exit",
            get(async || -> StatusCode {
                eprintln!("the till is empty");
                std::process::abort()
            }),
        )
        .route("/invoices/{id}", get(invoice));
    serve(routes.with_state(database)).await;
}

/// Does not share its port, as a server does that sets no `SO_REUSEADDR`, and ignores SIGTERM.
async fn stubborn() {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
    tokio::spawn(async move {
        loop {
            terminate.recv().await;
            println!("no");
        }
    });
    let socket = TcpSocket::new_v4().unwrap();
    let address = format!("127.0.0.1:{}", variable("PORT")).parse().unwrap();
    if let Err(error) = socket.bind(address) {
        eprintln!("cannot listen: {error}");
        std::process::abort();
    }
    let routes = Router::new().route("/readyz", get(async || "ready"));
    axum::serve(socket.listen(16).unwrap(), routes).await.unwrap();
}

/// `POST /orders/{id}` publishes the order to each partition; `GET /nodes` tells where the broker says that its nodes are.
async fn everywhere() {
    let producer: FutureProducer = kafka().set("linger.ms", "0").create().unwrap();
    let asks = producer.clone();
    let order = async move |Path(id): Path<String>| {
        for partition in 0..6 {
            let record = FutureRecord::to("orders.v1").key(&id).payload(&id).partition(partition);
            producer.send(record, Duration::from_secs(20)).await.unwrap();
        }
        StatusCode::ACCEPTED
    };
    let nodes = async move || {
        let asked = tokio::task::spawn_blocking(move || asks.client().fetch_metadata(None, Duration::from_secs(20)));
        let metadata = asked.await.unwrap().unwrap();
        let nodes = metadata.brokers().iter();
        let mut nodes: Vec<_> = nodes
            .map(|it| format!("{} {}:{}", it.id(), it.host(), it.port()))
            .collect();
        nodes.sort();
        nodes.join(", ")
    };
    let routes = Router::new()
        .route("/readyz", get(async || "ready"))
        .route("/nodes", get(nodes))
        .route("/orders/{id}", post(order));
    serve(routes).await;
}
