//! The sandbox's own topics, asked of the broker before a request that is about all there are.

use std::io;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, RequestHeader, ResponseHeader, TopicName};
use kafka_protocol::protocol::{Encodable, HeaderVersion, Request};

use super::api::{framed, invalid};
use super::bounded;
use super::scope::Scope;

/// The version in which they are asked for: brokers of 3.0 and later have it.
const VERSION: i16 = 12;

/// The question, with this correlation id.
pub(crate) fn question(correlation: i32) -> io::Result<Bytes> {
    let header = RequestHeader::default()
        .with_request_api_key(MetadataRequest::KEY)
        .with_request_api_version(VERSION)
        .with_correlation_id(correlation);
    let request = MetadataRequest::default()
        .with_topics(None)
        .with_allow_auto_topic_creation(false);
    framed(|bytes: &mut BytesMut| {
        header
            .encode(bytes, MetadataRequest::header_version(VERSION))
            .and_then(|()| request.encode(bytes, VERSION))
            .map_err(|error| error.to_string())
    })
}

/// The sandbox's topics with their partitions, in an answer to the question, by the names that the broker has for them.
///
/// # Errors
/// When the answer is none.
pub(crate) fn read(scope: &Scope, frame: &Bytes) -> io::Result<Vec<(TopicName, Vec<i32>)>> {
    let unread = |error: String| invalid(format!("an answer to the edge's own Metadata request: {error}"));
    let mut body = frame.slice(4..);
    bounded::decode::<ResponseHeader>(&mut body, MetadataResponse::header_version(VERSION)).map_err(unread)?;
    let answer = bounded::decode::<MetadataResponse>(&mut body, VERSION).map_err(unread)?;
    let own = answer.topics.into_iter().filter_map(|topic| {
        let name = topic.name.filter(|name| scope.names().owns(name))?;
        let partitions = topic.partitions.iter().map(|each| each.partition_index);
        Some((name, partitions.collect()))
    });
    Ok(own.collect())
}
