//! The topics on a broker: made, listed, removed.

use std::io;
use std::time::Duration;

use futures::future::try_join_all;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{CreateTopicsRequest, DeleteTopicsRequest, MetadataRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use tokio::time::{Instant, interval};

use super::conversation::{Conversation, named};
use super::{KafkaServer, Node, refused};
use crate::servers::ServerError;

/// How long the broker may take to make or remove topics, in milliseconds.
const LIMIT: i32 = 30_000;
/// How long nodes may take to know of new topics.
const LEADERS_LIMIT: Duration = Duration::from_secs(30);
/// As many replicas as the nodes' configuration says.
const AS_CONFIGURED: i16 = -1;
/// What Kafka's own topics begin with.
const INTERNAL: &str = "__";

/// A topic to be made.
#[derive(Clone, Debug)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    pub partitions: u32,
    /// Kafka's own settings of a topic, such as `cleanup.policy`.
    pub config: Vec<(String, String)>,
}

/// A topic that the broker did not make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmade {
    /// Its name.
    pub name: String,
    /// What the broker said.
    pub reason: String,
}

impl KafkaServer {
    /// Makes topics, and tells which of them could not be made. Where there are several nodes, all of them know of those that were,
    /// with a leader for each partition.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    pub async fn create_topics(&self, topics: Vec<NewTopic>) -> Result<Vec<Unmade>, ServerError> {
        let wanted: Vec<_> = topics
            .iter()
            .map(|topic| (topic.name.clone(), topic.partitions))
            .collect();
        let topics = topics.into_iter().map(|topic| {
            let config = topic.config.into_iter().map(|(key, value)| {
                let config = CreatableTopicConfig::default().with_name(StrBytes::from_string(key));
                config.with_value(Some(StrBytes::from_string(value)))
            });
            CreatableTopic::default()
                .with_name(TopicName(StrBytes::from_string(topic.name)))
                .with_num_partitions(i32::try_from(topic.partitions).unwrap_or(i32::MAX))
                .with_replication_factor(AS_CONFIGURED)
                .with_configs(config.collect())
        });
        let request = CreateTopicsRequest::default()
            .with_topics(topics.collect())
            .with_timeout_ms(LIMIT);
        let answer = async { self.converse().await?.ask(&request, 7).await };
        let answer = answer.await.map_err(|error| refused("make topics", &error))?;
        let unmade = answer.topics.into_iter().filter(|topic| topic.error_code != 0);
        let unmade: Vec<_> = unmade
            .map(|topic| Unmade {
                name: topic.name.to_string(),
                reason: topic
                    .error_message
                    .map_or_else(|| named(topic.error_code), |text| text.to_string()),
            })
            .collect();
        if unmade.is_empty() && !self.others.is_empty() {
            self.until_known(&wanted).await?;
        }
        Ok(unmade)
    }

    /// Returns once every node knows of these topics, with so many partitions each, which all have leaders. Of a single node that
    /// is some milliseconds after they were made.
    ///
    /// # Errors
    /// When one cannot be asked, or does not know of them in time.
    pub async fn until_known(&self, topics: &[(String, u32)]) -> Result<(), ServerError> {
        let known = self.nodes().map(|node| self.until_known_to(node, topics));
        let known = try_join_all(known).await;
        known.map(drop).map_err(|error| refused("make topics", &error))
    }

    async fn until_known_to(&self, node: &Node, wanted: &[(String, u32)]) -> io::Result<()> {
        let topics = wanted
            .iter()
            .map(|(name, _)| MetadataRequestTopic::default().with_name(Some(TopicName(StrBytes::from(name.clone())))));
        let request = MetadataRequest::default().with_topics(Some(topics.collect()));
        let count: usize = wanted.iter().map(|(_, partitions)| *partitions as usize).sum();
        let mut broker = self.converse_with(node).await?;
        let (until, mut looks) = (Instant::now() + LEADERS_LIMIT, interval(Duration::from_millis(10)));
        loop {
            looks.tick().await;
            let answer = broker.ask(&request, 12).await?;
            let led = answer.topics.iter().filter(|topic| topic.error_code == 0);
            let led = led.flat_map(|topic| &topic.partitions).filter(|it| *it.leader_id >= 0);
            if led.count() == count {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(io::Error::other("not all of their partitions have a leader"));
            }
        }
    }

    /// The names of all topics, Kafka's own left out. One that was removed a moment ago may still be among them.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    pub async fn topics(&self) -> Result<Vec<String>, ServerError> {
        let listed = async { list(&mut self.converse().await?).await };
        listed.await.map_err(|error| refused("list its topics", &error))
    }

    /// Removes these topics, as far as they are there, and all others whose names begin so. One that was made a moment ago
    /// may not be listed yet, so those that are known are named.
    ///
    /// # Errors
    /// When the broker cannot be asked, or does not remove one.
    pub async fn delete_topics(&self, known: Vec<String>, prefix: &str) -> Result<(), ServerError> {
        let deleted = async {
            let mut broker = self.converse().await?;
            let mut names = known;
            let listed = list(&mut broker)
                .await?
                .into_iter()
                .filter(|name| name.starts_with(prefix));
            names.extend(listed);
            names.sort_unstable();
            names.dedup();
            let topics = names
                .into_iter()
                .map(|name| DeleteTopicState::default().with_name(Some(TopicName(StrBytes::from_string(name)))));
            let request = DeleteTopicsRequest::default()
                .with_topics(topics.collect())
                .with_timeout_ms(LIMIT);
            if request.topics.is_empty() {
                return Ok(());
            }
            let unknown = kafka_protocol::ResponseError::UnknownTopicOrPartition.code();
            let answer = broker.ask(&request, 6).await?;
            match answer
                .responses
                .into_iter()
                .find(|topic| ![0, unknown].contains(&topic.error_code))
            {
                Some(topic) => {
                    let name = topic.name.map(|name| name.to_string()).unwrap_or_default();
                    Err(io::Error::other(format!("topic {name}: {}", named(topic.error_code))))
                }
                None => Ok(()),
            }
        };
        deleted.await.map_err(|error| refused("remove topics", &error))
    }
}

async fn list(broker: &mut Conversation) -> io::Result<Vec<String>> {
    let answer = broker.ask(&MetadataRequest::default().with_topics(None), 12).await?;
    let names = answer.topics.into_iter().filter_map(|topic| topic.name);
    Ok(names
        .map(|name| name.to_string())
        .filter(|name| !name.starts_with(INTERNAL))
        .collect())
}
