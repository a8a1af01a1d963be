//! What sandboxes left on the servers of a run: there should be nothing.

use std::time::Duration;

use momus_engine::failure::{Failure, StepError};
use tokio::time::{Instant, interval};

use super::brokers::BrokerServer;
use super::servers::Servers;
use crate::servers::ServerError;
use crate::servers::kafka::KafkaServer;
use crate::servers::postgres::PostgresServer;

/// How long something that was removed may still be listed.
const LINGERS: Duration = Duration::from_secs(3);
/// What to do about what a server has only once.
const OWN_SERVER_HINT: &str = "; hint: all sandboxes share it; a scenario tagged `@isolated(DATASTORE)` has its own, and with `isolation: server` each";
/// How soon one look follows another.
const EACH: Duration = Duration::from_millis(20);

/// What is neither a template nor the servers' own: databases, roles, replication slots, topics and groups, by name.
pub(super) async fn list(servers: &Servers) -> Result<Vec<String>, StepError> {
    // What died took its data along, and has told so itself.
    if servers.died().borrow().is_some() {
        return Ok(Vec::new());
    }
    let (until, mut looks) = (Instant::now() + LINGERS, interval(EACH));
    loop {
        looks.tick().await;
        let mut left = Vec::new();
        // All datastores of a run have one server.
        if let Some(postgres) = servers.postgres.values().next() {
            left.extend(
                of_postgres(postgres)
                    .await
                    .map_err(|error| unlisted("the Postgres server", &error))?,
            );
        }
        for (name, broker) in &servers.brokers {
            if let BrokerServer::Real(server) = &**broker {
                left.extend(of_broker(name, server).await.map_err(|error| unlisted(name, &error))?);
            }
        }
        if left.is_empty() || Instant::now() > until {
            return Ok(left);
        }
    }
}

fn unlisted(server: &str, error: &ServerError) -> StepError {
    Failure::unknown(format!("what is left on {server} cannot be listed: {error}"))
}

async fn of_postgres(server: &PostgresServer) -> Result<Vec<String>, ServerError> {
    let mut left = Vec::new();
    for (kind, names) in server.left().await? {
        let hint = if kind == "database" { "" } else { OWN_SERVER_HINT };
        left.extend(names.into_iter().map(|name| format!("{kind} {name}{hint}")));
    }
    Ok(left)
}

async fn of_broker(name: &str, server: &KafkaServer) -> Result<Vec<String>, ServerError> {
    let topics = server
        .topics()
        .await?
        .into_iter()
        .map(|topic| format!("topic {topic} of {name}"));
    let groups = server
        .groups()
        .await?
        .into_iter()
        .map(|group| format!("group {group} of {name}"));
    Ok(topics.chain(groups).collect())
}
