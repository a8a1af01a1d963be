//! The exchanges under way on one connection: those of HTTP/1.1 oldest first, those of HTTP/2 by their streams.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use momus_engine::activity::UnderWay;
use tokio::sync::Notify;

use super::exchange::{Answered, Exchange, Over, Traced};
use super::h2c;
use super::head::Request;
use super::http2::Streams;
use super::meaning::Purpose;
use crate::wire::Wire;

/// What is written in place of the upstream.
pub(crate) struct Answer {
    pub bytes: Vec<u8>,
    /// The connection ends with it.
    pub last: bool,
    /// The exchange is over once this is written.
    _over: Option<Over>,
}

/// The exchanges of one connection; those that got no whole response are recorded without a status at its end.
pub(crate) struct Exchanges {
    wire: Arc<Wire>,
    purpose: Purpose,
    /// A head of which not all is there yet.
    coming: Mutex<Option<UnderWay>>,
    waiting: Mutex<VecDeque<Exchange>>,
    streams: Streams,
    tunnel: AtomicBool,
    answered: Notify,
}

impl Exchanges {
    pub fn new(wire: Arc<Wire>, purpose: Purpose) -> Self {
        Self {
            streams: Streams::new(Arc::clone(&wire), purpose),
            wire,
            purpose,
            coming: Mutex::default(),
            waiting: Mutex::default(),
            tunnel: AtomicBool::new(false),
            answered: Notify::new(),
        }
    }

    /// Those of HTTP/2.
    pub fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Whether something is under way: an exchange, or plain bytes of which nothing is known.
    pub fn under_way(&self) -> bool {
        self.is_tunnel() || !self.waiting().is_empty() || self.streams.under_way()
    }

    /// The first bytes of a head came, and the rest is still to come.
    pub fn begins(&self) {
        if self.purpose != Purpose::Logs {
            *self.coming() = self.wire.begins("a request");
        }
    }

    /// What is under way while a head comes, the whole of which is there now.
    pub fn has_come(&self) -> Option<UnderWay> {
        self.coming().take()
    }

    /// Records a request, which a rule may answer.
    pub fn push(&self, request: Request, answered: Option<Answered>) {
        let notify = answered.is_some();
        let exchange = Exchange::begin(&self.wire, self.purpose, request, answered, self.has_come());
        let asked = exchange.asked(&self.wire);
        self.waiting().push_back(exchange);
        self.record(Some(asked));
        if notify {
            self.answered.notify_one();
        }
    }

    /// Some of the body of the newest exchange came, one that a rule answers.
    pub fn receive(&self, content: &[u8]) {
        if let Some(exchange) = self.waiting().back_mut() {
            exchange.receive(content);
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
            exchange.call(&self.wire, whole)
        };
        self.record(call);
        self.answered.notify_one();
    }

    /// The connection speaks HTTP/2.
    pub fn is_http2(&self) {
        drop(self.has_come());
        self.streams.is_spoken();
        self.answered.notify_one();
    }

    /// The upstream goes over to HTTP/2 as the oldest exchange asked it to, whose answer is what comes on stream 1. False where
    /// it did not ask, or where others wait for answers that cannot come any more.
    pub fn switches(&self) -> bool {
        let mut waiting = self.waiting();
        let settings = match waiting.make_contiguous() {
            [only] => h2c::asked(&only.request.headers),
            _ => None,
        };
        let Some(settings) = settings else { return false };
        let Some(exchange) = waiting.pop_front() else {
            return false;
        };
        self.streams.switch(exchange, &settings);
        true
    }

    /// Returns when there is something that a rule answers, or more of it, and when the connection speaks HTTP/2.
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
        let _over = Some(exchange.end(&self.wire, Some(status)));
        Some(Answer { bytes, last, _over })
    }

    /// What is read of an answer by the method of the oldest exchange, if the upstream is to answer it.
    pub fn awaited<T>(&self, read: impl FnOnce(&str) -> T) -> Option<T> {
        let waiting = self.waiting();
        waiting
            .front()
            .filter(|exchange| exchange.answered.is_none())
            .map(|exchange| read(&exchange.request.method))
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
            exchange.end(&self.wire, status)
        })
    }

    /// What passes is no exchange, and why: from here on both directions are plain bytes of which nothing can be told.
    pub fn is_foreign(&self, why: &str) {
        if !self.is_tunnel() {
            self.wire.connection(format!("passes on as bytes: {why}"));
        }
        self.is_upgraded();
    }

    /// From here on both directions speak something else, of which nothing can be told.
    pub fn is_upgraded(&self) {
        self.wire.is_hidden("is neither HTTP/1.1 nor HTTP/2");
        self.give_up();
    }

    /// From here on both directions are plain bytes; what is under way gets no status.
    pub fn give_up(&self) {
        self.tunnel.store(true, Ordering::Release);
        let left = std::mem::take(&mut *self.waiting());
        for mut exchange in left {
            self.record(exchange.call(&self.wire, false));
            drop(exchange.end(&self.wire, None));
        }
        self.streams.give_up();
        drop(self.has_come());
    }

    /// Whether plain bytes pass.
    pub fn is_tunnel(&self) -> bool {
        self.tunnel.load(Ordering::Acquire)
    }

    fn record(&self, happening: Option<Traced>) {
        if let Some((trace, happening)) = happening {
            self.wire.timeline.record_traced(trace, happening);
        }
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
