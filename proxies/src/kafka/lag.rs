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
