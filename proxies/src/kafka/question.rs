//! Requests of the edge's own, and the broker's answers to them.

use std::io;

use bytes::Bytes;
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request};

use super::api::{framed, invalid};
use super::bounded;

/// The frame of a request in this version, with this correlation id.
pub(crate) fn ask<R: Request>(request: &R, version: i16, correlation: i32) -> io::Result<Bytes> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation);
    framed(|bytes| {
        header
            .encode(bytes, R::header_version(version))
            .and_then(|()| request.encode(bytes, version))
            .map_err(|error| error.to_string())
    })
}

/// The answer in a frame.
///
/// # Errors
/// That `what` it is cannot be read.
pub(crate) fn answer<M: Decodable + HeaderVersion>(frame: &Bytes, version: i16, what: &str) -> io::Result<M> {
    let unread = |error: String| invalid(format!("{what}: {error}"));
    let mut body = frame.slice(4..);
    bounded::decode::<ResponseHeader>(&mut body, M::header_version(version)).map_err(unread)?;
    bounded::decode(&mut body, version).map_err(unread)
}
