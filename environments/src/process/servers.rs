//! The servers that the sandboxes of a run share: brokers, and one Postgres for all datastores.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use momus_engine::event::Happening;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Mesh, Schema};
use momus_engine::run::Teller;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use tokio::sync::watch;

use super::Options;
use super::broker_choice::{Brokers, beyond_the_mock, choose};
use crate::cache::Progress;
use crate::guardian::{Exit, Guardian};
use crate::servers::ServerError;
use crate::servers::kafka::KafkaServer;
use crate::servers::mock::MockKafka;
use crate::servers::postgres::PostgresServer;

/// How long the broker may take to make or remove topics.
const ADMIN_LIMIT: Duration = Duration::from_secs(30);

/// The servers of a run.
pub(super) struct Servers {
    pub(super) brokers: BTreeMap<String, BrokerServer>,
    pub(super) postgres: Option<PostgresServer>,
    died: watch::Receiver<Option<StepError>>,
}

/// A broker.
pub(super) enum BrokerServer {
    Real {
        server: KafkaServer,
        admin: AdminClient<DefaultClientContext>,
    },
    Mock(MockKafka),
}

impl Servers {
    /// Starts the servers that the mesh needs.
    pub(super) async fn start(
        mesh: &Mesh,
        options: &Options,
        guardian: &Guardian,
        progress: &Progress,
        teller: &Teller,
    ) -> Result<Self, StepError> {
        let postgres = async {
            if mesh.datastores.is_empty() {
                return Ok(None);
            }
            let began = Instant::now();
            progress("starting Postgres");
            let server = PostgresServer::start(guardian, &options.cache, "postgres", progress).await;
            let server = server.map_err(|error| failure(&error))?;
            told(teller, "postgres", server.version(), began).await;
            Ok::<_, StepError>(Some(server))
        };
        let brokers = async {
            let mut brokers = BTreeMap::new();
            for name in mesh.brokers.keys() {
                brokers.insert(
                    name.clone(),
                    broker(name, mesh, options, guardian, progress, teller).await?,
                );
            }
            Ok::<_, StepError>(brokers)
        };
        let (postgres, brokers) = tokio::join!(postgres, brokers);
        let (postgres, brokers) = (postgres?, brokers?);
        if let Some(postgres) = &postgres {
            for (name, datastore) in &mesh.datastores {
                let files = match datastore.schema.as_deref() {
                    Some(Schema::Sql(files)) => files.as_slice(),
                    None => &[],
                };
                let made = postgres.create_template(name, files).await;
                made.map_err(|error| failure(&error))?;
            }
        }
        let died = watch_over(&brokers, postgres.as_ref());
        Ok(Self {
            brokers,
            postgres,
            died,
        })
    }

    /// Becomes what a server of the run died of, should one die unasked.
    pub(super) fn died(&self) -> watch::Receiver<Option<StepError>> {
        self.died.clone()
    }
}

async fn told(teller: &Teller, server: &str, version: &str, began: Instant) {
    let happening = Happening::ServerReady {
        server: server.into(),
        version: version.into(),
        took: began.elapsed(),
    };
    teller.tell(happening).await;
}

async fn broker(
    name: &str,
    mesh: &Mesh,
    options: &Options,
    guardian: &Guardian,
    progress: &Progress,
    teller: &Teller,
) -> Result<BrokerServer, StepError> {
    let began = Instant::now();
    let why = match choose(mesh, options)? {
        Brokers::Mock(why) => why,
        Brokers::Real => {
            progress(&format!("starting Kafka ({name})"));
            match KafkaServer::start(guardian, &options.cache, name, progress).await {
                Ok(server) => {
                    let mut config = ClientConfig::new();
                    config.set("bootstrap.servers", server.address());
                    let admin = config.create().map_err(|error| Failure::unknown(error.to_string()))?;
                    told(teller, name, "Apache Kafka 4.4.0", began).await;
                    return Ok(BrokerServer::Real { server, admin });
                }
                // It could not be fetched.
                Err(error) if error.is_absence() && options.broker.is_none() && !options.ci => {
                    beyond_the_mock(mesh).map_or(Ok(()), Err)?;
                    error.to_string()
                }
                Err(error) => return Err(failure(&error)),
            }
        }
    };
    let text = format!(
        "the broker {name} is librdkafka's mock cluster, not Apache Kafka: {}",
        why.lines().next().unwrap_or_default()
    );
    teller.tell(Happening::Notice { text }).await;
    let mock = MockKafka::start().await.map_err(|error| failure(&error))?;
    told(teller, name, "librdkafka's mock cluster", began).await;
    Ok(BrokerServer::Mock(mock))
}

/// Notes when a server ends that nobody told to.
fn watch_over(
    brokers: &BTreeMap<String, BrokerServer>,
    postgres: Option<&PostgresServer>,
) -> watch::Receiver<Option<StepError>> {
    let (sender, died) = watch::channel(None);
    let real = brokers.iter().filter_map(|(name, broker)| match broker {
        BrokerServer::Real { server, .. } => Some((format!("the broker {name}"), server.child().clone())),
        BrokerServer::Mock(_) => None,
    });
    let postgres = postgres.map(|server| ("the Postgres server".to_owned(), server.child().clone()));
    for (who, child) in real.chain(postgres) {
        let sender = sender.clone();
        tokio::spawn(async move {
            let exit = child.exited().await;
            // With the guardian gone there is nothing to tell of the server itself.
            if exit != Exit::Unknown {
                let failure = Failure::unknown(format!("{who} died unasked: {exit}"))
                    .hint("it is shared by all scenarios; a machine out of memory or disk is the usual cause");
                sender.send_replace(Some(failure));
            }
        });
    }
    died
}

impl BrokerServer {
    /// Where clients connect.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Real { server, .. } => server.address(),
            Self::Mock(mock) => mock.address().to_owned(),
        }
    }

    /// Makes topics: name, partitions, configuration.
    pub(super) async fn create_topics(&self, topics: &[(String, u32, Vec<(String, String)>)]) -> Result<(), StepError> {
        match self {
            Self::Mock(mock) => {
                for (name, partitions, _) in topics {
                    let partitions = i32::try_from(*partitions).unwrap_or(i32::MAX);
                    mock.create_topic(name, partitions)
                        .await
                        .map_err(|error| failure(&error))?;
                }
                Ok(())
            }
            Self::Real { admin, .. } => {
                let new: Vec<NewTopic<'_>> = topics
                    .iter()
                    .map(|(name, partitions, config)| {
                        let partitions = i32::try_from(*partitions).unwrap_or(i32::MAX);
                        let new = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
                        config.iter().fold(new, |new, (key, value)| new.set(key, value))
                    })
                    .collect();
                let options = AdminOptions::new()
                    .request_timeout(Some(ADMIN_LIMIT))
                    .operation_timeout(Some(ADMIN_LIMIT));
                let made = admin.create_topics(&new, &options).await;
                let made = made.map_err(|error| Failure::unknown(format!("topics could not be made: {error}")))?;
                match made.into_iter().find_map(Result::err) {
                    Some((name, error)) => Err(Failure::unknown(format!("topic {name} could not be made: {error}"))),
                    None => Ok(()),
                }
            }
        }
    }

    /// Removes topics; those of the mock cluster go with it.
    pub(super) async fn delete_topics(&self, topics: &[&str]) -> Result<(), StepError> {
        let Self::Real { admin, .. } = self else { return Ok(()) };
        let options = AdminOptions::new().request_timeout(Some(ADMIN_LIMIT));
        let removed = admin.delete_topics(topics, &options).await;
        let removed = removed.map_err(|error| Failure::unknown(format!("topics could not be removed: {error}")))?;
        match removed.into_iter().find_map(Result::err) {
            Some((name, error)) => Err(Failure::unknown(format!("topic {name} could not be removed: {error}"))),
            None => Ok(()),
        }
    }
}

/// A server's error as a failure: what it says after the first line is output.
pub(super) fn failure(error: &ServerError) -> StepError {
    let text = error.to_string();
    let mut lines = text.lines();
    let message = lines.next().unwrap_or_default().to_owned();
    let mut failure = Failure::unknown(message);
    let rest: Vec<String> = lines.map(str::to_owned).collect();
    match rest.last().and_then(|last| last.strip_prefix("hint: ")) {
        Some(hint) => {
            failure.hint = Some(hint.to_owned());
            failure.output = rest[..rest.len() - 1].to_vec();
        }
        None => failure.output = rest,
    }
    failure
}
