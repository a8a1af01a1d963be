//! The Kafka-aware edge: a sandbox's own names on a broker that it shares with others
//! (the protocol: <https://kafka.apache.org/protocol>).
//!
//! Towards the broker, names of topics, groups and transactional ids get the sandbox's prefix; towards the client they
//! lose it, and what does not have it is not shown. The address of each node of the cluster becomes the one that the edge has
//! for it, and each sandbox is a cluster with an id of its own.
//! An API that is not handled here is absent from the answer to ApiVersions; a client that calls it nevertheless is cut
//! off with the reason on the timeline.
//!
//! `session` carries a connection, `api` says what it is to handle an API and lists those that are handled; each family
//! of APIs has a file. `progress` knows how far a sandbox's producers, groups and transactions have come.

mod acls;
mod admin;
mod api;
mod assigned;
mod batches;
mod bearing;
mod bounded;
mod configs;
mod consumer;
mod credential;
mod data;
mod embedded;
mod fetch;
mod foreign;
mod frame;
mod groups;
mod handlers;
mod inspect;
mod lag;
mod leaders;
mod listings;
mod log;
#[cfg(any(test, feature = "fuzzing"))]
mod made;
mod metadata;
mod names;
mod offsets;
mod open;
mod own_topics;
mod partitions;
mod produce;
mod progress;
mod question;
mod quotas;
mod record;
mod scope;
pub(crate) mod session;
mod transactions;
mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use momus_engine::activity::Activity;
use tokio::sync::watch;

use assigned::Members;
pub use credential::Credential;
pub use lag::Lag;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use made::exchange;
use names::Names;
use progress::Progress;

/// A partition, by the name of its topic in the mesh and its number.
pub type Partition = (String, i32);

/// What stands behind an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broker {
    /// Apache Kafka, which other sandboxes use as well.
    Real,
    /// Apache Kafka, all of it this sandbox's: also what a server has only once, such as its settings, quotas and
    /// SCRAM users. To access control lists it says what a broker without an authorizer says.
    Own,
    /// librdkafka's mock cluster. It has no admin calls and no ListGroups, does not isolate transactions and looks no
    /// offset up by its time: a client is told that it can call these, and a call is collected in
    /// [`Namespace::lacking`] in place of an answer that means something.
    Mock,
}

/// One caller's part of a broker: the names of its sandbox, and what was seen of it on its edge. A cheap handle.
#[derive(Clone)]
pub struct Namespace {
    shared: Arc<Shared>,
    /// What its edges say to the broker before their callers' first word.
    credential: Option<Credential>,
}

struct Shared {
    caller: String,
    names: Names,
    broker: Broker,
    seen: Mutex<Seen>,
    assigned: watch::Sender<BTreeSet<Partition>>,
    /// What all callers of the sandbox share.
    progress: Arc<Mutex<Progress>>,
}

/// What passed by and is needed to understand what comes after it.
#[derive(Default)]
struct Seen {
    members: Members,
    /// What they were last said to be assigned, by group.
    published: BTreeMap<String, BTreeSet<Partition>>,
    /// The protocol type of each classic group, which SyncGroup before version 5 does not tell.
    protocol_types: BTreeMap<String, String>,
    /// How many brokers the last answer to Metadata named.
    brokers: Option<usize>,
    /// The keys of the APIs that the broker says it has.
    offered: Option<BTreeSet<i16>>,
    lacking: Vec<String>,
}

impl Namespace {
    /// The part of the broker whose names begin with `prefix`, as its first caller sees it: each edge needs its own. What
    /// is under way there is told to the sandbox's `activity`.
    pub fn new(caller: impl Into<String>, prefix: impl Into<String>, broker: Broker, activity: Activity) -> Self {
        let progress = Arc::new(Mutex::new(Progress::new(activity)));
        Self::of(caller.into(), Names::new(prefix.into()), broker, progress)
    }

    /// The same part of the broker, as another caller sees it.
    pub fn beside(&self, caller: impl Into<String>) -> Self {
        let Shared { names, broker, .. } = &*self.shared;
        let progress = Arc::clone(&self.shared.progress);
        Self {
            credential: self.credential.clone(),
            ..Self::of(caller.into(), names.clone(), *broker, progress)
        }
    }

    /// The same, of a broker that takes only connections with this credential: the edge proves it, and no caller is asked.
    #[must_use]
    pub fn with_credential(self, credential: Credential) -> Self {
        Self {
            credential: Some(credential),
            ..self
        }
    }

    fn of(caller: String, names: Names, broker: Broker, progress: Arc<Mutex<Progress>>) -> Self {
        let shared = Shared {
            caller,
            names,
            broker,
            seen: Mutex::default(),
            assigned: watch::Sender::default(),
            progress,
        };
        Self {
            shared: Arc::new(shared),
            credential: None,
        }
    }

    /// The partitions that are assigned to members of groups seen on this edge, and every change of them.
    ///
    /// They are known from answers to SyncGroup and ConsumerGroupHeartbeat. A member has none from its JoinGroup to its
    /// next SyncGroup, nor once it left or the broker disowned it.
    pub fn assigned(&self) -> watch::Receiver<BTreeSet<Partition>> {
        self.shared.assigned.subscribe()
    }

    /// The APIs that the caller used and the broker lacks, each once, in the order of their first use.
    pub fn lacking(&self) -> Vec<String> {
        self.seen().lacking.clone()
    }

    /// How far a group of the sandbox has come in each partition that it committed or was assigned, as far as it passed by.
    pub fn lag(&self, group: &str) -> BTreeMap<Partition, Lag> {
        self.progress().lag(group)
    }

    /// Forgets the members: the caller was killed, and nobody left the groups.
    pub fn forget_members(&self) {
        self.seen().members.forget();
        self.publish();
        self.progress().forget(&self.shared.caller);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells who watches what is assigned now; whether that is a change.
    fn publish(&self) -> bool {
        let mut seen = self.seen();
        let by_group = seen.members.assigned();
        if seen.published == by_group {
            return false;
        }
        seen.published.clone_from(&by_group);
        let all = by_group.values().flatten().cloned().collect();
        // Under the lock, so that the last to be told is the last that was seen.
        self.progress().assign(&self.shared.caller, by_group);
        self.shared.assigned.send_if_modified(|published| {
            let changed = *published != all;
            *published = all;
            changed
        })
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace")
            .field("caller", &self.shared.caller)
            .field("names", &self.shared.names)
            .field("broker", &self.shared.broker)
            .finish_non_exhaustive()
    }
}
