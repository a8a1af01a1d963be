//! A conversation over an edge in memory, piece by piece, for tests and fuzz targets.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;
use momus_engine::activity::Quiet;
use momus_engine::event::Happening;
use momus_engine::timeline::{Clock, Timeline};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::sync::watch;

use crate::edge::{Protocol, Upstream};
use crate::http::Exchanges;
use crate::rule::Rules;
use crate::wire::Wire;

#[cfg(test)]
mod tests;

/// More than anybody says, in bytes.
const ROOM: usize = 1 << 30;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Caller,
    Dependency,
}

/// What somebody says before anybody says more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub by: Side,
    pub says: Vec<u8>,
}

impl Turn {
    pub fn new(by: Side, says: impl Into<Vec<u8>>) -> Self {
        Self { by, says: says.into() }
    }
}

/// What became of a conversation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Why the edge ended it, if it did.
    pub ended: Option<String>,
    pub to_caller: Vec<u8>,
    pub to_dependency: Vec<u8>,
    /// What stands on the timeline, times and numbers aside.
    pub record: Vec<String>,
    pub effects: u64,
    /// What is still under way, or hidden, before the connection is closed.
    pub quiet: String,
}

/// Has the turns pass, each in pieces whose lengths `cut` gives; then both sides close, the caller first.
pub(crate) fn talk(protocol: Protocol, turns: &[Turn], mut cut: impl FnMut() -> usize) -> Outcome {
    let timeline = Timeline::new(Clock::start(), 0, "s1");
    timeline.activity().settles_in(Some(Duration::ZERO));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let wire = Wire::new("shop".into(), "other".into(), address, protocol, None, timeline.clone());
    let (mut caller, caller_end) = duplex(ROOM);
    let (mut dependency, dependency_end) = duplex(ROOM);
    let (rules, in_force) = watch::channel(Rules::new(Upstream::Nowhere));
    let carried = async move {
        let wire = Arc::new(wire);
        let exchanges = match wire.protocol {
            Protocol::Http(purpose) => Some(Exchanges::new(Arc::clone(&wire), purpose)),
            Protocol::Tcp | Protocol::Postgres { .. } | Protocol::Kafka(_) => None,
        };
        let (from_caller, to_caller) = split(caller_end);
        let (from_dependency, to_dependency) = split(dependency_end);
        let ends = (
            (Box::new(from_caller) as _, Box::new(to_caller) as _),
            (Box::new(from_dependency) as _, Box::new(to_dependency) as _),
        );
        wire.carry_between(ends.0, ends.1, in_force, exchanges.as_ref()).await
    };
    let mut pool = LocalPool::new();
    let carried = pool.spawner().spawn_local_with_handle(carried);
    let mut carried = carried.unwrap_or_else(|_| unreachable!("the pool is there"));
    pool.run_until_stalled();
    for turn in turns {
        let mut rest = &turn.says[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(cut().clamp(1, rest.len()));
            rest = behind;
            // Fails where the edge ended the conversation.
            let speaker = match turn.by {
                Side::Caller => &mut caller,
                Side::Dependency => &mut dependency,
            };
            drop(speaker.write_all(piece).now_or_never());
            pool.run_until_stalled();
        }
    }
    let quiet = match timeline.activity().quiet() {
        Quiet::Hidden { why } => why,
        Quiet::NotYet { why, .. } => why.rsplit_once(" (").map_or("", |(what, _since)| what).to_owned(),
        Quiet::Yes { .. } => "quiet".to_owned(),
    };
    for end in [&mut caller, &mut dependency] {
        drop(end.shutdown().now_or_never());
        pool.run_until_stalled();
    }
    let ended = (&mut carried).now_or_never();
    drop(carried);
    drop(rules);
    pool.run_until_stalled();
    Outcome {
        ended: match ended {
            Some(ended) => ended.err().map(|error| error.to_string()),
            None => Some("it does not end".to_owned()),
        },
        to_caller: heard(caller),
        to_dependency: heard(dependency),
        record: timeline.look(|events| events.iter().map(|event| line(&event.happening)).collect()),
        effects: timeline.activity().effects(),
        quiet,
    }
}

fn heard(mut end: DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    drop(end.read_to_end(&mut bytes).now_or_never());
    bytes
}

fn line(happening: &Happening) -> String {
    match happening {
        Happening::Request { method, path, .. } => format!("{method} {path}"),
        Happening::Response {
            method, path, status, ..
        } => format!("{method} {path} {status:?}"),
        Happening::Statement {
            text,
            tables,
            rows,
            sqlstate,
            ..
        } => format!("{text} {tables:?} {rows:?} {sqlstate:?}"),
        other => format!("{other:?}"),
    }
}
