//! Who is at the ends of an edge, and what its connections have in common.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use momus_engine::activity::{Activity, UnderWay};
use momus_engine::event::Happening;
use momus_engine::sandbox::CLIENT;
use momus_engine::timeline::Timeline;
use tokio::sync::watch;

use crate::edge::Protocol;
use crate::gate::Gate;
use crate::http::{Exchanges, requests, responses};
use crate::reads::Reads;
use crate::relay::pump;
use crate::rule::Rules;
use crate::socket::{Reader, Socket, Truncated, Writer};
use crate::tls::Identity;
use crate::{kafka, postgres};

/// Who is at the ends of an edge, and what its connections have in common.
pub(crate) struct Wire {
    pub caller: String,
    pub dependency: String,
    /// The edge's own; that of the first node, where the dependency has several.
    pub address: SocketAddr,
    /// Those of the other nodes.
    pub others: Vec<SocketAddr>,
    pub protocol: Protocol,
    /// What a caller is shown, where TLS ends at the edge.
    pub tls: Option<Identity>,
    pub timeline: Timeline,
    reads: Mutex<Reads>,
}

impl Wire {
    pub fn new(
        caller: String,
        dependency: String,
        address: SocketAddr,
        protocol: Protocol,
        tls: Option<Identity>,
        timeline: Timeline,
    ) -> Self {
        Self {
            caller,
            dependency,
            address,
            others: Vec::new(),
            protocol,
            tls,
            timeline,
            reads: Mutex::default(),
        }
    }

    /// The same, of a dependency whose other nodes the edge has at these addresses.
    pub fn with_others(self, others: Vec<SocketAddr>) -> Self {
        Self { others, ..self }
    }

    /// Records what became of a connection.
    pub fn connection(&self, what: impl Into<String>) {
        let (caller, dependency) = (self.caller.clone(), self.dependency.clone());
        self.timeline.record(Happening::Connection {
            caller,
            dependency,
            what: what.into(),
        });
    }

    /// What is going on in the sandbox.
    pub fn activity(&self) -> &Activity {
        self.timeline.activity()
    }

    /// Whether the caller is the test client: what it does is no effect of the mesh.
    pub fn is_clients(&self) -> bool {
        self.caller == CLIENT
    }

    /// What passes, as it is told: `shop → billing  POST /invoices`.
    pub fn line(&self, what: &str) -> String {
        [&self.caller, " → ", &self.dependency, "  ", what].concat()
    }

    /// Something of a service begins that can have an effect.
    pub fn begins(&self, what: &str) -> Option<UnderWay> {
        (!self.is_clients()).then(|| self.activity().begins(self.line(what)))
    }

    /// A service did something that changes something, or is about to.
    pub fn effect(&self, what: &str) {
        if !self.is_clients() {
            self.activity().effect(self.line(what));
        }
    }

    /// Whether what is asked again and again is answered otherwise than last time, or asked for the first time; both are
    /// hashes.
    pub fn answers_anew(&self, question: u64, answer: u64) -> bool {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        reads.answered_anew(question, answer)
    }

    /// A service read something, without a trace; both are hashes. Nothing where it was answered as it was last time, else
    /// true.
    pub fn read(&self, question: u64, answer: u64, what: &str) -> bool {
        let answered_anew = self.answers_anew(question, answer);
        if answered_anew && !self.is_clients() {
            self.activity().effect_or_probe(&self.caller, self.line(what));
        }
        answered_anew
    }

    /// What passes cannot be understood: nobody can tell what it does.
    pub fn is_hidden(&self, why: &str) {
        let (caller, dependency) = (&self.caller, &self.dependency);
        self.activity()
            .is_hidden(format!("what passes between {caller} and {dependency} {why}"));
    }

    /// Carries both directions as the protocol has it.
    pub async fn carry(
        self: &Arc<Self>,
        client: &mut Socket,
        upstream: &mut Socket,
        rules: watch::Receiver<Rules>,
        exchanges: Option<&Exchanges>,
    ) -> std::io::Result<()> {
        let (client_is, upstream_is) = (Truncated::default(), Truncated::default());
        let client = client.split(&client_is, &upstream_is);
        let upstream = upstream.split(&upstream_is, &client_is);
        self.carry_between(client, upstream, rules, exchanges).await
    }

    /// Carries both directions between these ends.
    pub async fn carry_between(
        self: &Arc<Self>,
        (mut from_client, mut to_client): (Reader<'_>, Writer<'_>),
        (mut from_upstream, mut to_upstream): (Reader<'_>, Writer<'_>),
        rules: watch::Receiver<Rules>,
        exchanges: Option<&Exchanges>,
    ) -> std::io::Result<()> {
        let gate = Gate::new(rules.clone(), self.activity());
        match (&self.protocol, exchanges) {
            (Protocol::Http(_), Some(exchanges)) => {
                tokio::try_join!(
                    requests(&mut from_client, &mut to_upstream, gate.clone(), rules, exchanges),
                    responses(&mut from_upstream, &mut to_client, gate, exchanges)
                )?;
            }
            (Protocol::Postgres(databases), _) => {
                let (client, server) = ((from_client, to_client), (from_upstream, to_upstream));
                postgres::carry(self, databases, client, server, gate).await?;
            }
            (Protocol::Kafka(namespace), _) => {
                let (client, broker) = ((from_client, to_client), (from_upstream, to_upstream));
                kafka::session::carry(self, namespace, client, broker, gate).await?;
            }
            (Protocol::Tcp | Protocol::Http(_), _) => {
                self.is_hidden("is in no protocol that is understood");
                tokio::try_join!(
                    pump(&mut from_client, &mut to_upstream, gate.clone()),
                    pump(&mut from_upstream, &mut to_client, gate)
                )?;
            }
        }
        Ok(())
    }
}
