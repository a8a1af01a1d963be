//! The sandbox's own topics, asked of the broker before a request that is about all there are.

use std::io;

use bytes::Bytes;
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};

use super::question;
use super::scope::Scope;

/// The version in which they are asked for: brokers of 3.0 and later have it.
const VERSION: i16 = 12;

/// The question, with this correlation id.
pub(crate) fn question(correlation: i32) -> io::Result<Bytes> {
    let request = MetadataRequest::default()
        .with_topics(None)
        .with_allow_auto_topic_creation(false);
    question::ask(&request, VERSION, correlation)
}

/// The sandbox's topics with their partitions, in an answer to the question, by the names that the broker has for them.
///
/// # Errors
/// When the answer is none.
pub(crate) fn read(scope: &Scope, frame: &Bytes) -> io::Result<Vec<(TopicName, Vec<i32>)>> {
    let what = "an answer to the edge's own Metadata request";
    let answer: MetadataResponse = question::answer(frame, VERSION, what)?;
    let own = answer.topics.into_iter().filter_map(|topic| {
        let name = topic.name.filter(|name| scope.names().owns(name))?;
        let partitions = topic.partitions.iter().map(|each| each.partition_index);
        Some((name, partitions.collect()))
    });
    Ok(own.collect())
}
