//! What the making of a sandbox costs, bare and by Momus: `just bench-sandbox`.
//!
//! Bare: the databases cloned and the topics made beside each other, on servers like those of the run; then the same service
//! started as a plain process until it answers its healthcheck. By Momus: a sandbox of such a mesh, with its edges, its
//! guardian and its timeline, whose parts the timeline tells. Both in turns, in one run, none made ahead; then scenarios one
//! after another whose sandboxes are made ahead. It judges nothing: how fast a machine is, and what else runs on it, is not the
//! program's doing.

mod ahead;
mod bare;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use momus_engine::event::Happening;
use momus_engine::mesh::Mesh;
use momus_engine::plan::Plan;
use momus_engine::run::Teller;
use momus_engine::sandbox::Environment;
use momus_engine::timeline::{Clock, Timeline};
use momus_environments::cache::Cache;
use momus_environments::guardian::Launcher;
use momus_environments::process::{BrokerChoice, Options, ProcessEnvironment};

use self::bare::Bare;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ROUNDS: usize = 30;

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
    let mut waits = ahead::waits(&mesh, environment(&mesh, &launcher, &cache)).await?;
    println!(
        "\n{:.1?} from one scenario's last step to the next one's first, its sandbox being made ahead (median of {})",
        median(&mut waits),
        waits.len()
    );
    match left.is_empty() {
        true => Ok(()),
        false => Err(format!("left on the servers: {}", left.join(", ")).into()),
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The environment of a run.
fn environment(mesh: &Arc<Mesh>, launcher: &Launcher, cache: &Cache) -> ProcessEnvironment {
    let options = Options {
        launcher: launcher.clone(),
        cache: cache.clone(),
        broker: Some(BrokerChoice::Real),
        ci: false,
        walls: true,
        ready_limit: Duration::from_secs(60),
    };
    ProcessEnvironment::new(Arc::clone(mesh), options)
}

/// Sandboxes by Momus.
struct Ours {
    environment: ProcessEnvironment,
    clock: Clock,
}

impl Ours {
    async fn prepare(mesh: &Arc<Mesh>, launcher: &Launcher, cache: &Cache) -> Result<Self> {
        let environment = environment(mesh, launcher, cache);
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
        let sandbox = self.environment.sandbox(timeline.clone(), &[]).await;
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
