//! The test client's way to publish: every record is acknowledged before the step goes on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use momus_engine::failure::{Failure, StepError, in_words};
use momus_engine::world::World;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::Value as Json;

/// A record that is to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// Its key, if it has one.
    pub key: Option<String>,
    /// Its headers, in order; `None` is a header without a value.
    pub headers: Vec<(String, Option<String>)>,
    /// Its partition; without one the key decides, as Kafka's own producer does it.
    pub partition: Option<i32>,
    /// Its value; `None` is a tombstone.
    pub value: Option<String>,
}

/// Where the broker put a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The partition.
    pub partition: i32,
    /// The offset in it.
    pub offset: i64,
}

/// The producers of a scenario, by broker; they end with its world.
#[derive(Default)]
struct Producers(HashMap<String, Arc<Producer>>);

/// A producer on the test client's edge to a broker.
pub struct Producer {
    broker: String,
    patience: Duration,
    producer: FutureProducer<Listening>,
    said: Said,
}

/// What the client said last of the broker.
type Said = Arc<Mutex<Option<String>>>;

/// Keeps what librdkafka says of the broker, for the record that is not acknowledged.
#[derive(Clone)]
struct Listening(Said);

impl ClientContext for Listening {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        // That all brokers are down says nothing that the reason of each did not say better.
        if error.rdkafka_error_code() == Some(Code::AllBrokersDown) {
            return;
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
    }
}

/// The producer for a topic, made when it is first asked for.
///
/// # Errors
/// When the test client has no way to the topic's broker.
pub fn producer(world: &mut World, topic: &str) -> Result<Arc<Producer>, StepError> {
    let broker = world.broker_of(topic)?;
    if let Some(producer) = world.state.get_or_default::<Producers>().0.get(&broker) {
        return Ok(Arc::clone(producer));
    }
    let address = world.client(&broker)?.address;
    let producer = Arc::new(Producer::new(&broker, &address, world.deadline)?);
    let producers = world.state.get_or_default::<Producers>();
    producers.0.insert(broker, Arc::clone(&producer));
    Ok(producer)
}

impl Producer {
    fn new(broker: &str, address: &str, patience: Duration) -> Result<Self, StepError> {
        let said = Said::default();
        let milliseconds = patience.as_millis().max(1).to_string();
        let producer = ClientConfig::new()
            .set("bootstrap.servers", address)
            .set("client.id", "momus")
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("linger.ms", "0")
            // The key's partition is the one that Kafka's own producer would choose.
            .set("partitioner", "murmur2_random")
            .set("message.timeout.ms", &milliseconds)
            .set("allow.auto.create.topics", "false")
            .set("topic.metadata.propagation.max.ms", "2000")
            .set("topic.metadata.refresh.fast.interval.ms", "50")
            .set("retry.backoff.ms", "50")
            .set("reconnect.backoff.ms", "20")
            .set("reconnect.backoff.max.ms", "500")
            .set("socket.nagle.disable", "true")
            .set("statistics.interval.ms", "0")
            .set_log_level(RDKafkaLogLevel::Emerg)
            .create_with_context(Listening(Arc::clone(&said)))
            .map_err(|error| Failure::unknown(format!("the test client cannot publish to {broker}: {error}")))?;
        Ok(Self {
            broker: broker.to_owned(),
            patience,
            producer,
            said,
        })
    }

    /// Publishes a record, and returns when every in-sync replica has it.
    ///
    /// # Errors
    /// When the broker does not take it, or does not acknowledge it within the run's deadline.
    pub async fn publish(&self, topic: &str, record: &Outgoing) -> Result<Stored, StepError> {
        let headers = record
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| {
                let value = value.as_deref();
                headers.insert(Header { key, value })
            });
        let outgoing = FutureRecord {
            topic,
            partition: record.partition,
            payload: record.value.as_deref(),
            key: record.key.as_deref(),
            timestamp: None,
            headers: (!record.headers.is_empty()).then_some(headers),
        };
        match self.producer.send(outgoing, Duration::ZERO).await {
            Ok(delivery) => Ok(Stored {
                partition: delivery.partition,
                offset: delivery.offset,
            }),
            Err((error, _)) => Err(self.refused(topic, record, &error)),
        }
    }

    fn refused(&self, topic: &str, record: &Outgoing, error: &KafkaError) -> StepError {
        let broker = &self.broker;
        match (error.rdkafka_error_code(), record.partition) {
            (Some(Code::MessageTimedOut), _) => {
                let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let said = said.map(|said| format!(": {said}")).unwrap_or_default();
                let patience = in_words(self.patience);
                Failure::failed(format!(
                    "{broker} did not acknowledge the record to topic {topic} within {patience}{said}"
                ))
                .hint("`--deadline` gives it another time")
            }
            (Some(Code::UnknownPartition), Some(partition)) => {
                Failure::failed(format!("topic {topic} has no partition {partition}"))
            }
            (Some(Code::UnknownTopic | Code::UnknownTopicOrPartition), _) => {
                Failure::failed(format!("{broker} has no topic {topic}"))
            }
            (Some(Code::MessageSizeTooLarge), _) => {
                let bytes = record.value.as_ref().map_or(0, String::len);
                Failure::failed(format!(
                    "{broker} takes no record as large as this one: its value has {bytes} bytes"
                ))
            }
            (Some(code), _) => Failure::failed(format!("{broker} did not take the record to topic {topic}: {code}")),
            (None, _) => Failure::failed(format!("{broker} did not take the record to topic {topic}: {error}")),
        }
    }
}

impl Outgoing {
    /// Its value as `${name}` reads it: JSON where it is that, else text, null for a tombstone.
    pub fn json(&self) -> Json {
        self.value.as_ref().map_or(Json::Null, |value| {
            serde_json::from_str(value).unwrap_or_else(|_| Json::String(value.clone()))
        })
    }
}
