//! The data of one sandbox on the servers of the run: its databases, its topics, and the groups that its services made.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Broker, Mesh};
use tokio::sync::OnceCell;

use super::servers::{Servers, failure, template_of};
use crate::guardian::ProcessId;
use crate::servers::kafka::{NewTopic, Unmade};

/// What parts of a sandbox cost, by name.
pub(super) type Parts = Vec<(String, Duration)>;

/// The data of one sandbox.
pub(super) struct Data {
    mesh: Arc<Mesh>,
    servers: Arc<Servers>,
    sandbox: String,
    /// Whether clients can find its topics.
    known: OnceCell<()>,
}

impl Data {
    /// The data of the sandbox with this name, none of which is made yet.
    pub(super) fn new(mesh: Arc<Mesh>, servers: Arc<Servers>, sandbox: &str) -> Self {
        Self {
            mesh,
            servers,
            sandbox: sandbox.to_owned(),
            known: OnceCell::new(),
        }
    }

    /// Makes all of it. It is not to be given up half-way, nor is an error of one part the end of the others: what is not
    /// done yet could not be removed.
    pub(super) async fn make(&self) -> Result<Parts, StepError> {
        let (databases, topics) = tokio::join!(timed(self.make_databases()), timed(self.make_topics()));
        let mut parts = Vec::new();
        for (name, (took, made)) in [("databases", databases), ("topics", topics)] {
            made?;
            parts.push((name.to_owned(), took));
        }
        Ok(parts)
    }

    async fn make_databases(&self) -> Result<(), StepError> {
        let made = self.servers.postgres.iter().map(|(name, postgres)| async move {
            let (template, clone) = (template_of(name), clone_of(name, &self.sandbox));
            let made = match self.servers.is_own(name) {
                true => postgres.turn_template(&template, &clone).await,
                false => postgres.clone_template(&template, &clone).await,
            };
            made.map_err(|error| failure(&error))
        });
        join_all(made).await.into_iter().collect()
    }

    async fn make_topics(&self) -> Result<(), StepError> {
        let prefix = prefix(&self.sandbox);
        let made = self.mesh.brokers.iter().map(|(name, broker)| {
            let prefix = &prefix;
            async move {
                let Some(server) = self.servers.brokers.get(name).filter(|_| !broker.topics.is_empty()) else {
                    return Ok(());
                };
                let topics = broker.topics.iter().map(|(topic, it)| NewTopic {
                    name: format!("{prefix}{topic}"),
                    partitions: it.partitions,
                    config: it
                        .config
                        .iter()
                        .map(|(key, value)| (key.clone(), value.clone()))
                        .collect(),
                });
                match server.create_topics(topics.collect()).await?.into_iter().next() {
                    Some(unmade) => Err(refused(&unmade, prefix, broker)),
                    None => Ok(()),
                }
            }
        });
        join_all(made).await.into_iter().collect()
    }

    /// Returns once clients can find its topics.
    ///
    /// # Errors
    /// When they cannot in time.
    pub(super) async fn until_known(&self) -> Result<(), StepError> {
        let prefix = prefix(&self.sandbox);
        let all = async || {
            let brokers = self.mesh.brokers.iter().filter(|(_, broker)| !broker.topics.is_empty());
            let known = brokers.filter_map(|(name, broker)| {
                let topics = broker.topics.iter();
                let topics: Vec<_> = topics
                    .map(|(topic, it)| (format!("{prefix}{topic}"), it.partitions))
                    .collect();
                let server = self.servers.brokers.get(name)?;
                Some(async move { server.until_known(&topics).await })
            });
            join_all(known).await.into_iter().collect()
        };
        self.known.get_or_try_init(all).await.copied()
    }

    /// The processes of the servers that the sandbox has for itself.
    pub(super) fn own_servers(&self) -> Vec<ProcessId> {
        self.servers.own_processes()
    }

    /// Removes whatever is there of it, once nobody uses it any more.
    ///
    /// # Errors
    /// The first thing that could not be removed; everything else is removed all the same.
    pub(super) async fn remove(&self) -> Result<(), StepError> {
        let (databases, brokers, own) = tokio::join!(
            self.remove_databases(),
            self.remove_from_brokers(),
            self.servers.end_own()
        );
        // A server that died unasked has told so itself, and took its data along.
        if self.servers.died().borrow().is_some() {
            return Ok(());
        }
        databases.and(brokers).and(own)
    }

    async fn remove_databases(&self) -> Result<(), StepError> {
        let shared = self
            .servers
            .postgres
            .iter()
            .filter(|(name, _)| !self.servers.is_own(name));
        let removed = shared.map(|(name, postgres)| async move {
            let removed = postgres.drop_database(&clone_of(name, &self.sandbox)).await;
            removed.map_err(|error| failure(&error))
        });
        join_all(removed).await.into_iter().collect()
    }

    async fn remove_from_brokers(&self) -> Result<(), StepError> {
        let prefix = prefix(&self.sandbox);
        let shared = self.mesh.brokers.iter().filter(|(name, _)| !self.servers.is_own(name));
        let removed = shared.filter_map(|(name, broker)| {
            let topics = broker.topics.keys().map(|topic| format!("{prefix}{topic}")).collect();
            Some(self.servers.brokers.get(name)?.remove_all(topics, &prefix))
        });
        join_all(removed).await.into_iter().collect()
    }
}

/// The name of a sandbox's clone of a datastore. The sandbox comes first: of a name beyond 63 bytes Postgres keeps the beginning.
pub(super) fn clone_of(datastore: &str, sandbox: &str) -> String {
    format!("{sandbox}.{datastore}")
}

/// What the names of a sandbox's topics, groups and transactional ids begin with on the broker.
pub(super) fn prefix(sandbox: &str) -> String {
    format!("{sandbox}.")
}

/// A topic that could not be made, as the mesh calls it.
fn refused(unmade: &Unmade, prefix: &str, broker: &Broker) -> StepError {
    let name = unmade.name.strip_prefix(prefix).unwrap_or(&unmade.name);
    let failure = Failure::unknown(format!(
        "topic {name} cannot be made: {}",
        unmade.reason.replace(prefix, "")
    ));
    match broker.topics.get(name) {
        Some(topic) => failure.hint(format!("it is declared at {}", topic.place)),
        None => failure,
    }
}

/// Work, and how long it took.
pub(super) async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let began = Instant::now();
    let done = work.await;
    (began.elapsed(), done)
}
