//! However segments are split and merged, the same passes and the same is recorded.

use std::collections::BTreeMap;

use momus_engine::activity::Activity;
use proptest::prelude::*;

use super::Side::{Caller, Dependency};
use super::*;
use crate::http::Purpose;
use crate::kafka::{Broker, Namespace, exchange};
use crate::postgres::Databases;

/// What both sides say, and that all of what one says passes before the other speaks.
fn turns(said: &[(&str, &str)]) -> Vec<Turn> {
    let both = |(asks, answers): &(&str, &str)| [Turn::new(Caller, *asks), Turn::new(Dependency, *answers)];
    said.iter()
        .flat_map(both)
        .filter(|turn| !turn.says.is_empty())
        .collect()
}

/// Exchanges of HTTP/1.1; with the last two nothing can follow.
const EXCHANGES: [&[(&str, &str)]; 10] = [
    &[(
        "GET /a?x=1 HTTP/1.1\r\nHost: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    )],
    &[(
        "POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 204 No Content\r\n\r\n",
    )],
    &[(
        "PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n0\r\nt: u\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
    )],
    &[(
        "HEAD /d HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
    )],
    &[
        (
            "POST /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
        ),
        ("ok", "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
    ],
    &[(
        "GET /f HTTP/1.1\r\n\r\nGET /g HTTP/1.1\r\n\r\nDELETE /h HTTP/1.1\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
    )],
    &[(
        "\r\nGET /i HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    )],
    &[("GET /j HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nuntil the end")],
    &[
        (
            "GET /k HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n\u{2}",
        ),
        ("\u{1}GET / HTTP/1.1", "\u{3}"),
    ],
    &[("SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2\r\n"), ("more", "")],
];

fn http() -> impl Strategy<Value = (Vec<Turn>, bool)> {
    let begins = proptest::collection::vec(0..7_usize, 0..5);
    (begins, 0..EXCHANGES.len()).prop_map(|(begins, last)| {
        let all = begins.into_iter().chain([last]);
        (all.flat_map(|number| turns(EXCHANGES[number])).collect(), last < 9)
    })
}

fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 4).unwrap();
    [&[kind], &length.to_be_bytes()[..], content].concat()
}

fn messages(all: &[(u8, &str)]) -> Vec<u8> {
    all.iter()
        .flat_map(|(kind, content)| message(*kind, content.as_bytes()))
        .collect()
}

/// What goes on in sessions of Postgres, each to its ReadyForQuery.
fn statements(number: usize) -> Vec<Turn> {
    let (asks, answers) = match number {
        0 => (
            messages(&[(b'Q', "SELECT 1\0")]),
            messages(&[(b'T', "\0\0"), (b'D', "\0\u{1}1"), (b'C', "SELECT 1\0"), (b'Z', "I")]),
        ),
        1 => (
            messages(&[(b'Q', "BEGIN; INSERT INTO orders VALUES (1)\0")]),
            messages(&[(b'C', "BEGIN\0"), (b'C', "INSERT 0 1\0"), (b'Z', "T")]),
        ),
        2 => (
            messages(&[
                (b'P', "s\0UPDATE orders SET n = $1\0\0\0"),
                (b'B', "\0s\0\0\0\0\u{1}seven\0\0"),
                (b'E', "\0\0\0\0\0"),
                (b'S', ""),
            ]),
            messages(&[(b'1', ""), (b'2', ""), (b'C', "UPDATE 3\0"), (b'Z', "I")]),
        ),
        3 => (
            messages(&[(b'Q', "nonsense\0"), (b'Q', "SELECT 2\0")]),
            messages(&[
                (b'E', "SERROR\0C42601\0\0"),
                (b'Z', "I"),
                (b'D', "x"),
                (b'C', "SELECT 1\0"),
                (b'Z', "I"),
            ]),
        ),
        4 => (
            messages(&[(b'Q', "COMMIT\0")]),
            messages(&[(b'N', "x\0\0"), (b'A', "1234c\0\0"), (b'C', "COMMIT\0"), (b'Z', "I")]),
        ),
        _ => {
            let both = [
                Turn::new(Caller, messages(&[(b'Q', "COPY orders FROM STDIN\0")])),
                Turn::new(Dependency, messages(&[(b'G', "\0\0\0")])),
                Turn::new(Caller, messages(&[(b'd', "1\n2\n"), (b'd', "3\n"), (b'c', "")])),
                Turn::new(Dependency, messages(&[(b'C', "COPY 3\0"), (b'Z', "I")])),
            ];
            return both.into();
        }
    };
    vec![Turn::new(Caller, asks), Turn::new(Dependency, answers)]
}

fn packet(code: u32, rest: &str) -> Vec<u8> {
    let length = u32::try_from(rest.len() + 8).unwrap();
    [&length.to_be_bytes(), &code.to_be_bytes(), rest.as_bytes()].concat()
}

fn postgres() -> impl Strategy<Value = Vec<Turn>> {
    proptest::collection::vec(0..6_usize, 0..6).prop_map(|all| {
        let mut turns = vec![
            Turn::new(Caller, packet(80_877_103, "")),
            Turn::new(Caller, packet(196_608, "user\0app\0database\0orders\0\0")),
            Turn::new(Dependency, messages(&[(b'R', "\0\0\0\u{5}salt")])),
            Turn::new(Caller, messages(&[(b'p', "secret\0")])),
            Turn::new(
                Dependency,
                messages(&[(b'R', "\0\0\0\0"), (b'S', "a\0b\0"), (b'K', "12345678"), (b'Z', "I")]),
            ),
        ];
        turns.extend(all.into_iter().flat_map(statements));
        turns
    })
}

fn clones() -> Protocol {
    Protocol::Postgres(Databases {
        clones: BTreeMap::from([("orders".to_owned(), "s1_orders".to_owned())]),
        ..Databases::default()
    })
}

fn kafka() -> impl Strategy<Value = Vec<Turn>> {
    let chance = proptest::collection::vec(any::<u8>(), 0..40);
    let calls = proptest::collection::vec((any::<usize>(), any::<usize>(), chance), 1..6);
    (calls, any::<bool>()).prop_map(|(calls, pipelined)| {
        let (mut turns, mut asks, mut answers) = (Vec::new(), Vec::new(), Vec::new());
        for (handler, version, chance) in calls {
            let (request, answer) = exchange(handler, version, "m", &chance);
            if pipelined {
                asks.extend_from_slice(&request);
                answers.extend(answer.unwrap_or_default());
            } else {
                turns.push(Turn::new(Caller, request));
                turns.extend(answer.map(|answer| Turn::new(Dependency, answer)));
            }
        }
        turns.extend([Turn::new(Caller, asks), Turn::new(Dependency, answers)]);
        turns.retain(|turn| !turn.says.is_empty());
        turns
    })
}

fn namespace() -> Protocol {
    Protocol::Kafka(Namespace::new("shop", "m", Broker::Own, Activity::new(None)))
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A connection that goes over to HTTP/2 while the body of its request is still to come.
fn switching() -> Vec<Turn> {
    let (settings, opened) = (frame(4, 0, 0, &[]), frame(4, 1, 0, &[]));
    let asks = "POST /charges HTTP/1.1\r\nHost: b\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAABk\r\n\
                Content-Length: 5\r\n\r\nhe";
    let agrees = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    let more = frame(1, 5, 3, b"\x82\x86\x44\x06/rates");
    let first = [frame(1, 4, 1, b"\x3f\x45\x88"), frame(0, 1, 1, b"done")].concat();
    vec![
        Turn::new(Caller, asks),
        Turn::new(Dependency, [&agrees[..], &settings].concat()),
        Turn::new(
            Caller,
            [
                b"llo",
                &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
                &settings,
                &opened,
                &more,
            ]
            .concat(),
        ),
        Turn::new(Dependency, [first, opened.clone(), frame(1, 5, 3, b"\x8d")].concat()),
    ]
}

/// Lengths of pieces, over and over.
fn cuts() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(1..40_usize, 1..12)
}

/// Neighbouring turns of the same side, as one.
fn merged(turns: Vec<Turn>) -> Vec<Turn> {
    let mut merged: Vec<Turn> = Vec::new();
    for turn in turns {
        match merged.last_mut().filter(|last| last.by == turn.by) {
            Some(last) => last.says.extend(turn.says),
            None => merged.push(turn),
        }
    }
    merged
}

fn in_pieces(protocol: Protocol, turns: &[Turn], cuts: &[usize]) -> Outcome {
    let mut cuts = cuts.iter().copied().cycle();
    talk(protocol, turns, || cuts.next().unwrap())
}

fn whole(protocol: Protocol, turns: Vec<Turn>) -> Outcome {
    talk(protocol, &merged(turns), || usize::MAX)
}

fn all_of(turns: &[Turn], side: Side) -> Vec<u8> {
    let said = turns.iter().filter(|turn| turn.by == side);
    said.flat_map(|turn| turn.says.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn http_passes_and_is_recorded_alike_however_it_is_split((turns, is_known) in http(), cuts in cuts()) {
        let (one, many) = (in_pieces(Protocol::Http(Purpose::Calls), &turns, &cuts), whole(Protocol::Http(Purpose::Calls), turns.clone()));
        prop_assert_eq!(&one.to_dependency, &all_of(&turns, Caller));
        prop_assert_eq!(&one.to_caller, &all_of(&turns, Dependency));
        prop_assert_eq!(&one.ended, &None);
        prop_assert_eq!(one.record.iter().any(|line| line.contains("passes on as bytes")), !is_known);
        prop_assert_eq!(one, many);
    }

    #[test]
    fn what_follows_an_upgrade_to_http2_is_recorded_alike_however_it_is_split(cuts in cuts()) {
        let turns = switching();
        let one = in_pieces(Protocol::Http(Purpose::Calls), &turns, &cuts);
        prop_assert_eq!(&one.to_dependency, &all_of(&turns, Caller));
        prop_assert_eq!(&one.to_caller, &all_of(&turns, Dependency));
        prop_assert_eq!(&one.record, &["POST /charges", "GET /rates", "POST /charges Some(200)", "GET /rates Some(404)"]);
        prop_assert_eq!((&one.ended, &*one.quiet, one.effects), (&None, "quiet", 4));
        prop_assert_eq!(one, whole(Protocol::Http(Purpose::Calls), turns));
    }

    #[test]
    fn postgres_passes_and_is_recorded_alike_however_it_is_split(turns in postgres(), cuts in cuts()) {
        let (one, many) = (in_pieces(clones(), &turns, &cuts), whole(clones(), turns.clone()));
        let led = packet(196_608, "user\0app\0database\0s1_orders\0\0");
        let behind: Vec<u8> = all_of(&turns[3..], Caller);
        prop_assert_eq!(&one.to_dependency, &[led, behind].concat());
        prop_assert_eq!(&one.to_caller, &[b"N".to_vec(), all_of(&turns, Dependency)].concat());
        prop_assert_eq!(&one.ended, &None);
        prop_assert_eq!(one, many);
    }

    #[test]
    fn kafka_passes_and_is_recorded_alike_however_it_is_split(turns in kafka(), cuts in cuts()) {
        let (one, many) = (in_pieces(namespace(), &turns, &cuts), whole(namespace(), turns));
        prop_assert_eq!(&one.ended, &None);
        prop_assert!(!one.to_dependency.is_empty());
        prop_assert_eq!(one, many);
    }
}
