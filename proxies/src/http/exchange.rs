//! The exchanges under way on one connection, oldest first.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use momus_engine::event::Happening;
use tokio::sync::Notify;

use super::head::Request;
use crate::edge::Wire;

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
    /// The status that a rule answers.
    answer: Option<u16>,
}

/// What a rule answers.
pub(crate) struct Answer {
    pub bytes: Vec<u8>,
    /// The connection ends with it.
    pub last: bool,
}

/// The exchanges of one connection; those that got no whole response are recorded without a status at its end.
pub(crate) struct Exchanges {
    wire: Arc<Wire>,
    waiting: Mutex<VecDeque<Exchange>>,
    tunnel: AtomicBool,
    answered: Notify,
}

impl Exchanges {
    pub fn new(wire: Arc<Wire>) -> Self {
        Self {
            wire,
            waiting: Mutex::default(),
            tunnel: AtomicBool::new(false),
            answered: Notify::new(),
        }
    }

    /// Whether something is under way: an exchange, or plain bytes of which nothing is known.
    pub fn under_way(&self) -> bool {
        self.is_tunnel() || !self.waiting().is_empty()
    }

    /// Records a request, which a rule may answer.
    pub fn push(&self, request: Request, answer: Option<u16>) {
        let number = next_exchange();
        let happening = Happening::Request {
            exchange: number,
            caller: self.wire.caller.clone(),
            dependency: self.wire.dependency.clone(),
            method: request.method.clone(),
            path: request.path.clone(),
        };
        let trace = request.trace.clone();
        self.waiting().push_back(Exchange {
            number,
            request,
            began: Instant::now(),
            status: None,
            answer,
        });
        self.wire.timeline.record_traced(trace, happening);
        if answer.is_some() {
            self.answered.notify_one();
        }
    }

    /// Returns when a rule has answered something.
    pub async fn answered(&self) {
        self.answered.notified().await;
    }

    /// Takes the oldest exchange, if it is one that a rule answers.
    pub fn take_answer(&self) -> Option<Answer> {
        let exchange = self.waiting().pop_front_if(|exchange| exchange.answer.is_some())?;
        let status = exchange.answer?;
        let last = exchange.request.last;
        let close = if last { "connection: close\r\n" } else { "" };
        let length = if matches!(status, 204 | 304) {
            ""
        } else {
            "content-length: 0\r\n"
        };
        let bytes = format!("HTTP/1.1 {status} \r\n{length}{close}\r\n").into_bytes();
        self.record(exchange, Some(status));
        Some(Answer { bytes, last })
    }

    /// The method of the oldest exchange, if the upstream is to answer it.
    pub fn awaited(&self) -> Option<String> {
        let waiting = self.waiting();
        waiting
            .front()
            .filter(|exchange| exchange.answer.is_none())
            .map(|exchange| exchange.request.method.clone())
    }

    /// The oldest exchange's final status was seen.
    pub fn answer(&self, status: u16) {
        if let Some(exchange) = self.waiting().front_mut() {
            exchange.status = Some(status);
        }
    }

    /// The oldest exchange's response was seen to its end.
    pub fn finish(&self) {
        let finished = self.waiting().pop_front();
        if let Some(exchange) = finished {
            let status = exchange.status;
            self.record(exchange, status);
        }
    }

    /// From here on both directions are plain bytes; what is under way gets no status.
    pub fn give_up(&self) {
        self.tunnel.store(true, Ordering::Release);
        let left = std::mem::take(&mut *self.waiting());
        left.into_iter().for_each(|exchange| self.record(exchange, None));
    }

    /// Whether plain bytes pass.
    pub fn is_tunnel(&self) -> bool {
        self.tunnel.load(Ordering::Acquire)
    }

    fn record(&self, exchange: Exchange, status: Option<u16>) {
        let Exchange {
            number, request, began, ..
        } = exchange;
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
