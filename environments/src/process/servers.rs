//! The servers that the sandboxes of a run share: brokers, and one Postgres for all datastores.

use std::collections::BTreeMap;
use std::time::Instant;

use futures::future::try_join_all;
use momus_engine::event::Happening;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Mesh, Schema};
use momus_engine::run::Teller;
use tokio::sync::watch;

use super::Options;
use super::brokers::BrokerServer;
use crate::cache::Progress;
use crate::guardian::{Exit, Guardian};
use crate::servers::ServerError;
use crate::servers::postgres::PostgresServer;

/// What to do when the guardian was killed.
pub(super) const GUARDIAN_HINT: &str = "something killed it from outside (the system, when memory runs out); what it guarded is cleared away when the run ends";

/// The servers of a run.
pub(super) struct Servers {
    pub(super) brokers: BTreeMap<String, BrokerServer>,
    pub(super) postgres: Option<PostgresServer>,
    died: watch::Receiver<Option<StepError>>,
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
            match mesh.datastores.is_empty() {
                true => Ok(None),
                false => postgres(mesh, options, guardian, progress, teller).await.map(Some),
            }
        };
        let brokers = mesh.brokers.keys().map(|name| async move {
            let broker = BrokerServer::start(name, mesh, options, guardian, progress, teller).await?;
            Ok::<_, StepError>((name.clone(), broker))
        });
        let (postgres, brokers) = tokio::try_join!(postgres, try_join_all(brokers))?;
        let brokers = brokers.into_iter().collect();
        let died = watch_over(&brokers, postgres.as_ref());
        Ok(Self {
            brokers,
            postgres,
            died,
        })
    }

    /// Those of a mesh that needs none.
    pub(super) fn none() -> Self {
        let brokers = BTreeMap::new();
        let died = watch_over(&brokers, None);
        Self {
            brokers,
            postgres: None,
            died,
        }
    }

    /// Becomes what a server of the run died of, should one die unasked.
    pub(super) fn died(&self) -> watch::Receiver<Option<StepError>> {
        self.died.clone()
    }
}

/// Starts the server for all datastores, with a template for each.
async fn postgres(
    mesh: &Mesh,
    options: &Options,
    guardian: &Guardian,
    progress: &Progress,
    teller: &Teller,
) -> Result<PostgresServer, StepError> {
    let began = Instant::now();
    progress("starting Postgres");
    let server = PostgresServer::start(guardian, &options.cache, "postgres", progress).await;
    let server = server.map_err(|error| failure(&error))?;
    told(teller, "postgres", server.version(), began).await;
    let made = mesh.datastores.iter().map(|(name, datastore)| {
        let server = &server;
        async move {
            let files = match datastore.schema.as_deref() {
                Some(Schema::Sql(files)) => files.as_slice(),
                None => &[],
            };
            let made = server.create_template(&template_of(name), files).await;
            let place = datastore
                .schema
                .as_ref()
                .map_or(&datastore.place, |schema| &schema.place);
            let hint = format!("it is the schema of datastore {name}, at {place}");
            made.map_err(|error| failure(&error).hint(hint))
        }
    });
    try_join_all(made).await?;
    Ok(server)
}

/// The name of the database that a datastore's clones are copies of. A datastore may be called as a database that is there anyway.
pub(super) fn template_of(datastore: &str) -> String {
    format!("template.{datastore}")
}

/// Tells that a server is up.
pub(super) async fn told(teller: &Teller, server: &str, version: &str, began: Instant) {
    let happening = Happening::ServerReady {
        server: server.into(),
        version: version.into(),
        took: began.elapsed(),
    };
    teller.tell(happening).await;
}

/// Notes when a server ends that nobody told to.
fn watch_over(
    brokers: &BTreeMap<String, BrokerServer>,
    postgres: Option<&PostgresServer>,
) -> watch::Receiver<Option<StepError>> {
    let (sender, died) = watch::channel(None);
    let real = brokers.iter().filter_map(|(name, broker)| match broker {
        BrokerServer::Real(server) => Some((
            format!("the broker {name}"),
            server.child().clone(),
            server.output().clone(),
        )),
        BrokerServer::Mock(_) => None,
    });
    let postgres = postgres.map(|server| {
        let who = "the Postgres server".to_owned();
        (who, server.child().clone(), server.output().clone())
    });
    for (who, child, output) in real.chain(postgres) {
        let sender = sender.clone();
        tokio::spawn(async move {
            let failure = match child.exited().await {
                Exit::Unknown => {
                    Failure::unknown("the guardian of the run is gone, and the servers with it").hint(GUARDIAN_HINT)
                }
                exit => {
                    output.complete().await;
                    let last = output.to_string();
                    Failure::unknown(format!("{who} died unasked: {exit}"))
                        .hint("it is shared by all scenarios; a machine out of memory or disk is the usual cause")
                        .output(last.lines().map(str::to_owned))
                }
            };
            sender.send_if_modified(|died| {
                let first = died.is_none();
                died.get_or_insert(failure);
                first
            });
        });
    }
    died
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
