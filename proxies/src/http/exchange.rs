//! The exchanges under way on one connection, oldest first.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use momus_engine::activity::UnderWay;
use momus_engine::event::Happening;
use tokio::sync::Notify;

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

struct Exchange {
    number: u64,
    request: Request,
    began: Instant,
    /// The status that was seen.
    status: Option<u16>,
    /// What a rule answers.
    answered: Option<Answered>,
    meaning: Meaning,
}

/// A request that a rule answers.
pub(crate) struct Answered {
    status: u16,
    /// What has come of its body, where it is a call to a partner that is not recorded yet.
    call: Option<Content>,
    /// No more of its body will come.
    received: bool,
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

/// What is written in place of the upstream.
pub(crate) struct Answer {
    pub bytes: Vec<u8>,
    /// The connection ends with it.
    pub last: bool,
    /// The exchange is over once this is written.
    _over: Option<Over>,
}

/// An exchange that is over once its answer has gone to the caller, when this is dropped.
#[must_use = "the exchange is over when this is dropped"]
pub(crate) struct Over {
    _meaning: Meaning,
}

/// The exchanges of one connection; those that got no whole response are recorded without a status at its end.
pub(crate) struct Exchanges {
    wire: Arc<Wire>,
    purpose: Purpose,
    /// A head of which not all is there yet.
    coming: Mutex<Option<UnderWay>>,
    waiting: Mutex<VecDeque<Exchange>>,
    tunnel: AtomicBool,
    answered: Notify,
}

impl Exchanges {
    pub fn new(wire: Arc<Wire>, purpose: Purpose) -> Self {
        Self {
            wire,
            purpose,
            coming: Mutex::default(),
            waiting: Mutex::default(),
            tunnel: AtomicBool::new(false),
            answered: Notify::new(),
        }
    }

    /// Whether something is under way: an exchange, or plain bytes of which nothing is known.
    pub fn under_way(&self) -> bool {
        self.is_tunnel() || !self.waiting().is_empty()
    }

    /// The first bytes of a head came.
    pub fn begins(&self) {
        if self.purpose != Purpose::Logs {
            *self.coming() = self.wire.begins("a request");
        }
    }

    /// Records a request, which a rule may answer.
    pub fn push(&self, request: Request, answered: Option<Answered>) {
        let number = next_exchange();
        let happening = Happening::Request {
            exchange: number,
            caller: self.wire.caller.clone(),
            dependency: self.wire.dependency.clone(),
            method: request.method.clone(),
            path: request.path.clone(),
        };
        let (trace, notify) = (request.trace.clone(), answered.is_some());
        let coming = self.coming().take();
        let meaning = Meaning::begin(&self.wire, self.purpose, &request, coming);
        self.waiting().push_back(Exchange {
            number,
            request,
            began: Instant::now(),
            status: None,
            answered,
            meaning,
        });
        self.wire.timeline.record_traced(trace, happening);
        if notify {
            self.answered.notify_one();
        }
    }

    /// Some of the body of the newest exchange came, one that a rule answers.
    pub fn receive(&self, content: &[u8]) {
        let mut waiting = self.waiting();
        let answered = waiting.back_mut().and_then(|exchange| exchange.answered.as_mut());
        if let Some(call) = answered.and_then(|answered| answered.call.as_mut()) {
            call.add(content);
        }
    }

    /// The body of the newest exchange, one that a rule answers, has come `whole`, or no more of it will come.
    pub fn received(&self, whole: bool) {
        let call = {
            let mut waiting = self.waiting();
            let Some(exchange) = waiting.back_mut() else { return };
            if let Some(answered) = &mut exchange.answered {
                answered.received = true;
            }
            self.call(exchange, whole)
        };
        self.record_call(call);
        self.answered.notify_one();
    }

    /// Returns when there is something that a rule answers, or more of it.
    pub async fn answered(&self) {
        self.answered.notified().await;
    }

    /// Whether the oldest exchange is one that a rule answers.
    pub fn answers_next(&self) -> bool {
        self.waiting()
            .front()
            .is_some_and(|exchange| exchange.answered.is_some())
    }

    /// What is to be written of the oldest exchange, if it is one that a rule answers: once its body has come the
    /// answer, with which the exchange is over.
    pub fn take_answer(&self) -> Option<Answer> {
        let mut waiting = self.waiting();
        let exchange = waiting.front_mut()?;
        let answered = exchange.answered.as_ref()?;
        let status = answered.status;
        if !answered.received {
            return std::mem::take(&mut exchange.request.expects).then(|| Answer {
                bytes: b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
                last: false,
                _over: None,
            });
        }
        let exchange = waiting.pop_front()?;
        drop(waiting);
        let last = exchange.request.last;
        let close = if last { "connection: close\r\n" } else { "" };
        let length = if matches!(status, 204 | 304) {
            ""
        } else {
            "content-length: 0\r\n"
        };
        let bytes = format!("HTTP/1.1 {status} \r\n{length}{close}\r\n").into_bytes();
        let _over = Some(self.record(exchange, Some(status)));
        Some(Answer { bytes, last, _over })
    }

    /// The method of the oldest exchange, if the upstream is to answer it.
    pub fn awaited(&self) -> Option<String> {
        let waiting = self.waiting();
        waiting
            .front()
            .filter(|exchange| exchange.answered.is_none())
            .map(|exchange| exchange.request.method.clone())
    }

    /// The oldest exchange's final status was seen.
    pub fn answer(&self, status: u16) {
        if let Some(exchange) = self.waiting().front_mut() {
            exchange.status = Some(status);
        }
    }

    /// A part of the body came of the oldest exchange's response.
    pub fn hear(&self, part: &[u8]) {
        if let Some(exchange) = self.waiting().front_mut() {
            exchange.meaning.hear(part);
        }
    }

    /// The oldest exchange's response was seen to its end, and is recorded; it is over once that is written.
    pub fn finish(&self) -> Option<Over> {
        let finished = self.waiting().pop_front();
        finished.map(|exchange| {
            let status = exchange.status;
            self.record(exchange, status)
        })
    }

    /// What passes is no exchange of HTTP/1.1, and why: from here on both directions are plain bytes of which nothing can
    /// be told.
    pub fn is_foreign(&self, why: &str) {
        if !self.is_tunnel() {
            self.wire.connection(format!("passes on as bytes: {why}"));
        }
        self.is_upgraded();
    }

    /// From here on both directions speak something else, of which nothing can be told.
    pub fn is_upgraded(&self) {
        self.wire.is_hidden("is not HTTP/1.1");
        self.give_up();
    }

    /// From here on both directions are plain bytes; what is under way gets no status.
    pub fn give_up(&self) {
        self.tunnel.store(true, Ordering::Release);
        let left = std::mem::take(&mut *self.waiting());
        for mut exchange in left {
            self.record_call(self.call(&mut exchange, false));
            drop(self.record(exchange, None));
        }
        drop(self.coming().take());
    }

    /// Whether plain bytes pass.
    pub fn is_tunnel(&self) -> bool {
        self.tunnel.load(Ordering::Acquire)
    }

    /// The call to a partner that the exchange is, with its trace, if it is one that is not recorded yet.
    fn call(&self, exchange: &mut Exchange, whole: bool) -> Option<(Option<String>, Happening)> {
        let request = &exchange.request;
        let answered = exchange.answered.as_mut()?;
        let content = answered.call.take()?;
        let packed = request.headers.iter().any(|(name, value)| {
            name == "content-encoding" && GZIP.iter().any(|gzip| value.eq_ignore_ascii_case(gzip))
        });
        let happening = Happening::PartnerCall {
            partner: self.wire.dependency.clone(),
            method: request.method.clone(),
            path: request.path.clone(),
            headers: request.headers.clone(),
            status: answered.status,
            body: content.recorded(packed, whole),
        };
        Some((request.trace.clone(), happening))
    }

    fn record_call(&self, call: Option<(Option<String>, Happening)>) {
        if let Some((trace, happening)) = call {
            self.wire.timeline.record_traced(trace, happening);
        }
    }

    fn record(&self, exchange: Exchange, status: Option<u16>) -> Over {
        let Exchange {
            number,
            request,
            began,
            mut meaning,
            ..
        } = exchange;
        if let Some(status) = status {
            meaning.is_answered(status);
        }
        let happening = Happening::Response {
            exchange: number,
            caller: self.wire.caller.clone(),
            dependency: self.wire.dependency.clone(),
            method: request.method,
            path: request.path,
            status,
            took: began.elapsed(),
        };
        self.wire.timeline.record_traced(request.trace, happening);
        Over { _meaning: meaning }
    }

    fn coming(&self) -> MutexGuard<'_, Option<UnderWay>> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Exchange>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Exchanges {
    fn drop(&mut self) {
        self.give_up();
    }
}
