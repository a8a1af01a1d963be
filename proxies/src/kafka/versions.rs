//! ApiVersions: what the client may call is what both the broker and this edge know.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse, ResponseHeader};
use kafka_protocol::protocol::{Encodable, HeaderVersion, Message};

use super::Broker;
use super::api::{self, Answer, Answered, Asked, UNSUPPORTED_VERSION, framed, ids, invalid};
use super::bounded;
use super::handlers::{HANDLERS, handler_of};
use super::scope::Scope;

/// The key of ApiVersions.
pub(crate) const KEY: i16 = ApiKey::ApiVersions as i16;

/// A version that no broker has: it answers in version 0, with error 35 and its versions, and the client asks again.
const UNKNOWN_VERSION: i16 = i16::MAX;

/// The latest version that the mock cluster answers. What it says to a later one is not what the protocol says that a
/// broker says (`rd_kafka_mock_handle_ApiVersion` of librdkafka 2.12: a short array where version 0 has a long one).
const MOCK_LATEST: i16 = 2;

/// Passes the request on; one of a version whose answer could not be read, as one of a version that nobody knows.
pub(crate) fn ask(scope: &Scope, frame: Bytes) -> io::Result<Asked> {
    let (_, version, correlation) = ids(&frame)?;
    if scope.broker() == Broker::Mock && version > MOCK_LATEST {
        return refuse(correlation);
    }
    let (frame, version) = if (0..=ApiVersionsRequest::VERSIONS.max).contains(&version) {
        (frame, version)
    } else {
        let mut changed = BytesMut::from(frame);
        changed[6..8].copy_from_slice(&UNKNOWN_VERSION.to_be_bytes());
        (changed.freeze(), 0)
    };
    let rewrite = move |scope: &Scope, frame| answer(version, scope, frame);
    Ok(Asked::of(frame, Some(Answer::Broker(correlation, Box::new(rewrite)))))
}

/// Answers as a broker does that knows no later version than the mock cluster's: the client asks again.
fn refuse(correlation: i32) -> io::Result<Asked> {
    let own = ApiVersion::default().with_api_key(KEY).with_max_version(MOCK_LATEST);
    let response = ApiVersionsResponse::default()
        .with_error_code(UNSUPPORTED_VERSION)
        .with_api_keys(vec![own]);
    let header = ResponseHeader::default().with_correlation_id(correlation);
    let bytes = framed(|bytes| {
        header
            .encode(bytes, ApiVersionsResponse::header_version(0))
            .and_then(|()| response.encode(bytes, 0))
            .map_err(|error| error.to_string())
    })?;
    Ok(Asked::answered(bytes))
}

fn answer(version: i16, scope: &Scope, frame: Bytes) -> io::Result<Answered> {
    let unread = |error: String| {
        invalid(format!(
            "an answer to an ApiVersions request of version {version}: {error}"
        ))
    };
    // A broker that does not know the version answers in version 0, whatever was asked for.
    let refused = frame.get(8..10) == Some(&UNSUPPORTED_VERSION.to_be_bytes()[..]);
    let version = if refused { 0 } else { version };
    let mut body = frame.slice(4..);
    bounded::decode::<ResponseHeader>(&mut body, ApiVersionsResponse::header_version(version)).map_err(unread)?;
    let header = frame.slice(4..frame.len() - body.len());
    let mut response: ApiVersionsResponse = bounded::decode(&mut body, version).map_err(unread)?;
    clamp(&mut response, scope);
    let bytes = framed(|bytes| {
        bytes.put(header);
        response.encode(bytes, version).map_err(|error| error.to_string())?;
        bytes.put(body);
        Ok(())
    })?;
    Ok(bytes.into())
}

/// Takes out what is not handled here, and the versions that only one side knows.
fn clamp(response: &mut ApiVersionsResponse, scope: &Scope) {
    let offered: std::collections::BTreeSet<_> = response.api_keys.iter().map(|api| api.api_key).collect();
    response.api_keys.retain_mut(|offered| {
        let known = match handler_of(offered.api_key, scope.broker()) {
            _ if offered.api_key == KEY => ApiVersionsRequest::VERSIONS,
            Some(handler) => handler.versions,
            None => return false,
        };
        // Some clients take a broker whose Produce begins above 0 for one without it (KAFKA-18659).
        if offered.api_key != ApiKey::Produce as i16 {
            offered.min_version = offered.min_version.max(known.min);
        }
        offered.max_version = offered.max_version.min(known.max);
        offered.min_version <= offered.max_version
    });
    // A refusal names ApiVersions alone, or nothing.
    if offered.len() <= 1 {
        return;
    }
    if scope.broker() == Broker::Mock {
        let lacked = HANDLERS
            .iter()
            .filter(|handler| handler.is_refusable && !offered.contains(&handler.key));
        response.api_keys.extend(lacked.map(|handler| {
            ApiVersion::default()
                .with_api_key(handler.key)
                .with_min_version(handler.versions.min)
                .with_max_version(handler.versions.max)
        }));
    }
    scope.seen(|seen| seen.offered = Some(offered));
}

/// Why a call of this API in this version does not pass.
pub(crate) fn unhandled(key: i16, version: i16) -> io::Error {
    let name = api::name(key);
    invalid(format!(
        "the client called {name} in version {version}, which the edge does not handle and did not offer"
    ))
}
