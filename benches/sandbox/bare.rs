//! What Momus makes, made by hand.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use momus_engine::mesh::{Mesh, Schema};
use momus_environments::cache::{Cache, Progress};
use momus_environments::guardian::{Guardian, Launcher, RunId};
use momus_environments::servers::kafka::{KafkaServer, NewTopic, Ports};
use momus_environments::servers::postgres::PostgresServer;

use crate::Result;

/// How often a process is asked whether it is ready, as Momus does.
const PAUSE: Duration = Duration::from_millis(10);

/// The servers, and a sandbox's worth of data and processes.
pub(super) struct Bare {
    mesh: Arc<Mesh>,
    pub(super) guardian: Guardian,
    kafka: KafkaServer,
    postgres: PostgresServer,
    program: PathBuf,
    /// Where the service's metrics go.
    statsd: UdpSocket,
}

impl Bare {
    pub(super) async fn prepare(
        mesh: &Arc<Mesh>,
        launcher: &Launcher,
        cache: &Cache,
        program: PathBuf,
    ) -> Result<Self> {
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

    pub(super) async fn make(&self, round: usize) -> Result<Vec<(String, Duration)>> {
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
