//! One run of the environment over a mesh in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use momus_engine::event::{Happening, ScenarioPlace};
use momus_engine::failure::StepError;
use momus_engine::mesh::Mesh;
use momus_engine::plan::{Plan, PlannedScenario};
use momus_engine::run::Teller;
use momus_engine::sandbox::{CLIENT, Endpoint, Environment, Sandbox};
use momus_engine::timeline::{Clock, Timeline};
use momus_environments::cache::Cache;
use momus_environments::guardian::{Launcher, RUN_MARKER};
use momus_environments::process::{BrokerChoice, Options, ProcessEnvironment};
use tempfile::TempDir;

use crate::service::VARIABLE;

/// The small mesh; `${service}` is the program that all its services are.
pub const MESH: &str = r#"mesh: small
services:
  shop:
    command: ["SERVICE", --exact, "service::service", --nocapture]
    environment:
      VARIABLE: shop
      PORT: "${port.http}"
      KAFKA_BROKERS: "${edge.kafka}"
      S3_ENDPOINT: "${edge.receipts}"
      S3_USER: "${edge.receipts.user}"
      S3_PASSWORD: "${edge.receipts.password}"
      BILLING_URL: "${edge.billing}"
    ports: { http: 8080 }
    depends_on: [kafka, receipts, billing]
    healthcheck: { http: /readyz }
  billing:
    command: ["SERVICE", --exact, "service::service", --nocapture]
    environment:
      VARIABLE: billing
      PORT: "${port.http}"
      KAFKA_BROKERS: "${edge.kafka}"
      DATABASE_URL: "${edge.billing-db.url}"
      BANK_URL: "${edge.bank}"
    ports: { http: 8081 }
    depends_on: [kafka, billing-db, bank]
    consumes: [orders.v1]
    healthcheck: { http: /readyz }
datastores:
  billing-db: { postgres: { schema: { sql: sql } }, owner: billing }
brokers:
  kafka: { topics: { orders.v1: { partitions: 2 } } }
buckets:
  receipts: { owner: shop }
partners:
  bank: { rules: bank.yaml }
"#;

const BANK: &str = "routes:
  - method: POST
    path: /charges
    answers: [{ answer: { status: 201, json: { status: accepted } } }]
";

/// A run.
pub struct Run {
    pub environment: Arc<ProcessEnvironment>,
    pub folder: TempDir,
    plan: Plan,
    clock: Clock,
    teller: Teller,
}

impl Run {
    /// A run over a mesh, nothing of which is started.
    pub fn new(mesh: &str) -> Self {
        Self::limited(mesh, Duration::from_secs(30))
    }

    /// A run whose services have no walls.
    pub fn without_walls(mesh: &str) -> Self {
        Self::with(mesh, Duration::from_secs(30), false, BrokerChoice::Real)
    }

    /// A run without walls whose brokers are mock clusters.
    pub fn mocked(mesh: &str) -> Self {
        Self::with(mesh, Duration::from_secs(30), false, BrokerChoice::Mock)
    }

    /// A run in which a service may take so long until it is ready.
    pub fn limited(mesh: &str, ready_limit: Duration) -> Self {
        Self::with(mesh, ready_limit, true, BrokerChoice::Real)
    }

    fn with(mesh: &str, ready_limit: Duration, walls: bool, broker: BrokerChoice) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let cache = Cache::of_user().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let service = std::env::current_exe().unwrap();
        let text = mesh
            .replace("SERVICE", service.to_str().unwrap())
            .replace("VARIABLE", VARIABLE);
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "sql/001_invoices.sql",
            "CREATE TABLE invoices (id text PRIMARY KEY, bank text);\n",
        );
        write("bank.yaml", BANK);
        write("mesh.yaml", &text);
        let file = folder.path().join("mesh.yaml");
        let mesh = Mesh::parse(&text, &file).unwrap_or_else(|errors| panic!("{errors:?}"));
        let mesh = Arc::new(mesh);
        let launcher = Launcher {
            program: env!("CARGO_BIN_EXE_momus-guardian").into(),
            arguments: Vec::new(),
        };
        let options = Options {
            launcher,
            cache,
            broker: Some(broker),
            ci: false,
            walls,
            ready_limit,
        };
        let clock = Clock::start();
        let (teller, mut events) = Teller::new(clock);
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        Self {
            plan: Plan {
                scenarios: Vec::new(),
                mesh: Some(Arc::clone(&mesh)),
                variables: Arc::default(),
            },
            environment: Arc::new(ProcessEnvironment::new(mesh, options)),
            folder,
            clock,
            teller,
        }
    }

    /// One of its scenarios wants servers of its own for these datastores and brokers.
    pub fn isolating(mut self, names: &[&str]) -> Self {
        let place = ScenarioPlace {
            file: "a.feature".into(),
            line: 1,
            feature: "f".into(),
            rule: None,
            name: "s".into(),
            tags: Vec::new(),
            is_example_row: false,
        };
        self.plan.scenarios.push(PlannedScenario {
            place: Arc::new(place),
            steps: Vec::new(),
            needs_sandbox: true,
            needs_walls: false,
            isolated: names.iter().map(|&name| name.to_owned()).collect(),
        });
        self
    }

    /// Another schema than the small mesh's.
    pub fn write_sql(&self, text: &str) {
        fs::write(self.folder.path().join("sql/001_invoices.sql"), text).unwrap();
    }

    /// Builds and starts what the sandboxes share.
    pub async fn prepare(&self) -> Result<(), StepError> {
        self.environment.prepare(&self.plan, &self.teller).await
    }

    /// Makes a sandbox with this name.
    pub async fn try_sandbox(&self, name: &str) -> Result<(Arc<dyn Sandbox>, Timeline), StepError> {
        self.try_isolated(name, &[]).await
    }

    /// Makes a sandbox with this name and servers of its own for these datastores and brokers.
    pub async fn try_isolated(
        &self,
        name: &str,
        isolated: &[String],
    ) -> Result<(Arc<dyn Sandbox>, Timeline), StepError> {
        let timeline = Timeline::new(self.clock, 0, name);
        let sandbox = self.environment.sandbox(timeline.clone(), isolated).await?;
        Ok((sandbox, timeline))
    }

    /// Makes a sandbox with this name, which must work.
    pub async fn sandbox(&self, name: &str) -> (Arc<dyn Sandbox>, Timeline) {
        let made = self.try_sandbox(name).await;
        made.unwrap_or_else(|failure| panic!("{failure:#?}"))
    }

    /// The run's folder.
    pub fn run_folder(&self) -> PathBuf {
        self.environment.run_folder().unwrap().to_owned()
    }

    /// Ends the run: what was left on its servers.
    pub async fn close(&self) -> Result<Vec<String>, StepError> {
        self.environment.close().await
    }

    /// A text without the folder of the mesh.
    pub fn steady(&self, text: &str) -> String {
        text.replace(self.folder.path().to_str().unwrap(), "FOLDER")
    }

    /// A failure as it is read: message, hint, output, a line each.
    pub fn read(&self, failure: &StepError) -> Vec<String> {
        let hint = failure.hint.iter().map(|hint| format!("hint: {hint}"));
        let output = failure.output.iter().map(|line| format!("| {line}"));
        let lines = [format!("{}: {}", failure.outcome.word(), failure.message)];
        lines
            .into_iter()
            .chain(hint)
            .chain(output)
            .map(|line| self.steady(&line))
            .collect()
    }
}

/// What stands in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// Where the test client finds something.
pub fn endpoint(sandbox: &Arc<dyn Sandbox>, dependency: &str) -> Endpoint {
    sandbox.endpoint(CLIENT, dependency).unwrap()
}

/// Whether something is on the timeline.
pub fn happened(timeline: &Timeline, what: impl Fn(&Happening) -> bool) -> bool {
    timeline.look(|events| events.iter().any(|event| what(&event.happening)))
}

/// Asks until the answer is as it should be, each time that something happens.
pub async fn comes<F: Future<Output = Option<T>>, T>(timeline: &Timeline, mut look: impl FnMut() -> F) -> T {
    let mut bell = timeline.bell();
    let found = async {
        loop {
            bell.mark_unchanged();
            if let Some(found) = look().await {
                return found;
            }
            drop(tokio::time::timeout(Duration::from_millis(100), bell.changed()).await);
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), found).await;
    found.unwrap_or_else(|_| panic!("it never came: {:#?}", timeline.snapshot()))
}

/// The command lines of the processes of a run that are alive, its guardian among them.
pub fn processes(run_folder: &Path) -> Vec<String> {
    found(run_folder).into_iter().map(|(_, line)| line).collect()
}

/// The numbers and command lines of the processes of a run that are alive.
pub fn found(run_folder: &Path) -> Vec<(String, String)> {
    let marker = format!("{RUN_MARKER}={}", run_folder.file_name().unwrap().to_str().unwrap());
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let text = |name| fs::read(entry.path().join(name)).unwrap_or_default();
        let (environment, line) = (text("environ"), text("cmdline"));
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let marked = environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == marker.as_bytes());
        if marked || line.contains(run_folder.to_str().unwrap()) {
            found.push((entry.file_name().into_string().unwrap(), line));
        }
    }
    found
}
