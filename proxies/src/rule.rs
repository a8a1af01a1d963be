//! The rules in force on an edge, and the guard that heals one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use momus_engine::injection::Strikes;
use tokio::sync::watch;

use crate::edge::Upstream;

/// What an edge does at this moment.
pub(crate) struct Rules {
    pub upstream: Upstream,
    pub cuts: Vec<(u64, Strikes)>,
    pub refusals: Vec<(u64, Strikes)>,
    pub answers: Vec<Answering>,
    next: u64,
}

/// What is answered in place of the dependency, and to which requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The method of the requests.
    pub method: String,
    /// Their path: `*` and `{name}` in it stand for any one segment; a query is left aside.
    pub path: String,
    /// How many of them, the first ones, are answered.
    pub first: u64,
    /// The status; the body is empty.
    pub status: u16,
    /// The dependency is a partner, and what is answered in its place counts as a call that it received:
    /// [`PartnerCall`](momus_engine::event::Happening::PartnerCall).
    pub partner: bool,
}

/// Answers the first requests of a kind in place of the upstream.
pub(crate) struct Answering {
    number: u64,
    answer: Answer,
    /// How many it still answers.
    left: AtomicU64,
    strikes: Strikes,
}

impl Answering {
    pub fn new(number: u64, answer: Answer, strikes: Strikes) -> Self {
        Self {
            number,
            left: AtomicU64::new(answer.first),
            answer,
            strikes,
        }
    }

    /// The answer to this request if the rule answers it, which strikes.
    fn to(&self, method: &str, path: &str) -> Option<&Answer> {
        if method != self.answer.method || !path_matches(&self.answer.path, path) {
            return None;
        }
        let one = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        one.is_ok().then(|| {
            self.strikes.strike();
            &self.answer
        })
    }
}

/// Whether a path (its query left aside) has the pattern's segments; `*` and `{name}` stand for any one.
fn path_matches(pattern: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (mut wanted, mut segments) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), segments.next()) {
            (None, None) => return true,
            (Some(wanted), Some(segment)) if wanted == segment => {}
            (Some(wanted), Some(segment)) if !segment.is_empty() => {
                if wanted != "*" && !(wanted.starts_with('{') && wanted.ends_with('}')) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

impl Rules {
    pub fn new(upstream: Upstream) -> Self {
        Self {
            upstream,
            cuts: Vec::new(),
            refusals: Vec::new(),
            answers: Vec::new(),
            next: 0,
        }
    }

    /// Whether no connection is to be had at this moment.
    pub fn refuse_all(&self) -> bool {
        !self.refusals.is_empty() || self.upstream == Upstream::Nowhere
    }

    /// The answer to this request if a rule answers it, which strikes.
    pub fn answer(&self, method: &str, path: &str) -> Option<&Answer> {
        self.answers.iter().find_map(|rule| rule.to(method, path))
    }

    /// Whether there were ever any.
    pub fn were_any(&self) -> bool {
        self.next > 0
    }

    /// A number that no other rule of the edge has.
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn remove(&mut self, number: u64) {
        self.cuts.retain(|(other, _)| *other != number);
        self.refusals.retain(|(other, _)| *other != number);
        self.answers.retain(|answer| answer.number != number);
    }
}

/// A rule in force on an edge; it is in force no more once this is dropped.
#[must_use = "the rule is healed when this is dropped"]
pub struct Rule {
    rules: Arc<watch::Sender<Rules>>,
    number: u64,
}

impl Rule {
    /// Puts a rule in force: `add` gets its number.
    pub(crate) fn put(rules: &Arc<watch::Sender<Rules>>, add: impl FnOnce(&mut Rules, u64)) -> Self {
        let mut number = 0;
        rules.send_modify(|rules| {
            number = rules.number();
            add(rules, number);
        });
        Self {
            rules: Arc::clone(rules),
            number,
        }
    }

    /// Heals the rule: what it held passes.
    pub fn heal(self) {}
}

impl Drop for Rule {
    fn drop(&mut self) {
        self.rules.send_modify(|rules| rules.remove(self.number));
    }
}

#[cfg(test)]
mod tests {
    use super::path_matches;

    #[test]
    fn a_pattern_matches_segment_by_segment_without_the_query() {
        assert!(path_matches("/invoices/{id}", "/invoices/7?full=1"));
        assert!(path_matches("/invoices", "/invoices"));
        assert!(!path_matches("/invoices/*", "/invoices/"));
        assert!(!path_matches("/invoices/*", "/invoices/7/lines"));
        assert!(!path_matches("/invoices", "/orders"));
    }
}
