//! Where topics end, asked over a connection of its own: a broker answers one request of a connection after the other,
//! and a fetch that waits for records would hold each question up.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use tokio::task::{JoinError, spawn_blocking};

use super::tail::Silent;

/// For so long one request to the broker may take.
const LONGEST_REQUEST: Duration = Duration::from_secs(2);

/// What asks a broker where its topics end.
pub(super) struct Ends(Arc<BaseConsumer<Silent>>);

/// Where a partition begins and ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub partition: i32,
    pub low: i64,
    pub high: i64,
}

impl Ends {
    /// Asks the broker at this address; it connects with the first question.
    pub fn new(address: &str) -> KafkaResult<Self> {
        let client = ClientConfig::new()
            .set("bootstrap.servers", address)
            .set("client.id", "momus")
            .set("isolation.level", "read_committed")
            .set("allow.auto.create.topics", "false")
            .set("reconnect.backoff.ms", "20")
            .set("reconnect.backoff.max.ms", "500")
            .set("socket.nagle.disable", "true")
            .set("statistics.interval.ms", "0")
            .set_log_level(RDKafkaLogLevel::Emerg)
            .create_with_context(Silent)?;
        Ok(Self(Arc::new(client)))
    }

    /// Where each partition of a topic begins and ends now.
    ///
    /// # Errors
    /// What the broker or the client said.
    pub async fn of(&self, topic: &str) -> Result<Vec<Bounds>, String> {
        let partitions = partitions(&self.0, topic).await?;
        if partitions.is_empty() {
            return Err("the broker has no such topic".to_owned());
        }
        let bounds = partitions.into_iter().map(|partition| {
            let (name, client) = (topic.to_owned(), Arc::clone(&self.0));
            spawn_blocking(move || {
                let (low, high) = client.fetch_watermarks(&name, partition, LONGEST_REQUEST)?;
                Ok(Bounds { partition, low, high })
            })
        });
        let bounds = futures::future::join_all(bounds).await;
        bounds.into_iter().map(told).collect()
    }
}

/// The partitions of a topic that the broker has; from then on the client knows who leads them.
///
/// # Errors
/// What the broker or the client said.
pub(super) async fn partitions<C>(client: &Arc<C>, topic: &str) -> Result<Vec<i32>, String>
where
    C: Consumer<Silent> + Send + Sync + 'static,
{
    let (client, topic) = (Arc::clone(client), topic.to_owned());
    let asked = spawn_blocking(move || {
        let metadata = client.fetch_metadata(Some(&topic), LONGEST_REQUEST)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let Some(found) = found else {
            return Ok(Vec::new());
        };
        match found.error() {
            Some(error) => Err(KafkaError::MetadataFetch(error.into())),
            None => Ok(found.partitions().iter().map(|partition| partition.id()).collect()),
        }
    });
    told(asked.await)
}

fn told<T>(result: Result<KafkaResult<T>, JoinError>) -> Result<T, String> {
    match result {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
