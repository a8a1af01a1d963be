//! What is known of a partition's log: where its records end.

use super::batches::Fetched;

/// Which records a reader takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// All.
    #[default]
    Uncommitted,
    /// Those of committed transactions and of none.
    Committed,
}

impl Isolation {
    /// As a Fetch request tells it.
    pub fn of(level: i8) -> Self {
        if level == 1 { Self::Committed } else { Self::Uncommitted }
    }
}

/// A partition's log, as far as it passed by.
///
/// The end of a log lies behind the last record where a transaction ended: its marker takes an offset. A group that commits
/// the offset behind the last record that it got stays behind that end for ever, so the end of the records counts, and the
/// end of the log only where nobody has seen yet what lies between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    /// Nothing is before it any more.
    start: i64,
    /// The end of the log, as far as it is known.
    end: i64,
    /// The offset behind the last record.
    data: i64,
    /// The offset behind the last record that is of no transaction, or of a committed one.
    stable: i64,
    /// From where to where it is known what the log holds, up to the last that is known.
    known: (i64, i64),
}

impl Log {
    /// Records were appended.
    pub fn produced(&mut self, base: i64, end: i64, is_transactional: bool) {
        self.data = self.data.max(end);
        if !is_transactional {
            self.stable = self.stable.max(end);
        }
        self.learn(base, end);
    }

    /// A transaction was committed whose last record here is before this offset.
    pub fn committed(&mut self, end: i64) {
        self.stable = self.stable.max(end);
    }

    /// The log ends here at least.
    pub fn ends_at(&mut self, end: i64) {
        self.end = self.end.max(end);
    }

    /// What was before this offset is deleted.
    pub fn starts_at(&mut self, start: i64) {
        self.start = self.start.max(start);
    }

    /// Somebody was told what the log holds.
    pub fn fetched(&mut self, fetched: &Fetched) {
        self.data = self.data.max(fetched.data.unwrap_or_default());
        self.stable = self.stable.max(fetched.stable.unwrap_or_default());
        self.learn(fetched.from, fetched.to);
    }

    fn learn(&mut self, from: i64, to: i64) {
        self.ends_at(to);
        let (begin, end) = self.known;
        if from <= end && begin <= to {
            self.known = (begin.min(from), end.max(to));
        } else if end < to {
            self.known = (from, to);
        }
    }

    /// Where a reader stands who has worked off everything before `position`.
    pub fn place(&self, position: Option<i64>) -> i64 {
        position.unwrap_or_default().max(self.start)
    }

    /// The end up to which such a reader still has something to do, if it has.
    pub fn ahead(&self, position: Option<i64>, isolation: Isolation) -> Option<i64> {
        let position = self.place(position);
        let records = match isolation {
            Isolation::Uncommitted => self.data,
            Isolation::Committed => self.stable,
        };
        if position < records {
            return Some(records);
        }
        let (begin, end) = self.known;
        let is_known = begin <= position && self.end <= end;
        (position < self.end && !is_known).then_some(self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::Isolation::{Committed, Uncommitted};
    use super::*;

    fn fetched(from: i64, to: i64, data: Option<i64>, stable: Option<i64>) -> Fetched {
        Fetched {
            from,
            to,
            data,
            stable,
            markers: Vec::new(),
        }
    }

    #[test]
    fn a_reader_is_behind_until_it_stands_behind_the_last_record() {
        let mut log = Log::default();
        assert_eq!(log.ahead(None, Uncommitted), None);
        log.produced(0, 7, false);
        assert_eq!(log.ahead(None, Uncommitted), Some(7));
        assert_eq!(log.ahead(Some(6), Committed), Some(7));
        assert_eq!(log.ahead(Some(7), Committed), None);
    }

    #[test]
    fn a_transaction_counts_for_readers_of_committed_records_once_it_is_committed() {
        let mut log = Log::default();
        log.produced(0, 3, true);
        assert_eq!(log.ahead(Some(0), Committed), None);
        assert_eq!(log.ahead(Some(0), Uncommitted), Some(3));
        log.committed(3);
        assert_eq!(log.ahead(Some(0), Committed), Some(3));
    }

    #[test]
    fn a_marker_at_the_end_is_nothing_to_do_once_somebody_has_seen_it() {
        let mut log = Log::default();
        log.produced(0, 3, true);
        log.committed(3);
        log.ends_at(4);
        assert_eq!(log.ahead(Some(3), Committed), Some(4), "it may be a record");
        log.fetched(&fetched(3, 4, None, None));
        assert_eq!(log.ahead(Some(3), Committed), None);
        assert_eq!(log.ahead(Some(3), Uncommitted), None);
    }

    #[test]
    fn an_aborted_tail_is_nothing_to_do_for_readers_of_committed_records() {
        let mut log = Log::default();
        log.produced(0, 1, false);
        log.fetched(&fetched(0, 4, Some(3), Some(1)));
        assert_eq!(log.ahead(Some(1), Committed), None);
        assert_eq!(log.ahead(Some(1), Uncommitted), Some(3));
    }

    #[test]
    fn what_is_known_of_the_log_has_no_gap() {
        let mut log = Log::default();
        log.produced(0, 2, false);
        log.fetched(&fetched(5, 6, None, None));
        assert_eq!(log.ahead(Some(2), Uncommitted), Some(6), "2 to 5 are unknown");
        log.fetched(&fetched(2, 5, None, None));
        assert_eq!(log.ahead(Some(2), Uncommitted), None);
        log.fetched(&fetched(0, 2, Some(2), Some(2)));
        assert_eq!(log.ahead(Some(0), Uncommitted), Some(2));
    }

    #[test]
    fn what_is_deleted_is_nothing_to_do() {
        let mut log = Log::default();
        log.produced(0, 5, false);
        log.starts_at(5);
        assert_eq!((log.ahead(None, Uncommitted), log.place(None)), (None, 5));
    }
}
