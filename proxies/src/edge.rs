//! An edge: the way from one caller to one dependency, as a loopback port that mirrors the dependency.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use momus_engine::injection::Strikes;
use momus_engine::timeline::Timeline;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, JoinError, JoinSet};

pub use crate::dialer::{Dialed, Dialer};
pub use crate::door::{Door, TurnedAway};
use crate::gate::Gate;
use crate::greeting::{self, Opened, Ungreeted};
use crate::http::Exchanges;
pub use crate::http::Purpose;
use crate::kafka::Namespace;
pub use crate::postgres::Databases;
use crate::rule::{Answer, Answering, Rule, Rules};
use crate::socket::{Socket, reset};
use crate::tls::Identity;
pub use crate::upstream::Upstream;
pub(crate) use crate::wire::Wire;

/// What an edge understands of what passes.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// Bytes, as they come. What they do cannot be told: a sandbox with such a connection is never held quiet.
    Tcp,
    /// HTTP/1.1, and HTTP/2 with prior knowledge: exchanges are recorded and can be answered by a rule.
    Http(Purpose),
    /// PostgreSQL: a session's database is replaced by the sandbox's clone, and the session is recorded
    /// with its statements. Encryption is declined where TLS does not end at the edge.
    Postgres(Databases),
    /// Kafka: the caller sees the sandbox's part of the broker, and the edge's addresses as those of the cluster's nodes.
    Kafka(Namespace),
}

/// The edge could not listen.
#[derive(Debug, thiserror::Error)]
#[error("edge from {caller} to {dependency}: could not listen on a loopback port: {source}")]
pub struct ListenError {
    caller: String,
    dependency: String,
    source: io::Error,
}

/// The way from one caller to one dependency; it and its connections end when this is dropped.
///
/// Where the dependency has several nodes ([`Upstream::Nodes`]) the edge has an address for each, and its rules and its record are
/// one for all.
///
/// It mirrors its upstream: FIN is passed on per direction, RST is passed on, a slow reader slows its writer.
/// The one difference is refusal, where the edge listens on a port of this machine's: the port accepts before the upstream
/// can be asked, so a caller whom the upstream refuses (or [`Edge::refuse`]) sees its connection accepted and reset at once
/// (RST, by `SO_LINGER` 0). With a closed port a try could not be counted, and the port could be given to somebody else. Where
/// it listens within walls ([`Edge::enter`]), refused is refused.
///
/// Where TLS ends at the edge, `close_notify` is passed on as FIN is, and a FIN without one as a FIN without one where TLS is
/// spoken at both ends.
///
/// A reset of an end that has already sent its FIN is noticed when something is next written to it.
pub struct Edge {
    rules: Arc<watch::Sender<Rules>>,
    wire: Arc<Wire>,
    serving: Mutex<Vec<AbortHandle>>,
    /// Those of an edge which listens by itself, one for each node of its upstream.
    own: Vec<Entrance>,
}

/// Where an edge is entered. Dropping it closes the listener; connections that came in by it go on to their end.
#[must_use = "the listener is closed when this is dropped"]
pub struct Entrance {
    open: watch::Sender<()>,
    door: oneshot::Receiver<Door>,
}

impl Entrance {
    /// Lets nobody in any more, and gives the door back for another edge to be entered by: whoever knocks meanwhile waits.
    /// None when the edge has ended.
    pub async fn leave(self) -> Option<Door> {
        drop(self.open);
        self.door.await.ok()
    }
}

impl Edge {
    /// Listens on a loopback port of the system's choice.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn listen(
        caller: impl Into<String>,
        dependency: impl Into<String>,
        upstream: Upstream,
        protocol: Protocol,
        timeline: Timeline,
    ) -> Result<Self, ListenError> {
        Self::bind(caller.into(), dependency.into(), upstream, protocol, None, timeline).await
    }

    /// Listens as [`Edge::listen`] does, for callers that speak TLS: it ends here, and what passes within it is recorded
    /// and ruled like what passes without.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn listen_tls(
        caller: impl Into<String>,
        dependency: impl Into<String>,
        upstream: Upstream,
        protocol: Protocol,
        identity: &Identity,
        timeline: Timeline,
    ) -> Result<Self, ListenError> {
        let tls = Some(identity.clone());
        Self::bind(caller.into(), dependency.into(), upstream, protocol, tls, timeline).await
    }

    async fn bind(
        caller: String,
        dependency: String,
        upstream: Upstream,
        protocol: Protocol,
        tls: Option<Identity>,
        timeline: Timeline,
    ) -> Result<Self, ListenError> {
        let mut listeners = Vec::new();
        let bound = async {
            let address = listen(&mut listeners).await?;
            let mut others = Vec::new();
            for _ in 1..upstream.nodes() {
                others.push(listen(&mut listeners).await?);
            }
            Ok((address, others))
        };
        let (address, others) = match bound.await {
            Ok(bound) => bound,
            Err(source) => {
                return Err(ListenError {
                    caller,
                    dependency,
                    source,
                });
            }
        };
        let wire = Wire::new(caller, dependency, address, protocol, tls, timeline);
        let mut edge = Self::of(wire.with_others(others), upstream);
        let doors = listeners.into_iter().enumerate();
        edge.own = doors
            .map(|(node, listener)| edge.enter(Door::open(listener).to_node(node)))
            .collect();
        Ok(edge)
    }

    /// An edge whose caller finds it at this address, and further nodes of its upstream at the others, in a network that may
    /// not be this process' own; TLS ends there where it has an identity. It is entered where [`Edge::enter`] says.
    pub fn at(
        (address, others): (SocketAddr, Vec<SocketAddr>),
        (caller, dependency): (&str, &str),
        upstream: Upstream,
        protocol: Protocol,
        identity: Option<&Identity>,
        timeline: Timeline,
    ) -> Self {
        let wire = Wire::new(
            caller.to_owned(),
            dependency.to_owned(),
            address,
            protocol,
            identity.cloned(),
            timeline,
        );
        Self::of(wire.with_others(others), upstream)
    }

    fn of(wire: Wire, upstream: Upstream) -> Self {
        let (rules, _) = watch::channel(Rules::new(upstream));
        Self {
            rules: Arc::new(rules),
            wire: Arc::new(wire),
            serving: Mutex::default(),
            own: Vec::new(),
        }
    }

    /// Serves whoever connects to this listener, until the entrance is dropped.
    pub fn serve(&self, listener: TcpListener) -> Entrance {
        self.enter(Door::open(listener))
    }

    /// Serves whoever comes through this door, until the entrance is dropped. While the edge refuses its connections the
    /// door is shut, and the system refuses them in its place; whoever sees that tells [`Edge::turned_away`].
    pub fn enter(&self, door: Door) -> Entrance {
        let (open, closed) = watch::channel(());
        let (back, taken) = oneshot::channel();
        let accepting = accept((door, back), Arc::clone(&self.wire), self.rules.subscribe(), closed);
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        serving.retain(|task| !task.is_finished());
        serving.push(tokio::spawn(accepting).abort_handle());
        Entrance { open, door: taken }
    }

    /// Ends its connections, and lets nobody in any more.
    pub fn end(&self) {
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        serving.drain(..).for_each(|task| task.abort());
    }

    /// Whether a rule has ever been in force on it.
    pub fn was_ruled(&self) -> bool {
        self.rules.borrow().were_any()
    }

    /// What is to be told of connections that a shut door refused.
    pub fn turned_away(&self) -> TurnedAway {
        TurnedAway {
            wire: Arc::clone(&self.wire),
            rules: self.rules.subscribe(),
        }
    }

    /// The address that the caller is given: that of the first node.
    pub fn address(&self) -> SocketAddr {
        self.wire.address
    }

    /// The addresses of all nodes, that of the first before the others.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        std::iter::once(self.wire.address).chain(self.wire.others.iter().copied())
    }

    /// Leads connections opened from now on elsewhere; open ones stay where they are.
    pub fn lead_to(&self, upstream: Upstream) {
        self.rules.send_modify(|rules| rules.upstream = upstream);
    }

    /// Cuts the edge: connections are accepted and stay open, but nothing passes, neither bytes nor FIN nor RST.
    /// What was held passes when the rule is healed.
    ///
    /// It strikes once for each new connection and for each direction in which something is held.
    pub fn cut(&self, strikes: Strikes) -> Rule {
        Rule::put(&self.rules, |rules, number| rules.cuts.push((number, strikes)))
    }

    /// Resets the open connections and every new one, at once. It strikes once for each, but not for an open
    /// connection on an edge of [`Protocol::Http`] on which no exchange is under way: its caller opens another.
    pub fn refuse(&self, strikes: Strikes) -> Rule {
        Rule::put(&self.rules, |rules, number| rules.refusals.push((number, strikes)))
    }

    /// Answers requests in place of the upstream, on an edge of [`Protocol::Http`]; they are not passed on. Each has its
    /// answer once its body has come. It strikes once for each, when its head has come.
    pub fn answer(&self, answer: Answer, strikes: Strikes) -> Rule {
        Rule::put(&self.rules, |rules, number| {
            rules.answers.push(Answering::new(number, answer, strikes));
        })
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.end();
    }
}

async fn accept(
    (mut door, back): (Door, oneshot::Sender<Door>),
    wire: Arc<Wire>,
    rules: watch::Receiver<Rules>,
    mut closed: watch::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    let mut shuts = rules.clone();
    loop {
        tokio::select! {
            _ = closed.changed() => break,
            accepted = door.accept(&mut shuts) => match accepted {
                Ok(client) => drop(connections.spawn(serve(client, door.node, Arc::clone(&wire), rules.clone()))),
                Err(error) => {
                    wire.connection(format!("could not be accepted: {error}"));
                    // Out of descriptors, mostly: the end of a connection gives some back, and so may another process.
                    let again = tokio::time::Instant::now() + Duration::from_millis(100);
                    tokio::select! {
                        () = tokio::time::sleep_until(again) => {}
                        Some(served) = connections.join_next() => told_if_it_panicked(served, &wire),
                    }
                }
            },
            Some(served) = connections.join_next() => told_if_it_panicked(served, &wire),
        }
    }
    // Nobody takes it whose entrance was dropped: then it is closed.
    drop(back.send(door));
    while let Some(served) = connections.join_next().await {
        told_if_it_panicked(served, &wire);
    }
}

/// A connection ended by a defect of this edge's own, which stands on the timeline like any other end.
fn told_if_it_panicked(served: Result<(), JoinError>, wire: &Wire) {
    if let Err(error) = served
        && error.is_panic()
    {
        wire.connection(format!("reset: a defect of Momus: {error}"));
    }
}

/// Serves one connection to its end.
async fn serve(client: TcpStream, node: usize, wire: Arc<Wire>, rules: watch::Receiver<Rules>) {
    let mut gate = Gate::new(rules.clone(), wire.activity());
    let connecting = wire.begins("a new connection");
    let opened = tokio::select! {
        biased;
        () = gate.refused(|| true) => Err("refused: a fault".to_owned()),
        opened = open(rules.clone(), &wire, node) => opened.map_err(|error| format!("refused: {error}")),
    };
    drop(connecting);
    let opened = match opened {
        Ok(opened) => opened,
        Err(what) => {
            wire.effect(&what);
            wire.connection(what);
            reset(&client);
            return;
        }
    };
    wire.connection("opened");
    drop(client.set_nodelay(true));
    let (mut client, mut upstream) = match &wire.tls {
        None => (Socket::Tcp(client), opened.0),
        Some(tls) => {
            let _agreeing = wire.begins("a new connection");
            match greeting::greet(client, opened, tls, &wire, &mut gate).await {
                Ok(both) => both,
                Err(why) => return ungreeted(why, &wire),
            }
        }
    };
    let exchanges = match wire.protocol {
        Protocol::Http(purpose) => Some(Exchanges::new(Arc::clone(&wire), purpose)),
        Protocol::Tcp | Protocol::Postgres(_) | Protocol::Kafka(_) => None,
    };
    let under_way = || exchanges.as_ref().is_none_or(Exchanges::under_way);
    let carried = wire.carry(&mut client, &mut upstream, rules, exchanges.as_ref());
    let ended = tokio::select! {
        biased;
        () = gate.refused(under_way) => Err("reset: a fault".to_owned()),
        carried = carried => carried.map_err(|error| format!("reset: {error}")),
    };
    drop(exchanges);
    match ended {
        Ok(()) => wire.connection("closed"),
        Err(what) => {
            wire.effect(&what);
            client.reset();
            upstream.reset();
            wire.connection(what);
        }
    }
}

/// Nothing came of a connection on an edge at which TLS ends.
fn ungreeted(why: Ungreeted, wire: &Wire) {
    let what = match why {
        Ungreeted::Left => return wire.connection("closed"),
        Ungreeted::Refused => "reset: a fault".to_owned(),
        Ungreeted::Unreached(error) => format!("refused: {error}"),
        Ungreeted::Failed(error) => format!("refused: no TLS: {error}"),
    };
    wire.effect(&what);
    wire.connection(what);
}

/// Connects to a node of the upstream as soon as no cut holds the connection back.
async fn open(rules: watch::Receiver<Rules>, wire: &Wire, node: usize) -> io::Result<Opened> {
    Gate::new(rules.clone(), wire.activity()).pass().await;
    let upstream = rules.borrow().upstream.clone();
    upstream.connect(node, wire).await
}

/// Listens on a loopback port of the system's choice, and adds who listens.
async fn listen(listeners: &mut Vec<TcpListener>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    listeners.push(listener);
    Ok(address)
}
