//! What was read over an edge, and how it was answered last: who asks again and again, and is told the same, does nothing.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The last answer to each read of one caller at one dependency, both as hashes.
#[derive(Default)]
pub(crate) struct Reads(HashMap<u64, u64>);

impl Reads {
    /// Whether a read was answered otherwise than last time, or is the first of its kind.
    pub fn answered_anew(&mut self, question: u64, answer: u64) -> bool {
        self.0.insert(question, answer) != Some(answer)
    }
}

/// The hash of several things together.
pub(crate) fn hash_of(things: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    things.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_read_answered_the_same_is_nothing_new() {
        let mut reads = Reads::default();
        let (orders, invoices) = (hash_of("GET /orders"), hash_of("GET /invoices"));
        assert!(reads.answered_anew(orders, 0) && !reads.answered_anew(orders, 0));
        assert!(reads.answered_anew(invoices, 0));
        assert!(reads.answered_anew(orders, 1) && reads.answered_anew(orders, 0));
        assert!(!reads.answered_anew(invoices, 0));
    }
}
