//! How far things have come in a sandbox's part of a broker, over all its callers: where the records of each partition end,
//! where its readers stand, which transactions are open and which members join their groups.
//!
//! The end of a partition is known from answers to Produce, Fetch and ListOffsets, the place of a group from its commits,
//! the broker's answers to OffsetFetch and transactions that end. A group that has not committed stands where its members
//! began to fetch, until it commits: that what they were given is worked off leaves no other trace. A caller that reads for
//! no group stands where it fetches from. What a producer appends without asking for an answer (`acks=0`) is known when it
//! is next fetched.

use std::collections::{BTreeMap, BTreeSet};

use momus_engine::activity::{Activity, UnderWay};

use super::Partition;
use super::batches::Fetched;
use super::lag::{Group, Lag, Reader};
use super::log::{Isolation, Log};
use super::open::{Pending, Transactions};

/// What is known of a sandbox's part of a broker.
pub(crate) struct Progress {
    activity: Activity,
    logs: BTreeMap<Partition, Log>,
    groups: BTreeMap<String, Group>,
    /// Callers that read a partition for no group.
    readers: BTreeMap<Partition, BTreeMap<String, Reader>>,
    transactions: Transactions,
    /// Members that join, by connection and group.
    joins: BTreeMap<(u64, String), UnderWay>,
}

/// One caller's connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection<'c> {
    pub caller: &'c str,
    pub number: u64,
}

impl Progress {
    /// Nothing is known yet; what is under way is told to `activity`.
    pub fn new(activity: Activity) -> Self {
        Self {
            activity,
            logs: BTreeMap::new(),
            groups: BTreeMap::new(),
            readers: BTreeMap::new(),
            transactions: Transactions::default(),
            joins: BTreeMap::new(),
        }
    }

    /// How far a group has come.
    pub fn lag(&self, group: &str) -> BTreeMap<Partition, Lag> {
        let group = self.groups.get(group);
        group.map(|group| group.lag(&self.logs)).unwrap_or_default()
    }

    /// Learns of a partition's log, and says who is behind now.
    fn learn(&mut self, partition: &Partition, learn: impl FnOnce(&mut Log)) {
        match self.logs.get_mut(partition) {
            Some(log) => {
                let before = log.clone();
                learn(log);
                if *log == before {
                    return;
                }
            }
            None => learn(self.logs.entry(partition.clone()).or_default()),
        }
        self.say(partition);
    }

    fn say(&mut self, partition: &Partition) {
        let unknown = Log::default();
        let log = self.logs.get(partition).unwrap_or(&unknown);
        for (name, group) in &mut self.groups {
            group.say(name, partition, log, &self.activity);
        }
        for (caller, reader) in self.readers.get_mut(partition).into_iter().flatten() {
            reader.say(caller, partition, log, &self.activity);
        }
    }

    fn say_all(&mut self) {
        let groups = self.groups.values().flat_map(Group::partitions);
        let all: BTreeSet<Partition> = groups.chain(self.readers.keys()).cloned().collect();
        all.iter().for_each(|partition| self.say(partition));
    }

    fn group(&mut self, name: &str) -> &mut Group {
        self.groups.entry(name.to_owned()).or_default()
    }

    /// Records were appended, in a transaction or in none.
    pub fn produced(&mut self, partition: &Partition, base: i64, end: i64, transaction: Option<&str>) {
        if let Some(open) = transaction.and_then(|id| self.transactions.get(id)) {
            let written = open.written.entry(partition.clone()).or_default();
            *written = end.max(*written);
        }
        self.learn(partition, |log| log.produced(base, end, transaction.is_some()));
    }

    /// The log of a partition ends there at least.
    pub fn ends_at(&mut self, partition: &Partition, end: i64) {
        self.learn(partition, |log| log.ends_at(end));
    }

    /// What was before this offset is deleted.
    pub fn starts_at(&mut self, partition: &Partition, start: i64) {
        self.learn(partition, |log| log.starts_at(start));
    }

    /// A fetch was answered: from where to where the log goes, and what was handed over.
    pub fn fetched(&mut self, partition: &Partition, (start, end): (i64, i64), fetched: Option<&Fetched>) {
        for (producer, offset) in fetched.iter().flat_map(|fetched| &fetched.markers) {
            self.transactions.marked(*producer, partition, *offset);
        }
        self.learn(partition, |log| {
            log.starts_at(start);
            log.ends_at(end);
            if let Some(fetched) = fetched {
                log.fetched(fetched);
            }
        });
    }

    /// A caller fetches from there.
    pub fn fetches(&mut self, by: Connection<'_>, partition: &Partition, offset: i64, isolation: Isolation) {
        let mut is_for_a_group = false;
        for group in self.groups.values_mut() {
            is_for_a_group |= group.fetches(by.caller, partition, offset, isolation);
        }
        if is_for_a_group {
            self.reads_for_a_group(by.caller, partition);
        } else {
            let readers = self.readers.entry(partition.clone()).or_default();
            let reader = readers.entry(by.caller.to_owned()).or_default();
            reader.fetches(by.number, offset, isolation);
        }
        self.say(partition);
    }

    /// Another node leads the partition than the one that the caller asked: it goes on on another connection.
    pub fn moves(&mut self, by: Connection<'_>, partition: &Partition) {
        let readers = self.readers.get_mut(partition);
        if let Some(reader) = readers.and_then(|readers| readers.get_mut(by.caller)) {
            reader.ends(by.number, false);
        }
    }

    /// What the caller was given is worked off when the group commits, not when it fetches further.
    fn reads_for_a_group(&mut self, caller: &str, partition: &Partition) {
        if let Some(readers) = self.readers.get_mut(partition) {
            readers.remove(caller);
        }
    }

    /// The caller's members have these partitions, by group, and no others.
    pub fn assign(&mut self, caller: &str, mut assigned: BTreeMap<String, BTreeSet<Partition>>) {
        for (name, group) in &mut self.groups {
            match assigned.remove(name) {
                Some(partitions) => group.assign(caller, partitions),
                None => group.forget(caller),
            }
        }
        for (name, partitions) in assigned {
            self.group(&name).assign(caller, partitions);
        }
        self.say_all();
    }

    /// The caller committed an offset for the group.
    pub fn commit(&mut self, caller: &str, group: &str, partition: &Partition, offset: i64) {
        self.group(group).commit(caller, partition, offset);
        self.reads_for_a_group(caller, partition);
        self.say(partition);
    }

    /// The broker told the caller which offset the group has committed, if any.
    pub fn told(&mut self, caller: &str, group: &str, partition: &Partition, offset: Option<i64>) {
        self.group(group).told(caller, partition, offset);
        self.say(partition);
    }

    /// The caller asks for what opens a transaction.
    pub fn asks_in_transaction(&mut self, caller: &str, id: &str) {
        self.transactions.asked(id, caller, &self.activity);
    }

    /// The broker did it for this producer; none: it refused.
    pub fn answers_in_transaction(&mut self, caller: &str, id: &str, producer: Option<i64>) {
        self.transactions.answered(id, caller, producer, &self.activity);
    }

    /// The group has this offset once the transaction is committed.
    pub fn will_commit(&mut self, id: &str, pending: Pending) {
        if let Some(open) = self.transactions.get(id) {
            open.offsets.push(pending);
        }
    }

    /// The transaction is committed or aborted.
    pub fn transaction_ends(&mut self, id: &str, is_committed: bool) {
        let Some(open) = self.transactions.end(id).filter(|_| is_committed) else {
            return;
        };
        for (partition, end) in &open.written {
            self.learn(partition, |log| log.committed(*end));
        }
        for pending in &open.offsets {
            self.commit(&pending.caller, &pending.group, &pending.partition, pending.offset);
        }
    }

    /// A member joins on this connection.
    pub fn joins(&mut self, by: Connection<'_>, group: &str) {
        let key = (by.number, group.to_owned());
        let text = || format!("{} joins group {group}", by.caller);
        self.joins.entry(key).or_insert_with(|| self.activity.begins(text()));
    }

    /// It has joined, or gave up.
    pub fn joined(&mut self, by: Connection<'_>, group: &str) {
        self.joins.remove(&(by.number, group.to_owned()));
    }

    /// A connection ended: its caller ended it, or it was cut off and may come back.
    pub fn connection_ends(&mut self, by: Connection<'_>, left: bool) {
        self.joins.retain(|(number, _), _| *number != by.number);
        let mut changed = Vec::new();
        for (partition, readers) in &mut self.readers {
            if let Some(reader) = readers.get_mut(by.caller) {
                if !reader.ends(by.number, left) {
                    readers.remove(by.caller);
                }
                changed.push(partition.clone());
            }
        }
        changed.iter().for_each(|partition| self.say(partition));
    }

    /// The caller was killed: it reads nothing any more, and no member of its groups is left.
    pub fn forget(&mut self, caller: &str) {
        self.groups.values_mut().for_each(|group| group.forget(caller));
        for readers in self.readers.values_mut() {
            readers.remove(caller);
        }
        self.say_all();
    }

    /// The topic is deleted.
    pub fn topic_ends(&mut self, topic: &str) {
        let is_gone = |(name, _): &Partition| name == topic;
        self.logs.retain(|partition, _| !is_gone(partition));
        self.readers.retain(|partition, _| !is_gone(partition));
        self.groups.values_mut().for_each(|group| group.remove(is_gone));
    }

    /// The group is deleted.
    pub fn group_ends(&mut self, group: &str) {
        self.groups.remove(group);
    }

    /// The group's place there is deleted.
    pub fn place_ends(&mut self, group: &str, partition: &Partition) {
        if let Some(group) = self.groups.get_mut(group) {
            group.remove(|other| other == partition);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use momus_engine::activity::Quiet;

    use super::*;

    const SHOP: Connection<'_> = Connection {
        caller: "shop",
        number: 1,
    };

    fn partition() -> Partition {
        ("orders.v1".to_owned(), 0)
    }

    /// Group billing of the shop holds a partition with three records and has worked off two.
    fn behind() -> (Progress, Activity) {
        let activity = Activity::new(Some(Duration::ZERO));
        let mut progress = Progress::new(activity.clone());
        let assigned = BTreeMap::from([("billing".to_owned(), BTreeSet::from([partition()]))]);
        progress.assign("shop", assigned);
        progress.produced(&partition(), 0, 3, None);
        progress.commit("shop", "billing", &partition(), 2);
        assert!(!is_quiet(&activity));
        (progress, activity)
    }

    fn is_quiet(activity: &Activity) -> bool {
        matches!(activity.quiet(), Quiet::Yes { .. })
    }

    #[test]
    fn what_is_deleted_keeps_nobody_behind() {
        let (mut progress, activity) = behind();
        progress.topic_ends("orders.v2");
        assert!(!is_quiet(&activity));
        progress.topic_ends("orders.v1");
        assert!(is_quiet(&activity));
        let (mut progress, activity) = behind();
        progress.group_ends("billing");
        assert!(is_quiet(&activity));
        let (mut progress, activity) = behind();
        progress.place_ends("billing", &partition());
        assert!(is_quiet(&activity));
        let (mut progress, activity) = behind();
        progress.starts_at(&partition(), 3);
        assert!(is_quiet(&activity));
    }

    #[test]
    fn a_reader_whose_partition_moves_to_another_node_goes_on_there() {
        let activity = Activity::new(Some(Duration::ZERO));
        let mut progress = Progress::new(activity.clone());
        progress.produced(&partition(), 0, 3, None);
        progress.fetches(SHOP, &partition(), 1, Isolation::Uncommitted);
        progress.moves(SHOP, &partition());
        assert!(!is_quiet(&activity), "it is still behind");
        let other = Connection { number: 2, ..SHOP };
        progress.fetches(other, &partition(), 3, Isolation::Uncommitted);
        assert!(is_quiet(&activity), "{:?}", activity.quiet());
    }

    #[test]
    fn a_member_joins_until_it_has_joined_or_its_connection_ends() {
        let activity = Activity::new(Some(Duration::ZERO));
        let mut progress = Progress::new(activity.clone());
        progress.joins(SHOP, "billing");
        progress.joins(SHOP, "billing");
        assert!(!is_quiet(&activity));
        progress.joined(SHOP, "billing");
        assert!(is_quiet(&activity));
        progress.joins(SHOP, "billing");
        progress.connection_ends(SHOP, false);
        assert!(is_quiet(&activity));
    }

    #[test]
    fn a_caller_that_was_killed_reads_nothing_and_leaves_its_groups_behind() {
        let (mut progress, activity) = behind();
        let other = ("invoices.v1".to_owned(), 0);
        progress.fetches(SHOP, &other, 0, Isolation::Uncommitted);
        progress.produced(&other, 0, 1, None);
        progress.forget("shop");
        let Quiet::NotYet { why, .. } = activity.quiet() else {
            panic!("the group is behind");
        };
        assert!(why.contains("2 of 3; no member has the partition"), "{why}");
        progress.commit("bank", "billing", &partition(), 3);
        assert!(is_quiet(&activity), "{:?}", activity.quiet());
    }

    #[test]
    fn a_transaction_counts_when_it_is_committed() {
        for is_committed in [true, false] {
            let (mut progress, activity) = behind();
            progress.fetches(SHOP, &partition(), 3, Isolation::Committed);
            progress.answers_in_transaction("shop", "settle", Some(7));
            progress.produced(&partition(), 3, 4, Some("settle"));
            let pending = Pending {
                caller: "shop".to_owned(),
                group: "billing".to_owned(),
                partition: partition(),
                offset: 3,
            };
            progress.will_commit("settle", pending);
            assert_eq!(progress.lag("billing")[&partition()], Lag { position: 2, end: 3 });
            progress.transaction_ends("settle", is_committed);
            let lag = match is_committed {
                true => Lag { position: 3, end: 4 },
                false => Lag { position: 2, end: 3 },
            };
            assert_eq!(progress.lag("billing")[&partition()], lag);
            assert!(!is_quiet(&activity));
        }
    }
}
