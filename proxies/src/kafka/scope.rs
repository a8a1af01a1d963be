//! The place of a call.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard};

use kafka_protocol::messages::{BrokerId, TopicName};
use kafka_protocol::protocol::StrBytes;
use momus_engine::activity::Activity;
use momus_engine::event::Happening;
use momus_engine::sandbox::CLIENT;
use uuid::Uuid;

use super::names::{Name, Names};
use super::progress::{Connection, Progress};
use super::{Broker, Namespace, Seen};
use crate::edge::Wire;

/// The id of the second node of a cluster.
const FIRST_OTHER: usize = 2;

/// The place of a call: a connection of an edge, and the namespace that its caller sees.
pub(crate) struct Scope {
    wire: Arc<Wire>,
    namespace: Namespace,
    connection: u64,
    /// Whether the client ended the connection: it is not cut off and may come back.
    has_left: AtomicBool,
}

static NEXT_CONNECTION: AtomicU64 = AtomicU64::new(0);

impl Scope {
    /// A new connection's.
    pub fn new(wire: &Arc<Wire>, namespace: &Namespace) -> Self {
        Self {
            wire: Arc::clone(wire),
            namespace: namespace.clone(),
            connection: NEXT_CONNECTION.fetch_add(1, Ordering::Relaxed),
            has_left: AtomicBool::new(false),
        }
    }

    /// The client ended the connection.
    pub fn left(&self) {
        self.has_left.store(true, Ordering::Relaxed);
    }

    /// Whether it is the test client's: what it does is no effect and nothing that is under way.
    pub fn is_own(&self) -> bool {
        self.wire.caller == CLIENT
    }

    pub fn caller(&self) -> Connection<'_> {
        Connection {
            caller: &self.wire.caller,
            number: self.connection,
        }
    }

    /// How far things have come, over all the sandbox's callers.
    pub fn progress(&self) -> MutexGuard<'_, Progress> {
        self.namespace.progress()
    }

    /// The name of a topic that newer versions have only by id.
    pub fn topic(&self, name: &TopicName, id: &Uuid) -> String {
        if id.is_nil() {
            return name.to_string();
        }
        self.seen(|seen| {
            let known = seen.members.name_of(id);
            known.map_or_else(|| id.to_string(), str::to_owned)
        })
    }

    /// What goes on in the sandbox.
    pub fn activity(&self) -> &Activity {
        self.wire.timeline.activity()
    }

    /// The ends of the edge: the caller's name and the broker's.
    pub fn ends(&self) -> (&str, &str) {
        (&self.wire.caller, &self.wire.dependency)
    }

    /// Wakes who waits for something to happen.
    pub fn ring(&self) {
        self.wire.timeline.ring();
    }

    /// What stands behind the edge.
    pub fn broker(&self) -> Broker {
        self.namespace.shared.broker
    }

    pub fn names(&self) -> &Names {
        &self.namespace.shared.names
    }

    /// Works on what passed by.
    pub fn seen<T>(&self, work: impl FnOnce(&mut Seen) -> T) -> T {
        work(&mut self.namespace.seen())
    }

    /// Tells who waits when other partitions are assigned than before.
    pub fn members_changed(&self) {
        if self.namespace.publish() {
            self.wire.timeline.ring();
        }
    }

    /// The address that the edge has for a node; that of the first node, where it has none.
    pub fn address_of(&self, node: i32) -> SocketAddr {
        let place = usize::try_from(node).ok().and_then(|id| id.checked_sub(FIRST_OTHER));
        let other = place.and_then(|place| self.wire.others.get(place));
        *other.unwrap_or(&self.wire.address)
    }

    /// Puts the edge's address for a node where the node's own is. An empty host is no address.
    pub fn endpoint(&self, node: BrokerId, host: &mut StrBytes, port: &mut i32) {
        if !host.is_empty() {
            let address = self.address_of(*node);
            *host = StrBytes::from_string(address.ip().to_string());
            *port = address.port().into();
        }
    }

    /// How many brokers a topic's replicas can stand on: those of the cluster, whether or not all of them are up.
    pub fn brokers(&self) -> usize {
        let told = self.seen(|seen| seen.brokers).unwrap_or_default();
        told.max(1 + self.wire.others.len())
    }

    /// Takes the prefix from the name that an answer gives to something the client asked for.
    pub fn take(&self, name: &mut impl Name) {
        // A name without the prefix can only be what the client itself said.
        let _ = self.names().take(name);
    }

    /// Whether the broker is one that lacks things and this API is among them.
    pub fn lacks(&self, key: i16) -> bool {
        let lacks = |seen: &mut Seen| seen.offered.as_ref().is_some_and(|offered| !offered.contains(&key));
        self.broker() == Broker::Mock && self.seen(lacks)
    }

    /// Notes that the caller used what the mock cluster lacks.
    pub fn lacking(&self, api: &str) {
        self.seen(|seen| {
            if !seen.lacking.iter().any(|known| known == api) {
                seen.lacking.push(api.to_owned());
            }
        });
    }

    /// Records a call on the timeline.
    pub fn record(&self, api: String, about: String, error: i16) {
        self.wire.timeline.record(Happening::KafkaCall {
            caller: self.wire.caller.clone(),
            broker: self.wire.dependency.clone(),
            api,
            about,
            error: (error != 0).then_some(error),
        });
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        let has_left = self.has_left.load(Ordering::Relaxed);
        self.progress().connection_ends(self.caller(), has_left);
    }
}
