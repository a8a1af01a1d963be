//! What passes is what came, however it is cut and whatever it is.

use std::sync::Arc;

use momus_engine::event::Happening;
use momus_engine::timeline::{Clock, Timeline};
use proptest::prelude::*;
use tokio::sync::watch;

use super::frame::{self, ACK, END_HEADERS, END_STREAM, Kind};
use super::requests::Requests;
use super::responses::Responses;
use super::{Beginning, beginning, fields, may_be_settings};
use crate::edge::{Protocol, Upstream};
use crate::http::exchanges::Exchanges;
use crate::http::meaning::Purpose;
use crate::rule::Rules;
use crate::wire::Wire;

fn exchanges(timeline: &Timeline) -> Exchanges {
    let protocol = Protocol::Http(Purpose::Calls);
    let address = ([127, 0, 0, 1], 1).into();
    let wire = Wire::new(
        "shop".into(),
        "billing".into(),
        address,
        protocol,
        None,
        timeline.clone(),
    );
    Exchanges::new(Arc::new(wire), Purpose::Calls)
}

fn timeline() -> Timeline {
    Timeline::new(Clock::start(), 0, "s1")
}

/// What passes of `bytes` in either direction when they come in pieces of these sizes, over and over.
fn passed(exchanges: &Exchanges, bytes: &[u8], sizes: &[usize], is_request: bool) -> Vec<u8> {
    let (_keep, rules) = watch::channel(Rules::new(Upstream::Nowhere));
    let mut requests = Requests::new(exchanges, rules);
    let mut responses = Responses::new(exchanges.streams());
    let (mut out, mut over, mut rest) = (Vec::new(), Vec::new(), bytes);
    for size in sizes.iter().cycle() {
        let (piece, after) = rest.split_at(rest.len().min(*size));
        let taken = match is_request {
            true => requests.take(piece, &mut out),
            false => responses.take(piece, &mut out, &mut over),
        };
        rest = after;
        if taken.is_err() || rest.is_empty() {
            break;
        }
    }
    out.extend_from_slice(&if is_request {
        requests.rest()
    } else {
        responses.rest().to_vec()
    });
    out.extend_from_slice(rest);
    out
}

/// Frames of any kind, of which many are as they may be.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![
        Just(0_u8),
        Just(1),
        Just(1),
        Just(3),
        Just(4),
        Just(5),
        Just(7),
        Just(8),
        Just(9),
        any::<u8>()
    ];
    let stream = prop_oneof![Just(0_u32), Just(1), Just(3), Just(5), any::<u32>()];
    let block = prop_oneof![
        Just(b"\x82\x84\x86".to_vec()),
        Just(b"\x82\x44\x01x\x86".to_vec()),
        Just(b"\x88".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40)
    ];
    let flags = prop_oneof![Just(END_HEADERS), Just(END_HEADERS | END_STREAM), Just(0), any::<u8>()];
    let one = (kind, flags, stream, block).prop_map(|(kind, flags, stream, payload)| {
        let mut out = Vec::new();
        frame::write(Kind::Other(kind), flags, stream, &payload, &mut out);
        out
    });
    proptest::collection::vec(one, 0..30).prop_map(|frames| {
        let mut out = Vec::new();
        frame::write(Kind::Settings, 0, 0, &[], &mut out);
        out.extend(frames.concat());
        out
    })
}

proptest! {
    #[test]
    fn what_passes_is_what_came(bytes in frames(), sizes in proptest::collection::vec(1_usize..50, 1..8), is_request: bool) {
        let exchanges = exchanges(&timeline());
        prop_assert_eq!(passed(&exchanges, &bytes, &sizes, is_request), bytes);
    }

    #[test]
    fn garbage_passes_as_it_came(bytes in proptest::collection::vec(any::<u8>(), 1..200), size in 1_usize..50, is_request: bool) {
        let exchanges = exchanges(&timeline());
        prop_assert_eq!(passed(&exchanges, &bytes, &[size], is_request), bytes);
    }
}

fn headers(stream: u32, flags: u8, block: &[u8], out: &mut Vec<u8>) {
    frame::write(Kind::Headers, flags | END_HEADERS, stream, block, out);
}

#[test]
fn what_a_promise_says_is_known_to_the_answers_after_it() {
    let timeline = timeline();
    let exchanges = exchanges(&timeline);
    let mut asked = Vec::new();
    frame::write(Kind::Settings, 0, 0, &[], &mut asked);
    headers(1, END_STREAM, b"\x82\x84\x86", &mut asked);
    assert_eq!(passed(&exchanges, &asked, &[7], true), asked);
    let mut answered = Vec::new();
    frame::write(Kind::Settings, 0, 0, &[], &mut answered);
    frame::write(Kind::Settings, ACK, 0, &[], &mut answered);
    // It puts `:status: 418` into the table, which nothing but a promise of nonsense would.
    frame::write(
        Kind::PushPromise,
        END_HEADERS,
        1,
        b"\0\0\0\x02\x48\x03418",
        &mut answered,
    );
    headers(1, END_STREAM, b"\xbe", &mut answered);
    assert_eq!(passed(&exchanges, &answered, &[5], false), answered);
    let status = timeline.look(|events| {
        let mut happenings = events.iter().rev().map(|event| &event.happening);
        happenings.find_map(|happening| match happening {
            Happening::Response { status, .. } => Some(*status),
            _ => None,
        })
    });
    assert_eq!(status, Some(Some(418)));
}

#[test]
fn an_answer_in_the_servers_place_tells_of_the_smaller_table_that_the_client_asked_for() {
    let exchanges = exchanges(&timeline());
    let streams = exchanges.streams();
    let (mut requests, mut settings) = (Vec::new(), Vec::new());
    frame::write(Kind::Settings, 0, 0, &[0, 1, 0, 0, 0, 100], &mut requests);
    assert_eq!(passed(&exchanges, &requests, &[50], true), requests);
    let mut responses = Responses::new(streams);
    frame::write(Kind::Settings, 0, 0, &[], &mut settings);
    let (mut out, mut over) = (Vec::new(), Vec::new());
    assert!(responses.take(&settings, &mut out, &mut over).is_ok());
    out.clear();
    let head = |responses: &mut Responses<'_>| {
        let mut out = Vec::new();
        responses.head(1, 503, &mut out);
        fields::size_updates(&out[9..])
    };
    assert_eq!(head(&mut responses), None, "the server does not know yet");
    frame::write(Kind::Settings, ACK, 0, &[], &mut out);
    let acknowledged = std::mem::take(&mut out);
    assert!(responses.take(&acknowledged, &mut out, &mut over).is_ok());
    assert_eq!(head(&mut responses), Some((100, 100)));
    assert_eq!(head(&mut responses), None, "once is enough");
}

#[test]
fn a_connection_begins_with_the_preface_or_with_settings_or_it_does_not() {
    assert!(matches!(beginning(b"PRI"), Beginning::Perhaps));
    assert!(matches!(
        beginning(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0"),
        Beginning::Preface(24)
    ));
    assert!(matches!(beginning(b"PRI * HTTP/1.1\r\n"), Beginning::Other));
    assert!(matches!(beginning(b"POST /"), Beginning::Other));
    assert!(may_be_settings(b"\0") && may_be_settings(b"\0\0\x06\x04\0\0\0\0\0\0\x03"));
    assert!(!may_be_settings(b"HTTP/1.1 408 ") && !may_be_settings(b"\0\0\x06\x04\x01"));
}
