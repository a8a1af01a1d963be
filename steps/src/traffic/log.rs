//! What a traffic has sent, and what came of each request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use momus_engine::failure::{StepError, in_words};
use momus_engine::timeline::Timeline;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::http::client::NoAnswer;
use crate::http::response::Response;
use crate::ledger::way::since;

/// What a traffic has sent so far; a cheap handle.
#[derive(Clone)]
pub(super) struct Log {
    timeline: Timeline,
    state: Arc<Mutex<State>>,
    /// Changes whenever a request is sent, and at the end.
    news: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    record: Record,
    last_sent: Option<Instant>,
    ended: bool,
}

/// What a traffic came to.
#[derive(Clone, Default)]
pub(super) struct Record {
    /// What was sent, in order.
    pub sent: Vec<Sent>,
    /// How many requests were sent much later than they were due.
    pub late: usize,
    /// How many were not sent at all, so many others being without an answer.
    pub withheld: usize,
    /// Why it ended by itself.
    pub broken: Option<StepError>,
}

/// A request of a traffic.
#[derive(Clone)]
pub(super) struct Sent {
    /// Method and path.
    pub line: String,
    /// When it was sent, since the run began.
    pub at: Duration,
    /// How long the answer took, or how long none came.
    pub took: Duration,
    /// What came of it; nothing yet where it is under way.
    pub came: Option<Came>,
}

/// What came of a request.
#[derive(Clone)]
pub(super) enum Came {
    Response(Arc<Response>),
    NoAnswer(String),
}

impl Log {
    pub fn new(timeline: Timeline) -> Self {
        Self {
            timeline,
            state: Arc::default(),
            news: watch::Sender::new(0),
        }
    }

    /// A request is sent now: its number.
    pub fn sends(&self, line: String, late: bool) -> usize {
        let number = {
            let mut state = self.state();
            state.last_sent = Some(Instant::now());
            state.record.late += usize::from(late);
            state.record.sent.push(Sent {
                line,
                at: self.timeline.elapsed(),
                took: Duration::ZERO,
                came: None,
            });
            state.record.sent.len() - 1
        };
        self.tell();
        number
    }

    /// The request of this number came to this.
    pub fn comes(&self, number: usize, answer: Result<Response, NoAnswer>) {
        let now = self.timeline.elapsed();
        if let Some(sent) = self.state().record.sent.get_mut(number) {
            sent.took = now.saturating_sub(sent.at);
            sent.came = Some(match answer {
                Ok(response) => Came::Response(Arc::new(response)),
                Err(no_answer) => Came::NoAnswer(no_answer.why),
            });
        }
    }

    /// A request that was due is not sent: too many are without an answer.
    pub fn withholds(&self) {
        self.state().record.withheld += 1;
    }

    /// It can go on no longer.
    pub fn breaks(&self, failure: StepError) {
        self.state().record.broken = Some(failure);
    }

    /// It is over: what has no answer by now gets none.
    pub fn ends(&self) {
        let now = self.timeline.elapsed();
        {
            let mut state = self.state();
            state.ended = true;
            for sent in state.record.sent.iter_mut().filter(|sent| sent.came.is_none()) {
                sent.took = now.saturating_sub(sent.at);
                sent.came = Some(Came::NoAnswer("it was waited for in vain".to_owned()));
            }
        }
        self.tell();
    }

    pub fn has_ended(&self) -> bool {
        self.state().ended
    }

    /// Whether a request was sent since.
    pub fn has_sent_since(&self, acted: Instant) -> bool {
        self.state().last_sent.is_some_and(|sent| sent >= acted)
    }

    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    pub fn record(&self) -> Record {
        self.state().record.clone()
    }

    fn tell(&self) {
        self.news.send_modify(|count| *count += 1);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    /// How many requests were due.
    pub fn due(&self) -> usize {
        self.sent.len() + self.withheld
    }

    /// For how long requests were sent.
    pub fn lasted(&self) -> Duration {
        match (self.sent.first(), self.sent.last()) {
            (Some(first), Some(last)) => last.at.saturating_sub(first.at),
            _ => Duration::ZERO,
        }
    }
}

impl Sent {
    /// Why it failed: it has no answer, or one with a status of 400 or more.
    pub fn failed(&self) -> Option<String> {
        match &self.came {
            Some(Came::Response(response)) if response.status.as_u16() < 400 => None,
            Some(Came::Response(response)) => Some(response.status.as_u16().to_string()),
            Some(Came::NoAnswer(_)) | None => Some("no answer".to_owned()),
        }
    }

    /// It in a line, its number first: `number 61 at +3.412 s, GET /orders: 503 Service Unavailable after 12 ms`.
    pub fn told(&self, number: usize) -> String {
        let took = in_words(self.took);
        let came = match &self.came {
            Some(Came::Response(response)) => format!("{} after {took}", response.status),
            Some(Came::NoAnswer(why)) => format!("no answer after {took}: {why}"),
            None => "no answer yet".to_owned(),
        };
        format!("number {number} at {}, {}: {came}", since(self.at), self.line)
    }
}
