//! The real servers, under a real guardian, with the user's ordinary cache.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod listening;
mod segments;

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use listening::tcp_ports;
use momus_environments::{
    cache::{Cache, Progress},
    guardian::{Exit, Guardian, Launcher, RunId, Signal},
    servers::{
        ServerError,
        kafka::{KafkaServer, Ports},
        mock::MockKafka,
        postgres::PostgresServer,
    },
};
use rdkafka::{
    ClientConfig, Message,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{Consumer, StreamConsumer},
    producer::{FutureProducer, FutureRecord},
};

async fn start() -> (Guardian, Cache) {
    let cache = Cache::of_user().unwrap();
    let launcher = Launcher {
        program: env!("CARGO_BIN_EXE_momus-guardian").into(),
        arguments: Vec::new(),
    };
    (
        Guardian::start(&launcher, &cache, RunId::random()).await.unwrap(),
        cache,
    )
}

fn aloud() -> Progress {
    Arc::new(|text| eprintln!("{text}"))
}

fn on_path(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|folder| folder.join(program).is_file())
}

async fn kafka(guardian: &Guardian, cache: &Cache) -> KafkaServer {
    for program in ["java", "mvn"] {
        assert!(on_path(program), "this test needs `{program}`: install it");
    }
    let begin = Instant::now();
    let server = KafkaServer::start(guardian, cache, "kafka", &aloud()).await.unwrap();
    eprintln!("Kafka ready after {:?}", begin.elapsed());
    server
}

async fn postgres(guardian: &Guardian, cache: &Cache) -> PostgresServer {
    let begin = Instant::now();
    let server = PostgresServer::start(guardian, cache, "postgres", &aloud())
        .await
        .unwrap();
    eprintln!("{} ready after {:?}", server.version(), begin.elapsed());
    server
}

/// A client that has the broker's credential.
fn with_credential(server: &KafkaServer) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", server.address())
        .set("security.protocol", "sasl_plaintext")
        .set("sasl.mechanism", "PLAIN")
        .set("sasl.username", server.credential().user())
        .set("sasl.password", server.credential().password());
    config
}

/// Produces one record and reads it back in a group.
async fn carries_a_record(mut config: ClientConfig, topic: &str) {
    config.set("group.id", "billing").set("auto.offset.reset", "earliest");
    let producer: FutureProducer = config.create().unwrap();
    let record = FutureRecord::to(topic).key("k").payload("v");
    producer.send(record, Duration::from_secs(10)).await.unwrap();
    let consumer: StreamConsumer = config.create().unwrap();
    consumer.subscribe(&[topic]).unwrap();
    let message = tokio::time::timeout(Duration::from_secs(20), consumer.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((message.key(), message.payload()), (Some(&b"k"[..]), Some(&b"v"[..])));
}

#[tokio::test]
async fn the_real_broker_serves_and_its_end_is_seen() {
    let (guardian, cache) = start().await;
    let server = kafka(&guardian, &cache).await;
    let admin: AdminClient<DefaultClientContext> = with_credential(&server).create().unwrap();
    let topic = NewTopic::new("orders.v1", 6, TopicReplication::Fixed(1));
    admin.create_topics([&topic], &AdminOptions::new()).await.unwrap()[0]
        .as_ref()
        .unwrap();
    carries_a_record(with_credential(&server), "orders.v1").await;
    server.child().signal(Signal::KILL).await.unwrap();
    assert_eq!(server.exited().await, Exit::Signal(9));
    guardian.close().await.unwrap();
}

#[tokio::test]
async fn a_broker_whose_port_was_taken_is_started_on_others() {
    let (guardian, cache) = start().await;
    let squatter = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = squatter.local_addr().unwrap().port();
    let drawn = Mutex::new(0);
    let draw = || {
        let mut drawn = drawn.lock().unwrap();
        *drawn += 1;
        let free = Ports::free()?;
        Ok(match *drawn {
            1 => Ports { broker: taken, ..free },
            2 => Ports {
                controller: taken,
                ..free
            },
            _ => free,
        })
    };
    let server = KafkaServer::start_on(&guardian, &cache, "kafka", &aloud(), draw)
        .await
        .unwrap();
    assert!(!server.address().ends_with(&format!(":{taken}")));
    assert_eq!(*drawn.lock().unwrap(), 3);
    let folder = guardian.run_folder().join("kafka");
    assert!(folder.is_dir());
    server.stop().await.unwrap();
    assert!(!folder.exists());
    assert!(guardian.close().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_broker_that_never_finds_a_port_says_what_it_said() {
    let (guardian, cache) = start().await;
    let squatter = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = squatter.local_addr().unwrap().port();
    let draw = || {
        Ok(Ports {
            broker: taken,
            ..Ports::free()?
        })
    };
    let error = KafkaServer::start_on(&guardian, &cache, "kafka", &aloud(), draw)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            ServerError::Died {
                exit: Exit::Code(1),
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("Address already in use"), "{error}");
    assert!(!error.is_absence());
    guardian.close().await.unwrap();
}

#[tokio::test]
async fn the_mock_cluster_carries_a_record() {
    let mock = MockKafka::start().await.unwrap();
    mock.create_topic("orders.v1", 6).await.unwrap();
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", mock.address())
        .set("group.id", "none")
        .create()
        .unwrap();
    let address = mock.address().to_owned();
    let metadata = tokio::task::spawn_blocking(move || {
        consumer
            .fetch_metadata(Some("orders.v1"), Duration::from_secs(5))
            .unwrap()
            .topics()[0]
            .partitions()
            .len()
    });
    assert_eq!(metadata.await.unwrap(), 6);
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address);
    carries_a_record(config, "orders.v1").await;
}

fn sql(folder: &Path, files: &[(&str, &str)]) -> Vec<PathBuf> {
    files
        .iter()
        .map(|(name, text)| {
            fs::write(folder.join(name), text).unwrap();
            folder.join(name)
        })
        .collect()
}

#[tokio::test]
async fn databases_are_made_from_files_cloned_and_dropped() {
    let (guardian, cache) = start().await;
    let server = postgres(&guardian, &cache).await;
    let folder = tempfile::tempdir().unwrap();
    let files = sql(
        folder.path(),
        &[
            (
                "2.sql",
                "INSERT INTO invoices VALUES (1, 'one; two');\nCREATE INDEX CONCURRENTLY i ON invoices (total);\n",
            ),
            (
                "1.sql",
                "-- invoices;\nCREATE TABLE invoices (id int PRIMARY KEY, total text);\n",
            ),
        ],
    );
    server.create_template("billing", &files).await.unwrap();
    assert!(
        server.connect("billing").await.is_err(),
        "nobody can connect to a template"
    );
    let begin = Instant::now();
    let (one, two) = tokio::join!(
        server.clone_template("billing", "billing \"one\""),
        server.clone_template("billing", "billing_two")
    );
    one.and(two).unwrap();
    eprintln!("two clones after {:?}", begin.elapsed());
    let client = server.connect("billing \"one\"").await.unwrap();
    client.batch_execute("DELETE FROM invoices").await.unwrap();
    let other = server.connect("billing_two").await.unwrap();
    assert_eq!(
        other
            .query_one("SELECT total FROM invoices", &[])
            .await
            .unwrap()
            .get::<_, String>(0),
        "one; two"
    );
    server.drop_database("billing_two").await.unwrap();
    server.drop_database("billing_two").await.unwrap();
    assert!(
        other.query("SELECT 1", &[]).await.is_err(),
        "its connections end with it"
    );
    let error = server.clone_template("nothing", "x").await.unwrap_err().to_string();
    assert_eq!(
        error,
        "Postgres refused to clone database `nothing` as `x`: template database \"nothing\" does not exist (SQLSTATE 3D000)"
    );
    let slot = "SELECT pg_create_logical_replication_slot('s', 'pgoutput')";
    client.query(slot, &[]).await.unwrap();
    guardian.close().await.unwrap();
}

#[tokio::test]
async fn a_broken_schema_is_told_with_file_line_and_message() {
    let (guardian, cache) = start().await;
    let server = postgres(&guardian, &cache).await;
    let folder = tempfile::tempdir().unwrap();
    let told = async |text: &str| {
        let files = sql(folder.path(), &[("schema.sql", text)]);
        let error = server.create_template("billing", &files).await.unwrap_err().to_string();
        error
            .strip_prefix(folder.path().to_str().unwrap())
            .unwrap_or(&error)
            .to_owned()
    };
    assert_eq!(
        told("-- größer\nCREATE TABLE t (id int);\n\nCREATE TABLE u (\n  'ä' int\n);\n").await,
        "/schema.sql:5:3: syntax error at or near \"'ä'\" (SQLSTATE 42601)"
    );
    assert_eq!(
        told("CREATE TABLE t (id int PRIMARY KEY);\nINSERT INTO t VALUES (1);\n  INSERT INTO t VALUES (1);").await,
        "/schema.sql:3:3: duplicate key value violates unique constraint \"t_pkey\"\ndetail: Key (id)=(1) already exists. (SQLSTATE 23505)"
    );
    assert!(
        told("COPY t FROM stdin;\n1\n\\.\n")
            .await
            .starts_with("/schema.sql:1:1: ")
    );
    assert!(
        server.connect("billing").await.is_err(),
        "a template that failed is not left behind"
    );
    guardian.close().await.unwrap();
}

#[tokio::test]
async fn a_password_is_needed_and_nothing_is_left_when_the_run_ends() {
    let earlier = segments::all();
    let (guardian, cache) = start().await;
    let server = postgres(&guardian, &cache).await;
    assert!(server.socket().exists());
    let mut wrong = server.config("postgres");
    wrong.password("wrong");
    // The new access rules hold from the moment that the server has read them.
    let refused = async {
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        while wrong.connect(tokio_postgres::NoTls).await.is_ok() {
            looks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), refused).await.unwrap();
    let client = server.connect("postgres").await.unwrap();
    assert_eq!(
        client
            .query_one("SHOW wal_level", &[])
            .await
            .unwrap()
            .get::<_, String>(0),
        "logical"
    );
    let (pid, folder) = (server.child().pid(), server.socket_folder().to_owned());
    let segments = segments::made_by(pid, &earlier);
    assert!(!segments.is_empty(), "the server holds a segment");
    let killed = guardian.close().await.unwrap();
    assert!(killed.is_empty(), "it ends by itself when told: {killed:?}");
    assert!(!folder.exists() && !guardian.run_folder().exists());
    assert!(segments::all().is_disjoint(&segments), "the segment is given back");
}

#[tokio::test]
async fn postgres_listens_on_a_unix_socket_in_a_closed_folder_alone() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let own = tcp_ports(i32::try_from(std::process::id()).unwrap());
    assert!(own.contains(&listener.local_addr().unwrap().port()), "{own:?}");
    let (guardian, cache) = start().await;
    let server = postgres(&guardian, &cache).await;
    let pid = server.child().pid();
    assert!(tcp_ports(pid).is_empty());
    let client = server.connect("postgres").await.unwrap();
    let addresses = client.query_one("SHOW listen_addresses", &[]).await.unwrap();
    assert_eq!(addresses.get::<_, String>(0), "");
    let user = fs::metadata(format!("/proc/{pid}")).unwrap().uid();
    for path in [server.socket_folder(), &server.socket()] {
        let metadata = fs::metadata(path).unwrap();
        assert_eq!(metadata.mode() & 0o777, 0o700, "{}", path.display());
        assert_eq!(metadata.uid(), user, "{}", path.display());
    }
    guardian.close().await.unwrap();
}

#[tokio::test]
async fn a_server_that_dies_is_seen() {
    let (guardian, cache) = start().await;
    let server = postgres(&guardian, &cache).await;
    server.child().signal(Signal::KILL).await.unwrap();
    assert_eq!(server.exited().await, Exit::Signal(9));
    assert!(server.clone_template("template1", "x").await.is_err());
    guardian.close().await.unwrap();
}
