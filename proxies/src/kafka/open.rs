//! Transactions that are open.

use std::collections::BTreeMap;

use momus_engine::activity::{Activity, UnderWay};

use super::Partition;

/// An offset that a group has once the transaction is committed.
pub(super) struct Pending {
    pub caller: String,
    pub group: String,
    pub partition: Partition,
    pub offset: i64,
}

/// A transaction, from the first call that may have opened it until it is known to have ended.
pub(super) struct Open {
    /// None once a marker told that it ended, and the answer that says how is still on its way.
    under_way: Option<UnderWay>,
    /// Whether the broker said so; else the call that opens it is without its answer.
    is_certain: bool,
    producer: i64,
    /// The end of what it wrote.
    pub written: BTreeMap<Partition, i64>,
    pub offsets: Vec<Pending>,
}

/// The open transactions, by transactional id.
#[derive(Default)]
pub(super) struct Transactions {
    open: BTreeMap<String, Open>,
}

impl Transactions {
    /// The caller asks for something that opens a transaction, unless it is open.
    pub fn asked(&mut self, id: &str, caller: &str, activity: &Activity) {
        self.entry(id, caller, activity);
    }

    /// The broker did that for this producer, or refused it. A producer that was fenced opens nothing.
    pub fn answered(&mut self, id: &str, caller: &str, producer: Option<i64>, activity: &Activity) {
        if let Some(producer) = producer {
            let open = self.entry(id, caller, activity);
            open.is_certain = true;
            open.producer = producer;
        } else if self.open.get(id).is_some_and(|open| !open.is_certain) {
            self.open.remove(id);
        }
    }

    fn entry(&mut self, id: &str, caller: &str, activity: &Activity) -> &mut Open {
        if self.open.get(id).is_some_and(|open| open.under_way.is_none()) {
            self.open.remove(id);
        }
        self.open.entry(id.to_owned()).or_insert_with(|| Open {
            under_way: Some(activity.begins(format!("a transaction of {caller} is open (transactional id {id})"))),
            is_certain: false,
            producer: -1,
            written: BTreeMap::new(),
            offsets: Vec::new(),
        })
    }

    /// The transaction, if it is open.
    pub fn get(&mut self, id: &str) -> Option<&mut Open> {
        self.open.get_mut(id)
    }

    /// The transaction ended.
    pub fn end(&mut self, id: &str) -> Option<Open> {
        self.open.remove(id)
    }

    /// A marker of this producer stands in the partition: the transaction that wrote what is before it ended, aborted by
    /// the broker for one. Whoever reads may be told so before the producer is: what it was to commit is kept until then.
    pub fn marked(&mut self, producer: i64, partition: &Partition, offset: i64) {
        for open in self.open.values_mut() {
            let is_its_end = open.written.get(partition).is_some_and(|end| *end <= offset);
            if open.producer == producer && is_its_end {
                open.under_way = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use momus_engine::activity::Quiet;

    use super::*;

    fn quiet(activity: &Activity) -> bool {
        matches!(activity.quiet(), Quiet::Yes { .. })
    }

    fn activity() -> Activity {
        Activity::new(Some(Duration::ZERO))
    }

    #[test]
    fn a_transaction_is_under_way_until_it_ends() {
        let (mut transactions, activity) = (Transactions::default(), activity());
        transactions.asked("settle", "billing", &activity);
        let Quiet::NotYet { why, .. } = activity.quiet() else {
            panic!("it may be open");
        };
        assert!(
            why.starts_with("a transaction of billing is open (transactional id settle)"),
            "{why}"
        );
        transactions.answered("settle", "billing", Some(7), &activity);
        assert!(!quiet(&activity));
        assert!(transactions.end("settle").is_some());
        assert!(quiet(&activity));
    }

    #[test]
    fn what_a_fenced_producer_asks_for_opens_nothing_and_ends_nothing() {
        let (mut transactions, activity) = (Transactions::default(), activity());
        transactions.asked("settle", "billing", &activity);
        transactions.answered("settle", "billing", None, &activity);
        assert!(quiet(&activity));
        transactions.asked("settle", "billing", &activity);
        transactions.asked("settle", "billing", &activity);
        transactions.answered("settle", "billing", Some(8), &activity);
        transactions.answered("settle", "billing", None, &activity);
        assert!(!quiet(&activity), "the newer producer's is open");
    }

    #[test]
    fn a_marker_behind_what_was_written_ends_it_and_an_older_one_does_not() {
        let (mut transactions, activity) = (Transactions::default(), activity());
        let partition = ("orders.v1".to_owned(), 0);
        transactions.answered("settle", "billing", Some(7), &activity);
        transactions.get("settle").unwrap().written.insert(partition.clone(), 5);
        transactions.marked(7, &partition, 3);
        transactions.marked(8, &partition, 5);
        assert!(!quiet(&activity));
        transactions.marked(7, &partition, 5);
        assert!(quiet(&activity));
    }

    #[test]
    fn what_it_was_to_commit_outlives_its_marker_until_its_end_is_answered_or_another_begins() {
        let (mut transactions, activity) = (Transactions::default(), activity());
        let partition = ("orders.v1".to_owned(), 0);
        let marked = |transactions: &mut Transactions| {
            transactions.answered("settle", "billing", Some(7), &activity);
            let open = transactions.get("settle").unwrap();
            open.written.insert(partition.clone(), 5);
            open.offsets.push(Pending {
                caller: "billing".to_owned(),
                group: "billing".to_owned(),
                partition: partition.clone(),
                offset: 5,
            });
            transactions.marked(7, &partition, 5);
        };
        marked(&mut transactions);
        assert_eq!(transactions.end("settle").unwrap().offsets.len(), 1);
        marked(&mut transactions);
        transactions.asked("settle", "billing", &activity);
        assert!(!quiet(&activity), "another is open");
        assert!(transactions.end("settle").unwrap().offsets.is_empty());
    }
}
