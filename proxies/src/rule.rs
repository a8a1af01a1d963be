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
    pub answers: Vec<Answer>,
    next: u64,
}

/// Answers the first requests of a kind in place of the upstream.
pub(crate) struct Answer {
    pub number: u64,
    pub method: String,
    pub path: String,
    /// How many it still answers.
    pub left: AtomicU64,
    pub status: u16,
    pub strikes: Strikes,
}

impl Answer {
    /// The status for this request if the rule answers it, which strikes.
    pub fn to(&self, method: &str, path: &str) -> Option<u16> {
        if method != self.method || !path_matches(&self.path, path) {
            return None;
        }
        let one = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        one.is_ok().then(|| {
            self.strikes.strike();
            self.status
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
