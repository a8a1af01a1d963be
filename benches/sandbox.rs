//! What the making of a sandbox costs, bare and by Momus: `just bench-sandbox`.
//!
//! Bare: the databases cloned and the topics made beside each other, on servers like those of the run; then the same service
//! started as a plain process until it answers its healthcheck. By Momus: a sandbox of such a mesh, with its edges, its
//! guardian and its timeline, whose parts the timeline tells. Both in turns, in one run, without a sandbox in stock. It judges
//! nothing: how fast a machine is, and what else runs on it, is not the program's doing.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use momus_engine::event::Happening;
use momus_engine::mesh::{Mesh, Schema};
use momus_engine::plan::Plan;
use momus_engine::run::Teller;
use momus_engine::sandbox::Environment;
use momus_engine::timeline::{Clock, Timeline};
use momus_environments::cache::{Cache, Progress};
use momus_environments::guardian::{Guardian, Launcher, RunId};
use momus_environments::process::{BrokerChoice, Options, ProcessEnvironment};
use momus_environments::servers::kafka::{KafkaServer, NewTopic, Ports};
use momus_environments::servers::postgres::PostgresServer;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 30;
/// How often a bare process is asked whether it is ready, as Momus does.
const PAUSE: Duration = Duration::from_millis(10);

/// The data of Olympus, and the one service of it that needs no other.
const MESH: &str = r#"
mesh: bench
services:
  iris:
    build: cargo build --release --locked -p olympus --target-dir ../../target
    command: ["../../target/release/olympus", "iris"]
    environment:
      PORT: "${port.http}"
      KAFKA_BROKERS: "${edge.kafka}"
      TOPIC_EVENTS_RAW: events.raw.v1
      STATSD_HOST: "${edge.statsd.host}"
      STATSD_PORT: "${edge.statsd.port}"
    ports: { http: 8080 }
    depends_on: [kafka]
    healthcheck: { http: /readyz }
    settle: 100ms
datastores:
  zeus-db: { postgres: { schema: { sql: sql/zeus } }, owner: iris }
  chronos-db: { postgres: { schema: { sql: sql/chronos } }, owner: iris }
  mnemosyne-db: { postgres: { schema: { sql: sql/mnemosyne } }, owner: iris }
  hermes-db: { postgres: { schema: { sql: sql/hermes } }, owner: iris }
brokers:
  kafka:
    topics:
      events.raw.v1: { partitions: 6 }
      user.v1: { partitions: 3 }
      activity.v1: { partitions: 3 }
      hermes.dlq: { partitions: 1 }
"#;

/// What each part took, by its name, in every round.
type Times = BTreeMap<String, Vec<Duration>>;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(compare())
}

async fn compare() -> Result<()> {
    let olympus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/olympus");
    let mesh = Mesh::parse(MESH, &olympus.join("bench.yaml")).map_err(|errors| format!("{errors:?}"))?;
    let mesh = Arc::new(mesh);
    let cache = Cache::of_user()?;
    let launcher = Launcher {
        program: env!("CARGO_BIN_EXE_momus").into(),
        arguments: vec!["guardian".into()],
    };
    let ours = Ours::prepare(&mesh, &launcher, &cache).await?;
    let bare = Bare::prepare(&mesh, &launcher, &cache, olympus.join("../../target/release/olympus")).await?;
    let (mut by_us, mut by_hand) = (Times::new(), Times::new());
    for round in 0..=ROUNDS {
        let (us, hand) = match round % 2 {
            0 => (ours.make(round).await?, bare.make(round).await?),
            _ => {
                let hand = bare.make(round).await?;
                (ours.make(round).await?, hand)
            }
        };
        // The first warms up.
        for (times, parts) in [(&mut by_us, us), (&mut by_hand, hand)] {
            for (part, took) in parts.into_iter().filter(|_| round > 0) {
                times.entry(part).or_default().push(took);
            }
        }
    }
    let left = ours.environment.close().await.map_err(|failure| failure.message)?;
    bare.guardian.close().await?;
    println!("medians of {ROUNDS} sandboxes, each with 4 databases, 4 topics of 13 partitions and 1 service\n");
    println!("| part | bare | Momus | Momus, bare = 1 |\n|---|---|---|---|");
    for (part, mut took) in by_us {
        let ours = median(&mut took);
        match by_hand.get_mut(&part).map(|took| median(took)) {
            Some(bare) => println!(
                "| {part} | {bare:.1?} | {ours:.1?} | {:.2} |",
                ours.as_secs_f64() / bare.as_secs_f64()
            ),
            None => println!("| {part} | - | {ours:.1?} | - |"),
        }
    }
    match left.is_empty() {
        true => Ok(()),
        false => Err(format!("left on the servers: {}", left.join(", ")).into()),
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Sandboxes by Momus.
struct Ours {
    environment: ProcessEnvironment,
    clock: Clock,
}

impl Ours {
    async fn prepare(mesh: &Arc<Mesh>, launcher: &Launcher, cache: &Cache) -> Result<Self> {
        let options = Options {
            launcher: launcher.clone(),
            cache: cache.clone(),
            broker: Some(BrokerChoice::Real),
            ci: false,
            walls: true,
            ready_limit: Duration::from_secs(60),
        };
        let environment = ProcessEnvironment::new(Arc::clone(mesh), options);
        let clock = Clock::start();
        let (teller, mut told) = Teller::new(clock);
        // Nobody listens; what is told is thrown away, so that it does not wait.
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let plan = Plan {
            scenarios: Vec::new(),
            mesh: Some(Arc::clone(mesh)),
            variables: Arc::default(),
        };
        let prepared = environment.prepare(&plan, &teller).await;
        prepared.map_err(|failure| format!("{failure:?}"))?;
        Ok(Self { environment, clock })
    }

    async fn make(&self, round: usize) -> Result<Vec<(String, Duration)>> {
        let timeline = Timeline::new(self.clock, round, format!("s{round}"));
        let sandbox = self.environment.sandbox(timeline.clone()).await;
        let sandbox = sandbox.map_err(|failure| format!("{failure:?}"))?;
        let parts = timeline.look(|events| {
            events.iter().find_map(|event| match &event.happening {
                Happening::SandboxReady { parts } => Some(parts.clone()),
                _ => None,
            })
        });
        sandbox.close().await.map_err(|failure| format!("{failure:?}"))?;
        parts.ok_or_else(|| "the timeline does not tell what the sandbox cost".into())
    }
}

/// The same by hand.
struct Bare {
    mesh: Arc<Mesh>,
    guardian: Guardian,
    kafka: KafkaServer,
    postgres: PostgresServer,
    program: PathBuf,
    /// Where the service's metrics go.
    statsd: UdpSocket,
}

impl Bare {
    async fn prepare(mesh: &Arc<Mesh>, launcher: &Launcher, cache: &Cache, program: PathBuf) -> Result<Self> {
        let guardian = Guardian::start(launcher, cache, RunId::random()).await?;
        let silent: Progress = Arc::new(|_: &str| {});
        let (kafka, postgres) = tokio::try_join!(
            KafkaServer::start_on(&guardian, cache, "kafka", &silent, Ports::free_and_open),
            PostgresServer::start(&guardian, cache, "postgres", &silent)
        )?;
        for (name, datastore) in &mesh.datastores {
            let files = match datastore.schema.as_deref() {
                Some(Schema::Sql(files)) => files.as_slice(),
                None => &[],
            };
            postgres.create_template(name, files).await?;
        }
        Ok(Self {
            mesh: Arc::clone(mesh),
            guardian,
            kafka,
            postgres,
            program,
            statsd: UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?,
        })
    }

    async fn make(&self, round: usize) -> Result<Vec<(String, Duration)>> {
        let connect = self.mesh.datastores.keys().map(|_| self.postgres.connect("postgres"));
        let clients = try_join_all(connect).await?;
        let began = Instant::now();
        let databases = async {
            let made = self.mesh.datastores.keys().zip(&clients).map(|(name, client)| {
                let sql = format!("CREATE DATABASE \"{name}-{round}\" TEMPLATE \"{name}\" STRATEGY file_copy");
                async move { client.batch_execute(&sql).await }
            });
            try_join_all(made).await?;
            Ok::<_, Box<dyn Error>>(began.elapsed())
        };
        let topics = async {
            let topics = self.mesh.brokers.values().flat_map(|broker| &broker.topics);
            let topics = topics.map(|(name, topic)| NewTopic {
                name: format!("{name}-{round}"),
                partitions: topic.partitions,
                config: Vec::new(),
            });
            let unmade = self.kafka.create_topics(topics.collect()).await?;
            match unmade.is_empty() {
                true => Ok(began.elapsed()),
                false => Err(format!("{unmade:?}").into()),
            }
        };
        let (databases, topics) = tokio::try_join!(databases, topics)?;
        let started = Instant::now();
        let mut service = self.start(round)?;
        let ready = service.ready().await;
        let (services, all) = (started.elapsed(), began.elapsed());
        drop(service);
        ready?;
        for (name, client) in self.mesh.datastores.keys().zip(&clients) {
            client
                .batch_execute(&format!("DROP DATABASE \"{name}-{round}\""))
                .await?;
        }
        let parts = [
            ("databases", databases),
            ("topics", topics),
            ("services", services),
            ("all", all),
        ];
        Ok(parts.map(|(name, took)| (name.to_owned(), took)).into())
    }

    fn start(&self, round: usize) -> Result<Service> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let broker = self.kafka.open_address();
        let broker = broker.ok_or("the broker asks everybody for its credential")?;
        let child = Command::new(&self.program)
            .arg("iris")
            .env("PORT", port.to_string())
            .env("KAFKA_BROKERS", broker)
            .env("TOPIC_EVENTS_RAW", format!("events.raw.v1-{round}"))
            .env("STATSD_HOST", "127.0.0.1")
            .env("STATSD_PORT", self.statsd.local_addr()?.port().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Service { child, port })
    }
}

/// A plain process, killed when this is dropped.
struct Service {
    child: Child,
    port: u16,
}

impl Service {
    async fn ready(&mut self) -> Result<()> {
        let mut looks = tokio::time::interval(PAUSE);
        while !self.answers() {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("iris ended with {status}").into());
            }
            looks.tick().await;
        }
        Ok(())
    }

    fn answers(&self) -> bool {
        let ask = || {
            let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            connection.write_all(b"GET /readyz HTTP/1.1\r\nhost: iris\r\nconnection: close\r\n\r\n")?;
            let mut answer = String::new();
            connection.read_to_string(&mut answer)?;
            Ok::<_, std::io::Error>(answer.starts_with("HTTP/1.1 200"))
        };
        ask().unwrap_or(false)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
