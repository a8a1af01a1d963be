//! What sandboxes left on the servers of a run: there should be nothing.

use momus_engine::failure::{Failure, StepError};
use std::time::Duration;

use super::servers::{BrokerServer, Servers};

/// How long a broker may take to list its topics.
const LIMIT: Duration = Duration::from_secs(10);

/// Databases that are neither template nor Postgres' own, and topics that are not Kafka's own, by name.
pub(super) async fn list(servers: &Servers) -> Result<Vec<String>, StepError> {
    let mut left = Vec::new();
    if let Some(postgres) = &servers.postgres {
        let told =
            |error: &dyn std::fmt::Display| Failure::unknown(format!("the databases left cannot be listed: {error}"));
        let client = postgres.connect("postgres").await.map_err(|error| told(&error))?;
        let sql = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY datname";
        let rows = client.query(sql, &[]).await.map_err(|error| told(&error))?;
        left.extend(rows.iter().map(|row| format!("database {}", row.get::<_, String>(0))));
    }
    for (broker, server) in &servers.brokers {
        let BrokerServer::Real { admin, .. } = server else {
            continue;
        };
        let metadata = tokio::task::block_in_place(|| admin.inner().fetch_metadata(None, LIMIT));
        let metadata = metadata
            .map_err(|error| Failure::unknown(format!("the topics left on {broker} cannot be listed: {error}")))?;
        let topics = metadata.topics().iter().map(|topic| topic.name().to_owned());
        left.extend(
            topics
                .filter(|name| !name.starts_with("__"))
                .map(|name| format!("topic {name} of {broker}")),
        );
    }
    Ok(left)
}
