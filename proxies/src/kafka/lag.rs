//! How far those have come that read a partition: groups by what they committed, others by what they fetch.

use std::collections::{BTreeMap, BTreeSet};

use momus_engine::activity::{Activity, UnderWay};

use super::Partition;
use super::log::{Isolation, Log};

/// How far a group has come in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// It has worked off everything before this offset.
    pub position: i64,
    /// The end up to which there is something to do; its position where there is nothing.
    pub end: i64,
}

impl Lag {
    fn of(log: &Log, position: Option<i64>, isolation: Isolation) -> Self {
        let place = log.place(position);
        Self {
            position: place,
            end: log.ahead(position, isolation).unwrap_or(place),
        }
    }

    /// Whether there is something to do.
    pub fn is_behind(&self) -> bool {
        self.position < self.end
    }

    fn say(self, who: &str, (topic, partition): &Partition) -> String {
        let Self { position, end } = self;
        format!("{who} is behind on {topic} [{partition}]: {position} of {end}")
    }
}

/// That somebody is behind, as it is said to those who wait for the sandbox to be quiet.
#[derive(Default)]
struct Said(Option<(UnderWay, String)>);

impl Said {
    fn say(&mut self, activity: &Activity, text: Option<String>) {
        match (&mut self.0, text) {
            (said, None) => *said = None,
            (Some((under_way, said)), Some(text)) => {
                if *said != text {
                    under_way.say(text.as_str());
                    *said = text;
                }
            }
            (said @ None, Some(text)) => *said = Some((activity.begins(text.as_str()), text)),
        }
    }
}

/// A group of one sandbox, over all its callers.
#[derive(Default)]
pub(super) struct Group {
    places: BTreeMap<Partition, Place>,
    /// The callers that read for it, with what is assigned to each one's members.
    readers: BTreeMap<String, BTreeSet<Partition>>,
    /// The callers that asked for the group's place in partitions where it has none.
    asked: BTreeSet<(String, Partition)>,
}

/// Where a group stands in a partition.
#[derive(Default)]
struct Place {
    committed: Option<i64>,
    /// Where it began to read, which counts until it commits: what was there before is none of its business.
    began: Option<i64>,
    isolation: Isolation,
    said: Said,
}

impl Place {
    /// None where it has neither committed nor fetched: wherever it will begin.
    fn position(&self) -> Option<i64> {
        self.committed.or(self.began)
    }
}

impl Group {
    /// The caller's members have these partitions, and no others.
    pub fn assign(&mut self, caller: &str, partitions: BTreeSet<Partition>) {
        for partition in &partitions {
            self.places.entry(partition.clone()).or_default();
        }
        self.readers.insert(caller.to_owned(), partitions);
    }

    /// The caller's members are gone.
    pub fn forget(&mut self, caller: &str) {
        if let Some(assigned) = self.readers.get_mut(caller) {
            assigned.clear();
        }
    }

    /// The caller committed for the group.
    pub fn commit(&mut self, caller: &str, partition: &Partition, offset: i64) {
        self.readers.entry(caller.to_owned()).or_default();
        self.places.entry(partition.clone()).or_default().committed = Some(offset);
    }

    /// The broker told the caller what is committed (none: nothing). An answer may be older than a commit that it crossed.
    pub fn told(&mut self, caller: &str, partition: &Partition, offset: Option<i64>) {
        let Some(offset) = offset else {
            self.asked.insert((caller.to_owned(), partition.clone()));
            return;
        };
        self.readers.entry(caller.to_owned()).or_default();
        let place = self.places.entry(partition.clone()).or_default();
        place.committed = place.committed.max(Some(offset));
    }

    /// The caller fetches from there; whether it does so for this group.
    pub fn fetches(&mut self, caller: &str, partition: &Partition, offset: i64, isolation: Isolation) -> bool {
        if !self.asked.is_empty() && self.asked.remove(&(caller.to_owned(), partition.clone())) {
            self.readers.entry(caller.to_owned()).or_default();
            self.places.entry(partition.clone()).or_default();
        }
        let Some(place) = self.places.get_mut(partition) else {
            return false;
        };
        if !self.readers.contains_key(caller) {
            return false;
        }
        place.isolation = isolation;
        place.began.get_or_insert(offset);
        true
    }

    /// Says whether it is behind there.
    pub fn say(&mut self, name: &str, partition: &Partition, log: &Log, activity: &Activity) {
        let Some(place) = self.places.get_mut(partition) else {
            return;
        };
        let lag = Lag::of(log, place.position(), place.isolation);
        let text = lag.is_behind().then(|| {
            let mut text = lag.say(&format!("group {name}"), partition);
            if place.committed.is_none() {
                text.push_str(", and it has committed nothing there yet");
            }
            if !self.readers.values().any(|assigned| assigned.contains(partition)) {
                text.push_str("; no member has the partition");
            }
            text
        });
        place.said.say(activity, text);
    }

    /// How far it has come, by partition.
    pub fn lag(&self, logs: &BTreeMap<Partition, Log>) -> BTreeMap<Partition, Lag> {
        let lag = |(partition, place): (&Partition, &Place)| {
            let log = logs.get(partition).cloned().unwrap_or_default();
            (partition.clone(), Lag::of(&log, place.position(), place.isolation))
        };
        self.places.iter().map(lag).collect()
    }

    /// Its place in these partitions is gone.
    pub fn remove(&mut self, is_gone: impl Fn(&Partition) -> bool) {
        self.places.retain(|partition, _| !is_gone(partition));
    }

    pub fn partitions(&self) -> impl Iterator<Item = &Partition> {
        self.places.keys()
    }
}

/// A caller that reads a partition for no group: it stands where it fetches from.
#[derive(Default)]
pub(super) struct Reader {
    readings: Vec<Reading>,
    said: Said,
}

/// One connection's reading.
struct Reading {
    connection: u64,
    position: i64,
    isolation: Isolation,
    /// The connection broke, and the reader is still to come back on another.
    is_lost: bool,
}

impl Reader {
    /// Fetches from there, on this connection. It takes the place of one that was lost.
    pub fn fetches(&mut self, connection: u64, position: i64, isolation: Isolation) {
        let reading = Reading {
            connection,
            position,
            isolation,
            is_lost: false,
        };
        let own = self.readings.iter_mut();
        let mut own = own.filter(|each| each.connection == connection || each.is_lost);
        match own.next() {
            Some(known) => *known = reading,
            None => self.readings.push(reading),
        }
    }

    /// The connection ended: the reader left, or it was cut off; whether anybody is left.
    pub fn ends(&mut self, connection: u64, left: bool) -> bool {
        if left {
            self.readings.retain(|each| each.connection != connection);
        } else {
            let own = self.readings.iter_mut().filter(|each| each.connection == connection);
            own.for_each(|each| each.is_lost = true);
        }
        !self.readings.is_empty()
    }

    /// Says whether it is behind.
    pub fn say(&mut self, caller: &str, partition: &Partition, log: &Log, activity: &Activity) {
        let lags = self.readings.iter();
        let mut lags = lags.map(|each| Lag::of(log, Some(each.position), each.isolation));
        let text = lags.find(Lag::is_behind).map(|lag| lag.say(caller, partition));
        self.said.say(activity, text);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use momus_engine::activity::Quiet;

    use super::*;

    /// Partition 0 of a topic, whose log holds ten records.
    struct Watched {
        partition: Partition,
        log: Log,
        activity: Activity,
    }

    impl Watched {
        fn new() -> Self {
            let mut log = Log::default();
            log.produced(0, 10, false);
            Self {
                partition: ("orders.v1".to_owned(), 0),
                log,
                activity: Activity::new(Some(Duration::ZERO)),
            }
        }

        fn group(&self, group: &mut Group) -> Option<String> {
            group.say("billing", &self.partition, &self.log, &self.activity);
            self.said()
        }

        fn reader(&self, reader: &mut Reader) -> Option<String> {
            reader.say("shop", &self.partition, &self.log, &self.activity);
            self.said()
        }

        fn said(&self) -> Option<String> {
            match self.activity.quiet() {
                Quiet::NotYet { why, .. } => Some(why[..why.rfind(" (").unwrap()].to_owned()),
                Quiet::Yes { .. } | Quiet::Hidden { .. } => None,
            }
        }
    }

    fn is(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_group_that_has_not_begun_is_behind_wherever_it_will_begin() {
        let (watched, mut group) = (Watched::new(), Group::default());
        assert_eq!(
            watched.group(&mut group),
            None,
            "it has nothing to do with the partition"
        );
        group.assign("shop", BTreeSet::from([watched.partition.clone()]));
        let text = "group billing is behind on orders.v1 [0]: 0 of 10, and it has committed nothing there yet";
        assert_eq!(watched.group(&mut group), is(text));
        assert!(group.fetches("shop", &watched.partition, 10, Isolation::Uncommitted));
        assert_eq!(watched.group(&mut group), None, "it begins at the end");
    }

    #[test]
    fn what_a_group_was_given_is_worked_off_when_it_commits_and_not_before() {
        let (watched, mut group) = (Watched::new(), Group::default());
        group.assign("shop", BTreeSet::from([watched.partition.clone()]));
        for offset in [4, 10] {
            group.fetches("shop", &watched.partition, offset, Isolation::Uncommitted);
            let text = "group billing is behind on orders.v1 [0]: 4 of 10, and it has committed nothing there yet";
            assert_eq!(watched.group(&mut group), is(text));
        }
        group.commit("shop", &watched.partition, 9);
        assert_eq!(
            watched.group(&mut group),
            is("group billing is behind on orders.v1 [0]: 9 of 10")
        );
        group.forget("shop");
        let text = "group billing is behind on orders.v1 [0]: 9 of 10; no member has the partition";
        assert_eq!(watched.group(&mut group), is(text));
        group.commit("bank", &watched.partition, 10);
        assert_eq!(watched.group(&mut group), None);
    }

    #[test]
    fn an_answer_that_a_commit_overtook_takes_nothing_back() {
        let (watched, mut group) = (Watched::new(), Group::default());
        group.commit("shop", &watched.partition, 10);
        group.told("shop", &watched.partition, Some(3));
        assert_eq!(watched.group(&mut group), None);
        group.commit("shop", &watched.partition, 3);
        assert!(watched.group(&mut group).is_some(), "a group may go back itself");
    }

    #[test]
    fn who_asks_for_a_groups_place_and_fetches_reads_for_the_group() {
        let (watched, mut group) = (Watched::new(), Group::default());
        group.told("shop", &watched.partition, None);
        assert_eq!(watched.group(&mut group), None, "somebody may only look");
        assert!(!group.fetches("bank", &watched.partition, 0, Isolation::Uncommitted));
        assert!(group.fetches("shop", &watched.partition, 0, Isolation::Uncommitted));
        assert!(watched.group(&mut group).is_some());
    }

    #[test]
    fn a_reader_stands_where_it_fetches_until_it_leaves() {
        let (watched, mut reader) = (Watched::new(), Reader::default());
        reader.fetches(1, 4, Isolation::Uncommitted);
        assert_eq!(
            watched.reader(&mut reader),
            is("shop is behind on orders.v1 [0]: 4 of 10")
        );
        reader.fetches(1, 10, Isolation::Uncommitted);
        assert_eq!(watched.reader(&mut reader), None);
        reader.fetches(2, 6, Isolation::Uncommitted);
        assert_eq!(
            watched.reader(&mut reader),
            is("shop is behind on orders.v1 [0]: 6 of 10")
        );
        assert!(reader.ends(2, true));
        assert_eq!(watched.reader(&mut reader), None);
    }

    #[test]
    fn a_reader_that_was_cut_off_is_behind_until_it_is_back_on_another_connection() {
        let (watched, mut reader) = (Watched::new(), Reader::default());
        reader.fetches(1, 4, Isolation::Uncommitted);
        assert!(reader.ends(1, false));
        assert!(watched.reader(&mut reader).is_some());
        reader.fetches(2, 10, Isolation::Uncommitted);
        assert_eq!(watched.reader(&mut reader), None);
    }
}
