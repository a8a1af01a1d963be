//! The rules in force on an edge, and the guard that heals one.

use std::sync::Arc;

use momus_engine::injection::Strikes;
use tokio::sync::watch;

use crate::edge::Upstream;

/// What an edge does at this moment.
pub(crate) struct Rules {
    pub upstream: Upstream,
    pub cuts: Vec<(u64, Strikes)>,
    pub refusals: Vec<(u64, Strikes)>,
    next: u64,
}

impl Rules {
    pub fn new(upstream: Upstream) -> Self {
        Self {
            upstream,
            cuts: Vec::new(),
            refusals: Vec::new(),
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
