//! One request, and what answered it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use momus_engine::activity::UnderWay;
use momus_engine::event::Happening;

use super::content::Content;
use super::head::Request;
use super::meaning::{Meaning, Purpose};
use crate::rule;
use crate::wire::Wire;

/// The names of gzip among content codings (RFC 9110, section 8.4.1.3).
const GZIP: [&str; 2] = ["gzip", "x-gzip"];

/// The next exchange's number, unique within the process and so within the run.
pub fn next_exchange() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A request under way.
pub(super) struct Exchange {
    number: u64,
    pub request: Request,
    began: Instant,
    /// The status that was seen.
    pub status: Option<u16>,
    /// What gRPC says of the call.
    pub grpc_status: Option<u16>,
    /// What a rule answers.
    pub answered: Option<Answered>,
    pub meaning: Meaning,
}

/// A request that a rule answers.
pub(crate) struct Answered {
    pub(super) status: u16,
    /// What has come of its body, where it is a call to a partner that is not recorded yet.
    call: Option<Content>,
    /// No more of its body will come.
    pub(super) received: bool,
}

impl Answered {
    /// Nothing of its body has come.
    pub fn new(answer: &rule::Answer) -> Self {
        Self {
            status: answer.status,
            call: answer.partner.then(Content::default),
            received: false,
        }
    }
}

/// An exchange that is over once its answer has gone to the caller, when this is dropped.
#[must_use = "the exchange is over when this is dropped"]
pub(crate) struct Over {
    _meaning: Meaning,
}

/// What is recorded, with its trace.
pub(super) type Traced = (Option<String>, Happening);

impl Exchange {
    /// A request, which a rule may answer; it was under way while its head came.
    pub fn begin(
        wire: &Arc<Wire>,
        purpose: Purpose,
        request: Request,
        answered: Option<Answered>,
        coming: Option<UnderWay>,
    ) -> Self {
        let meaning = Meaning::begin(wire, purpose, &request, coming);
        Self {
            number: next_exchange(),
            request,
            began: Instant::now(),
            status: None,
            grpc_status: None,
            answered,
            meaning,
        }
    }

    /// The request, as it is recorded.
    pub fn asked(&self, wire: &Wire) -> Traced {
        let happening = Happening::Request {
            exchange: self.number,
            caller: wire.caller.clone(),
            dependency: wire.dependency.clone(),
            method: self.request.method.clone(),
            path: self.request.path.clone(),
        };
        (self.request.trace.clone(), happening)
    }

    /// Some of the request's body came, where a rule answers it.
    pub fn receive(&mut self, content: &[u8]) {
        if let Some(call) = self.answered.as_mut().and_then(|answered| answered.call.as_mut()) {
            call.add(content);
        }
    }

    /// The call to a partner that this is, if it is one that is not recorded yet; its body has come `whole` or not.
    pub fn call(&mut self, wire: &Wire, whole: bool) -> Option<Traced> {
        let request = &self.request;
        let answered = self.answered.as_mut()?;
        let content = answered.call.take()?;
        let packed = request.headers.iter().any(|(name, value)| {
            name == "content-encoding" && GZIP.iter().any(|gzip| value.eq_ignore_ascii_case(gzip))
        });
        let happening = Happening::PartnerCall {
            partner: wire.dependency.clone(),
            method: request.method.clone(),
            path: request.path.clone(),
            headers: request.headers.clone(),
            status: answered.status,
            body: content.recorded(packed, whole),
        };
        Some((request.trace.clone(), happening))
    }

    /// Records how it ended: with that status, or without a whole response.
    pub fn end(self, wire: &Wire, status: Option<u16>) -> Over {
        let Self {
            number,
            request,
            began,
            grpc_status,
            mut meaning,
            ..
        } = self;
        if let Some(status) = status {
            meaning.is_answered(status, grpc_status);
        }
        let happening = Happening::Response {
            exchange: number,
            caller: wire.caller.clone(),
            dependency: wire.dependency.clone(),
            method: request.method,
            path: request.path,
            status,
            grpc_status,
            took: began.elapsed(),
        };
        wire.timeline.record_traced(request.trace, happening);
        Over { _meaning: meaning }
    }
}
