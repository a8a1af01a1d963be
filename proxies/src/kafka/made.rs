//! Messages made up, of every handled API and version, for tests and fuzz targets: the decoder itself says which value comes
//! next, and is given one.

mod parts;
mod source;
#[cfg(test)]
mod tests;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, ProduceRequest, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};

use super::api::{Api, framed};
use super::handlers::{HANDLERS, Handler};

pub(crate) use parts::Part;
use parts::parts;
use source::made;

/// The correlation id of everything that is made up.
pub(crate) const CORRELATION: i32 = 7;

/// How frames of an API are made up and taken apart.
pub(crate) struct Layout {
    /// A request of this version, out of chance; every text begins with the prefix.
    pub request: fn(chance: &[u8], prefix: &'static str, version: i16) -> Bytes,
    /// An answer to one.
    pub answer: fn(chance: &[u8], prefix: &'static str, version: i16) -> Bytes,
    /// What a request's frame is made of.
    #[cfg_attr(not(test), expect(dead_code, reason = "fuzz targets take nothing apart"))]
    pub read_request: fn(frame: &Bytes, version: i16) -> Read,
    /// What an answer's frame is made of.
    #[cfg_attr(not(test), expect(dead_code, reason = "fuzz targets take nothing apart"))]
    pub read_answer: fn(frame: &Bytes, version: i16) -> Read,
}

/// A frame that was taken apart.
pub(crate) struct Read {
    /// Its parts in their order.
    pub parts: Vec<Part>,
    /// Its message, as its fields are named.
    pub text: String,
}

impl Layout {
    pub const fn of<R: Api>() -> Self {
        Self {
            request: |chance, prefix, version| {
                let mut header: RequestHeader = made(&[0], "", R::header_version(version));
                header.request_api_key = R::KEY;
                header.request_api_version = version;
                header.correlation_id = CORRELATION;
                frame(
                    (&header, R::header_version(version)),
                    &made::<R>(chance, prefix, version),
                    version,
                )
            },
            answer: |chance, prefix, version| {
                let header = ResponseHeader::default().with_correlation_id(CORRELATION);
                let response: R::Response = made(chance, prefix, version);
                frame((&header, R::Response::header_version(version)), &response, version)
            },
            read_request: |frame, version| read::<RequestHeader, R>(frame, R::header_version(version), version),
            read_answer: |frame, version| {
                let header = R::Response::header_version(version);
                read::<ResponseHeader, R::Response>(frame, header, version)
            },
        }
    }
}

fn frame(header: (&impl Encodable, i16), message: &impl Encodable, version: i16) -> Bytes {
    let (header, header_version) = header;
    let framed = framed(|bytes| {
        header
            .encode(bytes, header_version)
            .and_then(|()| message.encode(bytes, version))
            .map_err(|error| error.to_string())
    });
    framed.unwrap_or_else(|error| unreachable!("what is made up can be written: {error}"))
}

fn read<H, M>(frame: &Bytes, header_version: i16, version: i16) -> Read
where
    H: Decodable,
    M: Decodable + std::fmt::Debug,
{
    let (_, mut parts_of_header, rest) = parts::<H>(frame.slice(4..), header_version);
    let (message, parts, rest) = parts::<M>(rest, version);
    parts_of_header.extend(parts);
    let mut trailing = BytesMut::new();
    trailing.put(rest);
    parts_of_header.push(Part::Plain(trailing.to_vec()));
    Read {
        parts: parts_of_header,
        text: format!("{message:?}"),
    }
}

/// A request of one of the handled APIs and versions, and its answer, if it has one; none of ElectLeaders, before which the
/// edge may ask a question of its own.
pub(crate) fn exchange(
    handler: usize,
    version: usize,
    prefix: &'static str,
    chance: &[u8],
) -> (Vec<u8>, Option<Vec<u8>>) {
    let at = |place: usize| &HANDLERS[place % HANDLERS.len()];
    let is_other = |handler: &&Handler| handler.key != ApiKey::ElectLeaders as i16;
    let handler = Some(at(handler)).filter(is_other).unwrap_or_else(|| at(handler + 1));
    let versions = handler.versions.min..=handler.versions.max;
    let version = versions.clone().nth(version % versions.count()).unwrap_or_default();
    let request = (handler.layout.request)(chance, "", version);
    // A Produce with `acks` 0 is the one request without an answer.
    let is_answered = handler.key != ApiKey::Produce as i16 || {
        let mut body = request.slice(4..);
        let header = RequestHeader::decode(&mut body, ProduceRequest::header_version(version));
        header.is_ok() && ProduceRequest::decode(&mut body, version).is_ok_and(|request| request.acks != 0)
    };
    let answer = is_answered.then(|| (handler.layout.answer)(chance, prefix, version).to_vec());
    (request.to_vec(), answer)
}
