//! The servers that one sandbox has for itself (`isolation: server`), beside those of the run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use momus_engine::failure::{Failure, StepError};
use tokio::sync::watch;

use super::brokers::BrokerServer;
use super::servers::{Prepared, Servers, failure, mortal_brokers, mortal_postgres, watch_over};
use crate::guardian::{Guardian, ProcessId};
use crate::servers::postgres::PostgresServer;

/// Why one dies.
const HINT: &str = "a machine out of memory or disk is the usual cause";

impl Servers {
    /// The servers that a sandbox sees: those of the run, and in their place or beside them those that are started for it, of
    /// what the mesh isolates and of what is `wanted`.
    ///
    /// # Errors
    /// Why one cannot be started; those that were are ended.
    pub(super) async fn of_sandbox(
        run: &Arc<Self>,
        guardian: Option<&Guardian>,
        sandbox: &str,
        wanted: &[String],
    ) -> Result<Arc<Self>, StepError> {
        let Prepared { brokers, postgres } = &run.prepared;
        let is_shared = |name: &String| run.brokers.contains_key(name) || run.postgres.contains_key(name);
        let is_own = |name: &String| wanted.contains(name) || !is_shared(name);
        if !brokers.keys().chain(postgres.keys()).any(is_own) {
            return Ok(Arc::clone(run));
        }
        let guardian = guardian.ok_or_else(|| Failure::unknown("the environment is not prepared"))?;
        let brokers = brokers.iter().filter(|(name, _)| is_own(name));
        let brokers = brokers.map(|(name, prepared)| async move {
            let folder = format!("broker-{sandbox}-{name}");
            let broker = BrokerServer::start_from(prepared, guardian, &folder).await?;
            Ok::<_, StepError>((name.clone(), Arc::new(broker)))
        });
        let postgres = postgres.iter().filter(|(name, _)| is_own(name));
        let postgres = postgres.map(|(name, left)| async move {
            let folder = format!("postgres-{sandbox}-{name}");
            let server = PostgresServer::start_from(guardian, &folder, left.clone()).await;
            let server = server.map_err(|error| failure(&error))?;
            Ok::<_, StepError>((name.clone(), Arc::new(server)))
        });
        let (brokers, postgres) = tokio::join!(join_all(brokers), join_all(postgres));
        let (brokers, no_broker) = apart(brokers);
        let (postgres, no_postgres) = apart(postgres);
        let mortals = postgres.iter();
        let mortals = mortals.map(|(name, server)| mortal_postgres(format!("the Postgres server of {name}"), server));
        let ended = Arc::default();
        let died = merged(
            run.died(),
            watch_over(mortal_brokers(&brokers).chain(mortals), HINT, &ended),
        );
        let own = brokers.keys().chain(postgres.keys()).cloned().collect();
        let shared = (run.brokers.clone(), run.postgres.clone());
        let servers = Self {
            brokers: shared.0.into_iter().chain(brokers).collect(),
            postgres: shared.1.into_iter().chain(postgres).collect(),
            prepared: Prepared::default(),
            own,
            ended,
            died,
        };
        match no_broker.or(no_postgres) {
            None => Ok(Arc::new(servers)),
            Some(error) => {
                // The first error is the one to tell.
                drop(servers.end_own().await);
                Err(error)
            }
        }
    }

    /// The processes of the servers that a sandbox has for itself.
    pub(super) fn own_processes(&self) -> Vec<ProcessId> {
        let brokers = self.brokers.iter();
        let brokers = brokers.flat_map(|(name, broker)| broker.nodes().map(move |node| (name, node.child())));
        let postgres = self.postgres.iter().map(|(name, server)| (name, server.child()));
        let own = brokers.chain(postgres).filter(|(name, _)| self.is_own(name));
        own.map(|(_, child)| child.process().clone()).collect()
    }

    /// Ends the servers that a sandbox has for itself.
    ///
    /// # Errors
    /// When the data of one cannot be removed.
    pub(super) async fn end_own(&self) -> Result<(), StepError> {
        self.ended.store(true, Ordering::Relaxed);
        let brokers = self.brokers.iter().filter(|(name, _)| self.is_own(name));
        let brokers = brokers.map(|(_, broker)| broker.stop());
        let postgres = self.postgres.iter().filter(|(name, _)| self.is_own(name));
        let postgres = postgres.map(|(_, server)| async { server.stop().await.map_err(|error| failure(&error)) });
        let (brokers, postgres) = tokio::join!(join_all(brokers), join_all(postgres));
        brokers.into_iter().chain(postgres).collect()
    }
}

/// What was started by its name, and the first error.
fn apart<T>(started: Vec<Result<(String, T), StepError>>) -> (BTreeMap<String, T>, Option<StepError>) {
    let (mut there, mut first) = (BTreeMap::new(), None);
    for one in started {
        match one {
            Ok((name, server)) => drop(there.insert(name, server)),
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    (there, first)
}

/// What either tells first.
fn merged(
    mut run: watch::Receiver<Option<StepError>>,
    mut own: watch::Receiver<Option<StepError>>,
) -> watch::Receiver<Option<StepError>> {
    let (sender, died) = watch::channel(None);
    tokio::spawn(async move {
        // Of none that is watched none dies.
        let death = tokio::select! {
            Ok(death) = run.wait_for(Option::is_some) => death.clone(),
            Ok(death) = own.wait_for(Option::is_some) => death.clone(),
            () = sender.closed() => None,
        };
        sender.send_replace(death);
    });
    died
}
