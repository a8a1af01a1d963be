//! The exchanges of a connection that speaks HTTP/2, each on a stream of its own, and what is written in place of the upstream.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use momus_engine::activity::UnderWay;
use tokio::sync::Notify;

use super::fields::TABLE;
use super::settings;
use crate::http::exchange::{Answered, Exchange, Over, Traced};
use crate::http::head::Request;
use crate::http::meaning::Purpose;
use crate::wire::Wire;

/// The stream on which a request is answered that had the connection go over to HTTP/2 (RFC 7540, section 3.2).
pub(super) const SWITCHED: u32 = 1;
/// Settings of the client that the server has not acknowledged, at most.
const UNACKNOWLEDGED: usize = 256;

/// What is to be written to the caller in place of the upstream.
pub(super) enum Injection {
    /// The stream's request may send its body.
    Continue { stream: u32 },
    /// The stream's answer; the exchange is over once it is written.
    Answer { stream: u32, status: u16, over: Box<Over> },
    /// So much was taken in of a stream's content, 0 for all streams together, and as much may be sent again.
    Credit { stream: u32, bytes: u32 },
}

/// The exchanges of a connection that speaks HTTP/2.
pub(crate) struct Streams {
    wire: Arc<Wire>,
    purpose: Purpose,
    spoken: AtomicBool,
    spoken_by_server: AtomicBool,
    /// The connection went over to HTTP/2 as the answer to a request of HTTP/1.1.
    switched: AtomicBool,
    open: Mutex<Open>,
    injected: Notify,
    /// The largest dynamic table that the server ever allowed the client.
    server_allows: AtomicU32,
    /// The largest dynamic table that the client ever allowed the server.
    client_allows: AtomicU32,
}

#[derive(Default)]
struct Open {
    exchanges: HashMap<u32, Exchange>,
    /// Streams whose requests may send their bodies.
    asked: Vec<u32>,
    /// What a rule answers now.
    ready: VecDeque<(u32, u16, Exchange)>,
    credit: BTreeMap<u32, u32>,
    /// The dynamic table that the client allowed the server when it went over to HTTP/2.
    known: Option<u32>,
    /// The dynamic tables that the client's settings allow the server, as far as they are not acknowledged.
    announced: VecDeque<Option<u32>>,
}

impl Streams {
    pub fn new(wire: Arc<Wire>, purpose: Purpose) -> Self {
        Self {
            wire,
            purpose,
            spoken: AtomicBool::new(false),
            spoken_by_server: AtomicBool::new(false),
            switched: AtomicBool::new(false),
            open: Mutex::default(),
            injected: Notify::new(),
            server_allows: AtomicU32::new(TABLE),
            client_allows: AtomicU32::new(TABLE),
        }
    }

    /// The client began with the preface.
    pub fn is_spoken(&self) {
        self.spoken.store(true, Ordering::Release);
    }

    /// Whether the client began with the preface.
    pub fn are_spoken(&self) -> bool {
        self.spoken.load(Ordering::Acquire)
    }

    /// The server began as one of HTTP/2 does.
    pub fn is_spoken_by_server(&self) {
        self.spoken_by_server.store(true, Ordering::Release);
    }

    /// Whether the server began as one of HTTP/2 does.
    pub fn are_spoken_by_server(&self) -> bool {
        self.spoken_by_server.load(Ordering::Acquire)
    }

    /// The server goes over to HTTP/2, and answers this exchange on stream 1; these are the client's settings, of which the
    /// server knows (RFC 7540, section 3.2.1).
    pub(in crate::http) fn switch(&self, exchange: Exchange, settings: &[u8]) {
        let table = settings::table(settings);
        self.client_allows
            .fetch_max(table.unwrap_or_default(), Ordering::AcqRel);
        let mut open = self.open();
        open.exchanges.insert(SWITCHED, exchange);
        open.known = table;
        self.switched.store(true, Ordering::Release);
    }

    /// Whether the server went over to HTTP/2.
    pub fn are_switched_to(&self) -> bool {
        self.switched.load(Ordering::Acquire)
    }

    /// The dynamic table that the client allows the server, as far as the server knows before any settings.
    pub(super) fn known_by_server(&self) -> u32 {
        self.open().known.unwrap_or(TABLE)
    }

    /// Whether an exchange is under way.
    pub fn under_way(&self) -> bool {
        let open = self.open();
        !open.exchanges.is_empty() || !open.ready.is_empty()
    }

    /// How many exchanges are under way.
    pub(super) fn count(&self) -> usize {
        self.open().exchanges.len()
    }

    /// Records the request that opens a stream, which a rule may answer.
    pub(super) fn begin(&self, stream: u32, request: Request, answered: Option<Answered>, coming: Option<UnderWay>) {
        let asks = answered.is_some() && request.expects;
        let exchange = Exchange::begin(&self.wire, self.purpose, request, answered, coming);
        let asked = exchange.asked(&self.wire);
        {
            let mut open = self.open();
            open.exchanges.insert(stream, exchange);
            if asks {
                open.asked.push(stream);
            }
        }
        self.record(Some(asked));
        if asks {
            self.injected.notify_one();
        }
    }

    /// Some of the body came of a request that a rule answers.
    pub(super) fn receive(&self, stream: u32, content: &[u8]) {
        if let Some(exchange) = self.open().exchanges.get_mut(&stream) {
            exchange.receive(content);
        }
    }

    /// The body of a request that a rule answers has come `whole`, or no more of it will come: it is answered.
    pub(super) fn received(&self, stream: u32, whole: bool) {
        let Some(mut exchange) = self.open().exchanges.remove(&stream) else {
            return;
        };
        let Some(status) = exchange.answered.as_ref().map(|answered| answered.status) else {
            return;
        };
        self.record(exchange.call(&self.wire, whole));
        self.open().ready.push_back((stream, status, exchange));
        self.injected.notify_one();
    }

    /// So much of the client's content did not go to the upstream, which would have given it leave to send as much again.
    pub(super) fn took(&self, stream: u32, bytes: u32) {
        if bytes > 0 {
            let mut open = self.open();
            for stream in [0, stream] {
                let credit = open.credit.entry(stream).or_default();
                *credit = credit.saturating_add(bytes);
            }
            drop(open);
            self.injected.notify_one();
        }
    }

    /// The stream takes no more content.
    pub(super) fn takes_no_more(&self, stream: u32) {
        self.open().credit.remove(&stream);
    }

    /// No more comes from the client: what rules answer has its answer.
    pub(super) fn ended(&self) {
        let answered: Vec<u32> = {
            let open = self.open();
            let answered = open
                .exchanges
                .iter()
                .filter(|(_, exchange)| exchange.answered.is_some());
            answered.map(|(stream, _)| *stream).collect()
        };
        for stream in answered {
            self.received(stream, false);
        }
    }

    /// What is to be written in place of the upstream.
    pub(super) fn injections(&self) -> Vec<Injection> {
        let (credit, asked, ready) = {
            let mut open = self.open();
            let asked = std::mem::take(&mut open.asked);
            (std::mem::take(&mut open.credit), asked, std::mem::take(&mut open.ready))
        };
        let credit = credit
            .into_iter()
            .map(|(stream, bytes)| Injection::Credit { stream, bytes });
        let asked = asked.into_iter().map(|stream| Injection::Continue { stream });
        let answers = ready.into_iter().map(|(stream, status, exchange)| Injection::Answer {
            stream,
            status,
            over: Box::new(exchange.end(&self.wire, Some(status))),
        });
        credit.chain(asked).chain(answers).collect()
    }

    /// Returns when there is something to be written in place of the upstream.
    pub(super) async fn injected(&self) {
        self.injected.notified().await;
    }

    /// Whether a rule is still to answer.
    pub(super) fn are_answered(&self) -> bool {
        let open = self.open();
        let answered = open.exchanges.values().any(|exchange| exchange.answered.is_some());
        answered || !open.ready.is_empty()
    }

    /// The stream's final status was seen.
    pub(super) fn answer(&self, stream: u32, status: u16) {
        let tunnel = match self.open().exchanges.get_mut(&stream) {
            Some(exchange) => {
                exchange.status = Some(status);
                exchange.request.method == "CONNECT" && (200..300).contains(&status)
            }
            None => false,
        };
        if tunnel {
            self.wire.is_hidden("is a tunnel within HTTP/2");
        }
    }

    /// What gRPC says of the stream's answer beside its status.
    pub(super) fn grpc_status(&self, stream: u32, code: u16) {
        if let Some(exchange) = self.open().exchanges.get_mut(&stream) {
            exchange.grpc_status = Some(code);
        }
    }

    /// A part of the answer's body came.
    pub(super) fn hear(&self, stream: u32, part: &[u8]) {
        if let Some(exchange) = self.open().exchanges.get_mut(&stream) {
            exchange.meaning.hear(part);
        }
    }

    /// The stream's answer was seen to its end, and is recorded; it is over once that is written.
    pub(super) fn finish(&self, stream: u32) -> Option<Over> {
        let exchange = self.open().exchanges.remove(&stream)?;
        let status = exchange.status;
        Some(exchange.end(&self.wire, status))
    }

    /// The stream ends without a whole answer.
    pub(super) fn reset(&self, stream: u32) -> Option<Over> {
        let mut exchange = self.open().exchanges.remove(&stream)?;
        self.record(exchange.call(&self.wire, false));
        self.injected.notify_one();
        Some(exchange.end(&self.wire, None))
    }

    /// The upstream takes no stream after this one: those of them that it was to answer end without an answer.
    pub(super) fn goes_away_after(&self, last: u32) -> Vec<Over> {
        let late: Vec<u32> = {
            let open = self.open();
            let late = open.exchanges.iter();
            let late = late.filter(|(stream, exchange)| **stream > last && exchange.answered.is_none());
            late.map(|(stream, _)| *stream).collect()
        };
        late.into_iter().filter_map(|stream| self.reset(stream)).collect()
    }

    /// What is under way gets no status.
    pub fn give_up(&self) {
        let mut left: Vec<_> = {
            let mut open = self.open();
            open.credit.clear();
            let ready = std::mem::take(&mut open.ready).into_iter();
            let ready = ready.map(|(stream, _, exchange)| (stream, exchange));
            std::mem::take(&mut open.exchanges).into_iter().chain(ready).collect()
        };
        left.sort_by_key(|(stream, _)| *stream);
        for (_, mut exchange) in left {
            self.record(exchange.call(&self.wire, false));
            drop(exchange.end(&self.wire, None));
        }
    }

    /// The server allows the client a dynamic table of this size.
    pub(super) fn server_allows(&self, size: u32) {
        self.server_allows.fetch_max(size, Ordering::AcqRel);
    }

    /// The largest dynamic table that the server ever allowed the client.
    pub(super) fn allowed_by_server(&self) -> u32 {
        self.server_allows.load(Ordering::Acquire)
    }

    /// The client's settings came; they may allow the server a dynamic table of some size.
    pub(super) fn client_announces(&self, table: Option<u32>) {
        self.client_allows
            .fetch_max(table.unwrap_or_default(), Ordering::AcqRel);
        let mut open = self.open();
        if open.announced.len() < UNACKNOWLEDGED {
            open.announced.push_back(table);
        }
    }

    /// The largest dynamic table that the client ever allowed the server.
    pub(super) fn allowed_by_client(&self) -> u32 {
        self.client_allows.load(Ordering::Acquire)
    }

    /// The server acknowledged the client's oldest settings: the dynamic table that they allow it.
    pub(super) fn server_acknowledges(&self) -> Option<u32> {
        self.open().announced.pop_front().flatten()
    }

    fn record(&self, happening: Option<Traced>) {
        if let Some((trace, happening)) = happening {
            self.wire.timeline.record_traced(trace, happening);
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
