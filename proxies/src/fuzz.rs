//! Fuzz targets: each takes any bytes, and panics where a parser breaks its word. `fuzz/` runs them with a fuzzer, and a test
//! over the corpus there.

use std::collections::BTreeMap;

use futures::FutureExt;
use momus_engine::activity::Activity;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::sync::watch;

use crate::edge::{Databases, Protocol, Upstream};
use crate::gate::Gate;
use crate::http::Purpose;
use crate::http::forward::passes_on_what_it_reads;
use crate::kafka::{Broker, Credential, Namespace, exchange};
use crate::postgres::security;
use crate::rule::Rules;
use crate::talk::{Outcome, Side, Turn, talk};

/// A target of the fuzzer.
pub type Target = fn(&[u8]);

/// All targets, by their names.
pub const TARGETS: [(&str, Target); 7] = [
    ("http", http),
    ("postgres", postgres),
    ("kafka", kafka),
    ("kafka_credential", kafka_credential),
    ("kafka_made", kafka_made),
    ("greeting", greeting),
    ("forward", forward),
];

/// The length of the pieces in the first byte; then turns, each of two bytes (who speaks, and how long) and what is said.
fn turns(data: &[u8]) -> (usize, Vec<Turn>) {
    let [size, rest @ ..] = data else {
        return (1, Vec::new());
    };
    let (mut rest, mut turns) = (rest, Vec::new());
    while let [head, low, behind @ ..] = rest {
        let length = usize::from(head >> 1) << 8 | usize::from(*low);
        let (says, behind) = behind.split_at(length.min(behind.len()));
        let by = match head & 1 {
            0 => Side::Caller,
            _ => Side::Dependency,
        };
        turns.push(Turn::new(by, says));
        rest = behind;
    }
    (usize::from(size % 64) + 1, turns)
}

/// The same becomes of a conversation in pieces and in one.
fn alike(protocol: impl Fn() -> Protocol, size: usize, turns: &[Turn]) -> Outcome {
    let pieces = talk(protocol(), turns, || size);
    let whole = talk(protocol(), turns, || usize::MAX);
    if pieces.ended.is_some() && whole.ended.is_some() {
        // What came before the reason, in one piece with it, may or may not have passed; and where both sides break off, it is
        // chance who is heard first.
        return whole;
    }
    assert_eq!(pieces, whole);
    whole
}

fn said(turns: &[Turn], by: Side) -> Vec<u8> {
    let own = turns.iter().filter(|turn| turn.by == by);
    own.flat_map(|turn| turn.says.iter().copied()).collect()
}

/// Whatever passes an HTTP edge passes unmodified.
pub fn http(data: &[u8]) {
    let (size, turns) = turns(data);
    let outcome = alike(|| Protocol::Http(Purpose::Calls), size, &turns);
    assert_eq!(outcome.to_dependency, said(&turns, Side::Caller));
    assert_eq!(outcome.to_caller, said(&turns, Side::Dependency));
    assert_eq!(outcome.ended, None);
}

/// What passes a Postgres edge behind its start passes unmodified.
pub fn postgres(data: &[u8]) {
    let (size, turns) = turns(data);
    let clones = || {
        Protocol::Postgres(Databases {
            clones: BTreeMap::from([("orders".to_owned(), "s1_orders".to_owned())]),
            ..Databases::default()
        })
    };
    let outcome = alike(clones, size, &turns);
    if outcome.ended.is_none() && !outcome.record.iter().any(|line| line.contains("refused")) {
        assert!(outcome.to_caller.ends_with(&said(&turns, Side::Dependency)));
    }
}

fn namespace() -> Namespace {
    Namespace::new("shop", "m", Broker::Own, Activity::new(None))
}

/// Any bytes, both ways.
pub fn kafka(data: &[u8]) {
    let (size, turns) = turns(data);
    alike(|| Protocol::Kafka(namespace()), size, &turns);
}

/// Any bytes, both ways, where the edge has a credential of its own to present.
pub fn kafka_credential(data: &[u8]) {
    let (size, turns) = turns(data);
    let credential = Credential::new("momus", "s3cr3t");
    let with_credential = || Protocol::Kafka(namespace().with_credential(credential.clone()));
    let outcome = alike(with_credential, size, &turns);
    let told = format!("{:?} {:?}", outcome.ended, outcome.record);
    assert!(!told.contains(credential.password()), "{told}");
}

/// An exchange of any handled API and version, in which a few bytes are others.
pub fn kafka_made(data: &[u8]) {
    let [size, handler, version, places, chance @ ..] = data else {
        return;
    };
    let (places, chance) = chance.split_at((usize::from(places % 4) * 3).min(chance.len()));
    let (request, answer) = exchange((*handler).into(), (*version).into(), "m", chance);
    let mut turns = vec![Turn::new(Side::Caller, request)];
    turns.extend(answer.map(|answer| Turn::new(Side::Dependency, answer)));
    let count = turns.len();
    for place in places.chunks_exact(3) {
        let says = &mut turns[usize::from(place[0] >> 7) % count].says;
        let at = usize::from(place[0] & 0x7f) << 8 | usize::from(place[1]);
        // The frames' own lengths stay.
        let at = 4 + at % (says.len() - 4);
        says[at] = place[2];
    }
    alike(|| Protocol::Kafka(namespace()), usize::from(size % 64) + 1, &turns);
}

/// How a connection begins at an edge where TLS ends, in pieces and in one.
pub fn greeting(data: &[u8]) {
    let [size, says @ ..] = data else { return };
    let asked = |size: usize| {
        let (mut caller, mut edge) = duplex(1 << 16);
        let (rules, in_force) = watch::channel(Rules::new(Upstream::Nowhere));
        let mut gate = Gate::new(in_force, &Activity::new(None));
        let mut asking = Box::pin(security::ask(&mut edge, &mut gate));
        let mut asked = (&mut asking).now_or_never();
        for piece in says.chunks(size) {
            drop(caller.write_all(piece).now_or_never());
            asked = asked.or_else(|| (&mut asking).now_or_never());
        }
        drop(caller.shutdown().now_or_never());
        let asked = asked.or_else(|| asking.now_or_never());
        drop(rules);
        let (what, mut read) = match asked {
            Some(Ok(security::Opening::Tls(read))) => ("TLS".to_owned(), read),
            Some(Ok(security::Opening::Plain(read))) => ("plain".to_owned(), read),
            Some(Err(error)) => (error.to_string(), Vec::new()),
            None => unreachable!("it ends with its caller"),
        };
        drop(edge.read_to_end(&mut read).now_or_never());
        (what, read)
    };
    assert_eq!(asked(usize::from(size % 64) + 1), asked(usize::MAX));
}

/// A request to a forward proxy is passed on as it was read, and read alike in pieces and in one.
pub fn forward(data: &[u8]) {
    passes_on_what_it_reads(data);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_target_runs_over_its_corpus() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
        for (name, target) in TARGETS {
            let mut count = 0;
            for entry in corpus.join(name).read_dir().expect(name) {
                let path = entry.unwrap().path();
                eprintln!("{}", path.display());
                target(&std::fs::read(&path).unwrap());
                count += 1;
            }
            assert!(count > 3, "{name}");
        }
    }
}
