//! The test client's eye on a topic: everything in it from the beginning, read once, while the scenario lasts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use momus_engine::failure::{Failure, StepError};
use momus_engine::timeline::Timeline;
use momus_engine::world::World;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::ends::{Bounds, Ends, partitions};
use super::reader::{Reader, Rewind, Shared};
use super::record::Record;

/// For so long a look tries to reach the end of the topic before Momus says that it cannot tell.
const PATIENCE: Duration = Duration::from_secs(10);
/// After so long without news the end that the consumer stands at is asked for anew.
const WITHOUT_NEWS: Duration = Duration::from_millis(100);

/// The tails of a scenario, by topic, and what asks where they end, by broker; they go with its world.
#[derive(Default)]
struct Tails {
    tails: HashMap<String, Arc<Tail>>,
    ends: HashMap<String, Arc<Ends>>,
}

/// A consumer that holds every partition of one topic, outside of any group, from the beginning.
pub struct Tail {
    topic: String,
    consumer: Arc<StreamConsumer<Silent>>,
    ends: Arc<Ends>,
    shared: Arc<Shared>,
    rewinds: mpsc::UnboundedSender<Rewind>,
    reading: AbortHandle,
}

/// librdkafka's messages are told by the looks that they spoil, not by a log.
pub(super) struct Silent;

impl ClientContext for Silent {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}
    fn error(&self, _error: KafkaError, _reason: &str) {}
}

impl ConsumerContext for Silent {}

/// The tail of a topic, begun when it is first asked for.
///
/// # Errors
/// When the test client has no way to the topic's broker.
pub fn tail(world: &mut World, topic: &str) -> Result<Arc<Tail>, StepError> {
    if let Some(tail) = world.state.get_or_default::<Tails>().tails.get(topic) {
        return Ok(Arc::clone(tail));
    }
    let broker = world.broker_of(topic)?;
    let address = world.client(&broker)?.address;
    let timeline = world.timeline.clone();
    let Tails { tails, ends } = world.state.get_or_default();
    let ends = match ends.get(&broker) {
        Some(ends) => Arc::clone(ends),
        None => {
            let new = Ends::new(&address).map_err(|error| unreadable(topic, &error.to_string()))?;
            Arc::clone(ends.entry(broker).or_insert(Arc::new(new)))
        }
    };
    let tail = Arc::new(Tail::begin(topic, &address, ends, timeline)?);
    tails.insert(topic.to_owned(), Arc::clone(&tail));
    Ok(tail)
}

impl Tail {
    fn begin(topic: &str, address: &str, ends: Arc<Ends>, timeline: Timeline) -> Result<Self, StepError> {
        let consumer: StreamConsumer<Silent> = ClientConfig::new()
            .set("bootstrap.servers", address)
            .set("client.id", "momus")
            // librdkafka assigns nothing without a group's name; nobody joins it and nothing is committed.
            .set("group.id", "momus")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "earliest")
            .set("allow.auto.create.topics", "false")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.error.backoff.ms", "50")
            .set("reconnect.backoff.ms", "20")
            .set("reconnect.backoff.max.ms", "500")
            .set("statistics.interval.ms", "0")
            .set_log_level(RDKafkaLogLevel::Emerg)
            .create_with_context(Silent)
            .map_err(|error| unreadable(topic, &error.to_string()))?;
        let consumer = Arc::new(consumer);
        let shared = Arc::new(Shared::default());
        let (rewinds, asked) = mpsc::unbounded_channel();
        let reader = Reader {
            topic: topic.to_owned(),
            consumer: Arc::clone(&consumer),
            shared: Arc::clone(&shared),
            timeline,
        };
        let reading = tokio::spawn(reader.read(asked)).abort_handle();
        Ok(Self {
            topic: topic.to_owned(),
            consumer,
            ends,
            shared,
            rewinds,
            reading,
        })
    }

    /// Everything that is in the topic at this moment, in the order in which it was read.
    ///
    /// # Errors
    /// Unknown, when the topic's end could not be reached within 10 s.
    pub async fn look(&self) -> Result<Vec<Arc<Record>>, StepError> {
        let until = Instant::now() + PATIENCE;
        let mut news = self.shared.news.subscribe();
        loop {
            let why = match timeout_at(until, self.bounds()).await {
                Ok(Ok(bounds)) if self.reach(&bounds, until).await => return Ok(self.shared.state().records.clone()),
                Ok(Ok(_)) | Err(_) => None,
                Ok(Err(why)) => Some(why),
            };
            if Instant::now() >= until {
                let said = self.shared.state().error.clone();
                let why = said.or(why).unwrap_or_else(|| {
                    format!(
                        "its end was not reached within {}",
                        momus_engine::failure::in_words(PATIENCE)
                    )
                });
                return Err(unreadable(&self.topic, &why));
            }
            drop(timeout(WITHOUT_NEWS, news.changed()).await);
        }
    }

    /// Where each partition begins and ends now; partitions that are new are read from here on.
    async fn bounds(&self) -> Result<Vec<Bounds>, String> {
        let bounds = self.ends.of(&self.topic).await?;
        let new: Vec<i32> = {
            let state = self.shared.state();
            let partitions = bounds.iter().map(|bounds| bounds.partition);
            partitions.filter(|each| !state.partitions.contains_key(each)).collect()
        };
        if !new.is_empty() {
            // A consumer that does not know who leads a partition asks for its beginning half a second later.
            partitions(&self.consumer, &self.topic).await?;
            self.assign(new).map_err(|error| error.to_string())?;
        }
        Ok(bounds)
    }

    /// Reads these partitions, too, from their beginning.
    fn assign(&self, new: Vec<i32>) -> KafkaResult<()> {
        let mut assigned = TopicPartitionList::with_capacity(new.len());
        for partition in &new {
            assigned.add_partition_offset(&self.topic, *partition, Offset::Beginning)?;
        }
        self.consumer.incremental_assign(&assigned)?;
        let mut state = self.shared.state();
        for partition in new {
            state.position(partition);
        }
        Ok(())
    }

    /// Whether everything up to these ends was read, in time.
    async fn reach(&self, bounds: &[Bounds], until: Instant) -> bool {
        let mut news = self.shared.news.subscribe();
        loop {
            news.mark_unchanged();
            let behind = self.shared.state().behind(bounds);
            if behind.is_empty() {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            let again = until.min(Instant::now() + WITHOUT_NEWS);
            if timeout_at(again, news.changed()).await.is_err() {
                for rewind in behind
                    .into_iter()
                    .filter_map(|(rewind, at_end)| at_end.then_some(rewind))
                {
                    // The reading task ends only with the tail.
                    drop(self.rewinds.send(rewind));
                }
            }
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

fn unreadable(topic: &str, why: &str) -> StepError {
    Failure::unknown(format!("the test client cannot read topic {topic}: {why}"))
}

#[cfg(test)]
mod tests {
    use std::time::Instant as Watch;

    use momus_engine::event::Happening;
    use momus_engine::timeline::Clock;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord};

    use super::*;

    fn timeline() -> Timeline {
        Timeline::new(Clock::start(), 0, "sandbox")
    }

    fn cluster() -> MockCluster<'static, DefaultProducerContext> {
        let cluster = MockCluster::new(1).expect("the mock starts");
        cluster.create_topic("orders.v1", 3, 1).expect("the topic is made");
        cluster
    }

    fn begin(cluster: &MockCluster<'_, DefaultProducerContext>, timeline: Timeline) -> Tail {
        let address = cluster.bootstrap_servers();
        let ends = Arc::new(Ends::new(&address).expect("a client"));
        Tail::begin("orders.v1", &address, ends, timeline).expect("a tail")
    }

    async fn publish(cluster: &MockCluster<'_, DefaultProducerContext>, numbers: std::ops::Range<u64>) {
        let producer: FutureProducer = ClientConfig::new()
            .set("bootstrap.servers", cluster.bootstrap_servers())
            .create()
            .expect("a producer");
        for number in numbers {
            let (key, value) = (format!("key-{number}"), format!("{{\"number\":{number}}}"));
            let record = FutureRecord::to("orders.v1").key(&key).payload(&value);
            let sent = producer.send(record, Duration::from_secs(5)).await;
            sent.expect("it is acknowledged");
        }
    }

    #[tokio::test]
    async fn a_look_sees_everything_that_was_acknowledged_before_it() {
        let cluster = cluster();
        let timeline = timeline();
        let tail = begin(&cluster, timeline.clone());
        assert_eq!(tail.look().await.expect("it is read").len(), 0);
        for end in [1, 2, 50] {
            let began = tail.shared.state().records.len() as u64;
            publish(&cluster, began..end).await;
            assert_eq!(tail.look().await.expect("it is read").len() as u64, end);
        }
        let told = timeline.look(|events| {
            let records = events
                .iter()
                .filter(|each| matches!(each.happening, Happening::Record { .. }));
            records.count()
        });
        assert_eq!(told, 50);
    }

    #[tokio::test]
    async fn a_record_rings_the_bell_without_a_look() {
        let cluster = cluster();
        let timeline = timeline();
        let tail = begin(&cluster, timeline.clone());
        tail.look().await.expect("it is read");
        let mut bell = timeline.bell();
        bell.mark_unchanged();
        publish(&cluster, 0..1).await;
        timeout(Duration::from_secs(5), bell.changed())
            .await
            .expect("it rings")
            .expect("the timeline is there");
    }

    #[tokio::test]
    async fn a_tail_ends_at_once() {
        let cluster = cluster();
        let tail = begin(&cluster, timeline());
        tail.look().await.expect("it is read");
        let (weak, began) = (Arc::downgrade(&tail.consumer), Watch::now());
        drop(tail);
        tokio::task::yield_now().await;
        assert!(weak.upgrade().is_none(), "the consumer is gone");
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
}
