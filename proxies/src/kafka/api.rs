//! What it is to handle an API.

use std::fmt::Debug;
use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader, TopicName};
use kafka_protocol::protocol::{Encodable, HeaderVersion, Request};
use momus_engine::activity::UnderWay;

use tokio::sync::oneshot;

use super::bearing::{Bearing, Call};
use super::bounded;
use super::scope::Scope;
use super::{Broker, own_topics};

/// The broker does not have the API, or not in this version.
pub(crate) const UNSUPPORTED_VERSION: i16 = ResponseError::UnsupportedVersion.code();

/// An API: how its names are rewritten, and what of it belongs on the timeline.
pub(crate) trait Api: Request<Response: Send + Debug> + Clone + Debug + Send + 'static {
    /// Rewrites the request's names into the broker's.
    fn to_broker(&mut self, scope: &Scope);

    /// Has a request of this version ask of the mock cluster what a real broker would do of itself.
    fn fit_mock(&mut self, _version: i16) {}

    /// Whether it is about all topics that there are, and must be narrowed to the sandbox's.
    fn is_about_all_topics(&self) -> bool {
        false
    }

    /// Makes a request about all topics one about these, with their partitions, by the names that the broker has for them.
    fn narrow(&mut self, _topics: Vec<(TopicName, Vec<i32>)>) {}

    /// Rewrites the answer's names into the client's; `self` is the request as the client sent it.
    fn to_client(&self, answer: &mut Self::Response, scope: &Scope);

    /// The first error in an answer, else 0.
    fn error(answer: &Self::Response) -> i16;

    /// What it is about, in the sandbox's own names.
    fn about(&self, scope: &Scope) -> String;

    /// What it means for whether the sandbox is quiet.
    fn bearing(&self) -> Bearing {
        Bearing::None
    }

    /// Notes what the request as the client sent it tells of how far things have come.
    fn asked(&self, _scope: &Scope) {}

    /// Notes what the answer as the client gets it tells of how far things have come, and returns which records it hands
    /// over, if it does.
    fn answered(&self, _answer: &Self::Response, _scope: &Scope) -> Option<String> {
        None
    }

    /// Whether it changes something, and so belongs on the timeline also where it succeeds.
    fn has_effect(&self) -> bool {
        false
    }

    /// Whether the broker answers at all.
    fn is_answered(&self) -> bool {
        true
    }

    /// Whether this call, other than the API as a whole, is one that the mock cluster answers wrongly.
    fn is_lacking_from_mock(&self) -> bool {
        false
    }

    /// Whether it is about what a server has only once: who shares the server does not have it.
    const OF_SERVER: bool = false;

    /// The answer that says an error of an API that the mock cluster lacks, for those that a client may call there.
    const REFUSED: Option<fn(&Self, i16) -> Self::Response> = None;

    /// Whether a request of this version holds nothing to rewrite, so that it passes as it came.
    fn passes(&self, _version: i16, _scope: &Scope) -> bool {
        false
    }

    /// Whether an answer of this version holds nothing to rewrite, so that it passes as it came.
    fn answer_passes(_answer: &Self::Response, _version: i16) -> bool {
        false
    }
}

/// What becomes of a request.
pub(crate) struct Asked {
    /// What goes to the broker, if anything.
    pub bytes: Option<Bytes>,
    /// Where its answer comes from, if it has one.
    pub answer: Option<Answer>,
    /// What is asked first, if anything.
    pub before: Option<Before>,
}

impl Asked {
    /// A request that goes to the broker at once.
    pub fn of(bytes: Bytes, answer: Option<Answer>) -> Self {
        Self {
            bytes: Some(bytes),
            answer,
            before: None,
        }
    }

    /// A request that the edge answers itself.
    pub fn answered(bytes: Bytes) -> Self {
        Self {
            bytes: None,
            answer: Some(Answer::Own(bytes)),
            before: None,
        }
    }
}

/// A question of the edge's own, whose answer the client's request waits for.
pub(crate) struct Before {
    pub question: Bytes,
    /// The correlation id of its answer.
    pub correlation: i32,
    /// Makes the client's request of the answer.
    pub then: Box<Resolve>,
}

/// Makes a request of the answer to a question before it.
pub(crate) type Resolve = dyn FnOnce(&Scope, Bytes) -> io::Result<Bytes> + Send;

/// An answer that is due to the client.
pub(crate) enum Answer {
    /// The edge's own.
    Own(Bytes),
    /// The broker's, which is to bear this correlation id and is rewritten.
    Broker(i32, Box<Rewrite>),
    /// The broker's to a question of the edge's own, which is to bear this correlation id: what is made of it is handed
    /// over, and the client gets nothing.
    Between(i32, Box<Resolve>, oneshot::Sender<Bytes>),
}

/// Rewrites an answer.
pub(crate) type Rewrite = dyn FnOnce(&Scope, Bytes) -> io::Result<Answered> + Send;

/// An answer on its way to the client.
pub(crate) struct Answered {
    pub bytes: Bytes,
    /// Dropped once it is written.
    pub under_way: Option<UnderWay>,
}

impl From<Bytes> for Answered {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, under_way: None }
    }
}

/// By how much a message mostly grows at the most when it is rewritten, in bytes.
const LONGER: usize = 1024;

/// The protocol's name of an API.
pub(crate) fn name(key: i16) -> String {
    ApiKey::try_from(key).map_or_else(|()| format!("API {key}"), |key| format!("{key:?}"))
}

/// The version and the correlation id of a request's frame, and the key of its API.
pub(crate) fn ids(frame: &Bytes) -> io::Result<(i16, i16, i32)> {
    match frame.get(4..).and_then(|frame| frame.first_chunk::<8>()) {
        Some([a, b, c, d, e @ ..]) => Ok((
            i16::from_be_bytes([*a, *b]),
            i16::from_be_bytes([*c, *d]),
            i32::from_be_bytes(*e),
        )),
        None => Err(invalid("a request without a header")),
    }
}

/// The connection cannot go on, and why.
pub(crate) fn invalid(text: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.into())
}

/// A frame of what follows its length.
pub(crate) fn framed(write: impl FnOnce(&mut BytesMut) -> Result<(), String>) -> io::Result<Bytes> {
    let mut bytes = BytesMut::new();
    bytes.put_i32(0);
    write(&mut bytes).map_err(invalid)?;
    let length = i32::try_from(bytes.len() - 4).map_err(|_| invalid("a frame beyond two gigabytes"))?;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    Ok(bytes.freeze())
}

/// Rewrites a request.
pub(super) fn ask<R: Api>(scope: &Scope, frame: Bytes) -> io::Result<Asked> {
    let (_, version, correlation) = ids(&frame)?;
    let unread = |error: String| invalid(format!("a {} request of version {version}: {error}", name(R::KEY)));
    let mut body = frame.slice(4..);
    bounded::decode::<RequestHeader>(&mut body, R::header_version(version)).map_err(unread)?;
    let header = frame.slice(4..frame.len() - body.len());
    let mut request: R = bounded::decode(&mut body, version).map_err(unread)?;
    let asked = request.clone();
    if scope.lacks(R::KEY) {
        return refuse(scope, &asked, version, correlation);
    }
    if scope.broker() == Broker::Mock && asked.is_lacking_from_mock() {
        scope.lacking(&name(R::KEY));
        scope.record(name(R::KEY), asked.about(scope), UNSUPPORTED_VERSION);
    }
    asked.asked(scope);
    let call = Call::asked(&asked, scope);
    request.to_broker(scope);
    if scope.broker() == Broker::Mock {
        request.fit_mock(version);
    }
    let size = frame.len() + LONGER;
    let encode = move |request: R| {
        framed(|bytes| {
            bytes.reserve(size);
            bytes.put(header);
            request.encode(bytes, version).map_err(|error| error.to_string())?;
            // librdkafka's Metadata request of all topics has three bytes too many.
            bytes.put(body);
            Ok(())
        })
    };
    let (passes, is_about_all_topics) = (asked.passes(version, scope), asked.is_about_all_topics());
    let answer = if asked.is_answered() {
        let rewrite = move |scope: &Scope, frame| answer(&asked, version, call, scope, frame);
        Some(Answer::Broker(correlation, Box::new(rewrite)))
    } else {
        scope.record(name(R::KEY), asked.about(scope), 0);
        None
    };
    if is_about_all_topics {
        let then = move |scope: &Scope, frame: Bytes| {
            request.narrow(own_topics::read(scope, &frame)?);
            encode(request)
        };
        let before = Before {
            question: own_topics::question(correlation)?,
            correlation,
            then: Box::new(then),
        };
        return Ok(Asked {
            bytes: None,
            answer,
            before: Some(before),
        });
    }
    let bytes = if passes { frame } else { encode(request)? };
    Ok(Asked::of(bytes, answer))
}

/// Rewrites an answer.
fn answer<R: Api>(asked: &R, version: i16, call: Option<Call>, scope: &Scope, frame: Bytes) -> io::Result<Answered> {
    let unread = |error: String| {
        let name = name(R::KEY);
        invalid(format!("an answer to a {name} request of version {version}: {error}"))
    };
    let mut body = frame.slice(4..);
    bounded::decode::<ResponseHeader>(&mut body, R::Response::header_version(version)).map_err(unread)?;
    let header = frame.slice(4..frame.len() - body.len());
    let mut response: R::Response = bounded::decode(&mut body, version).map_err(unread)?;
    let passes = R::answer_passes(&response, version);
    asked.to_client(&mut response, scope);
    let handed = asked.answered(&response, scope);
    let error = R::error(&response);
    // The broker gave a new member its id: an ordinary step of joining.
    let is_error = error != 0 && error != ResponseError::MemberIdRequired.code();
    if is_error || error == 0 && asked.has_effect() {
        let known = call.as_ref().map(|call| call.about.clone());
        scope.record(name(R::KEY), known.unwrap_or_else(|| asked.about(scope)), error);
    }
    if error == UNSUPPORTED_VERSION && scope.broker() == Broker::Mock {
        scope.lacking(&name(R::KEY));
    }
    let under_way = match handed {
        Some(handed) => Call::handed(&name(R::KEY), &handed, scope),
        None => call.map(Call::answered),
    };
    let bytes = if passes {
        frame
    } else {
        framed(|bytes| {
            bytes.reserve(frame.len() + LONGER);
            bytes.put(header);
            response.encode(bytes, version).map_err(|error| error.to_string())?;
            bytes.put(body);
            Ok(())
        })?
    };
    Ok(Answered { bytes, under_way })
}

/// Answers in the place of a broker that lacks the API.
fn refuse<R: Api>(scope: &Scope, asked: &R, version: i16, correlation: i32) -> io::Result<Asked> {
    let name = name(R::KEY);
    scope.lacking(&name);
    scope.record(name.clone(), asked.about(scope), UNSUPPORTED_VERSION);
    let Some(refused) = R::REFUSED else {
        return Err(invalid(format!("the mock cluster lacks {name}")));
    };
    let response = refused(asked, UNSUPPORTED_VERSION);
    let header = ResponseHeader::default().with_correlation_id(correlation);
    let bytes = framed(|bytes| {
        header
            .encode(bytes, R::Response::header_version(version))
            .and_then(|()| response.encode(bytes, version))
            .map_err(|error| error.to_string())
    })?;
    Ok(Asked::answered(bytes))
}

/// The correlation id of an answer's frame.
pub(crate) fn correlation(frame: &Bytes) -> i32 {
    frame.get(4..8).map_or(0, |mut bytes| bytes.get_i32())
}
