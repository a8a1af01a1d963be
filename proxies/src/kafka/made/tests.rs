//! Every handled API in every version: what is rewritten keeps every byte that is not a name.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::{ConsumerProtocolAssignment, ConsumerProtocolSubscription};
use kafka_protocol::protocol::{Message, StrBytes};
use momus_engine::timeline::{Clock, Timeline};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::edge::{Protocol, Wire};
use crate::kafka::api::{Answer, Asked, name};
use crate::kafka::embedded::{self, Way};
use crate::kafka::handlers::{HANDLERS, Handler};
use crate::kafka::names::Names;
use crate::kafka::scope::Scope;
use crate::kafka::{Broker, Namespace};

mod recorded;
mod texts;

use self::texts::{Kind, compare_texts, texts, unescaped};

/// That of the sandbox in requests.
const LONG: &str = "m3f9c-";
/// That of the sandbox in answers, in which every text begins with it.
const SHORT: &str = "m";
const PORT: u16 = 9;

/// That of a server which the sandbox has for itself, where an API is about what a server has once.
fn scope_of(handler: &Handler, prefix: &str) -> Scope {
    scope(
        prefix,
        if handler.is_of_server {
            Broker::Own
        } else {
            Broker::Real
        },
    )
}

fn scope(prefix: &str, broker: Broker) -> Scope {
    let timeline = Timeline::new(Clock::start(), 0, "s1");
    let namespace = Namespace::new("shop", prefix, broker, timeline.activity().clone());
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let wire = Wire::new(
        "shop".into(),
        "kafka".into(),
        address,
        Protocol::Kafka(namespace.clone()),
        None,
        timeline,
    );
    let scope = Scope::new(&Arc::new(wire), &namespace);
    // So many that no topic has more replicas.
    scope.seen(|seen| seen.brokers = Some(usize::MAX));
    scope
}

fn everything() -> impl Iterator<Item = (&'static Handler, i16)> {
    let versions = |handler: &'static Handler| handler.versions.min..=handler.versions.max;
    HANDLERS
        .iter()
        .flat_map(move |handler| versions(handler).map(move |version| (handler, version)))
}

fn chance() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..160)
}

/// Compares two messages part by part: `changed` says whether a text may have become another.
fn compare(before: &Read, after: &Read, changed: impl Fn(&[u8], &[u8]) -> bool) -> Result<(), String> {
    // A tagged field that holds an address may come to a size that takes a byte more (128 and over).
    let is_longer = |part: &Part| matches!(part, Part::Plain(bytes) if bytes.len() == 1 && bytes[0] >= 128);
    if after.parts.len() == before.parts.len() + 1
        && after.text.contains("host: \"127")
        && after.parts.iter().any(is_longer)
    {
        return Ok(());
    }
    if before.parts.len() != after.parts.len() {
        return Err("there is more or less of it".into());
    }
    for (at, pair) in before.parts.iter().zip(&after.parts).enumerate() {
        match pair {
            (before, after) if before == after => {}
            (
                Part::Text { width, more, text },
                Part::Text {
                    width: new_width,
                    more: new_more,
                    text: new,
                },
            ) if (width, more) == (new_width, new_more) && changed(text, new) => {}
            // The port behind an address.
            (Part::Plain(_), Part::Plain(new)) if *new == i32::from(PORT).to_be_bytes() => {}
            // The size of a tagged field that holds an address.
            (Part::Plain(old), Part::Plain(new))
                if (old.len(), new.len()) == (1, 1) && after.text.contains("host: \"127") => {}
            (before, after) => return Err(format!("part {at}: {before:?} became {after:?}")),
        }
    }
    Ok(())
}

/// Whether a text for humans became one without this prefix before its names.
fn is_told_without(prefix: &str, (old, new): (&[u8], &[u8])) -> bool {
    let Ok(text) = std::str::from_utf8(old) else {
        return false;
    };
    let mut text = Some(StrBytes::from_string(text.to_owned()));
    Names::new(prefix.to_owned()).take_from_text(&mut text);
    text.is_some_and(|text| text.as_bytes() == new)
}

/// Whether bytes that members tell each other have this prefix before each name, where others have none.
fn holds_names(prefix: &str, (with, without): (&[u8], &[u8])) -> bool {
    let names = Names::new(prefix.to_owned());
    let taken = |take: fn(&mut Bytes, &Names)| {
        let mut bytes = Bytes::copy_from_slice(with);
        take(&mut bytes, &names);
        bytes == without
    };
    taken(|bytes, names| embedded::subscription(bytes, Way::ToClient, names))
        || taken(|bytes, names| drop(embedded::assignment(bytes, Way::ToClient, names)))
}

fn ask(handler: &Handler, scope: &Scope, request: Bytes) -> Asked {
    // The ids of topics in it are the sandbox's.
    let ids = request.windows(16).filter_map(|bytes| Uuid::from_slice(bytes).ok());
    scope.seen(|seen| {
        for id in ids.filter(|id| id.get_version_num() == 4) {
            seen.members.name(id, "orders");
        }
    });
    (handler.ask)(scope, request).unwrap()
}

/// Whether a request is (also) to alter the configuration of something else than topics.
fn alters_the_server(handler: &Handler, request: &Read) -> bool {
    const OF_TOPICS: &str = "2,";
    let mut types = request.text.split("resource_type: ").skip(1);
    matches!(handler.key, 33 | 44) && types.any(|rest| !rest.starts_with(OF_TOPICS))
}

/// Whether a filter of ACLs is of a name of whatever type, which the broker is asked for otherwise.
fn is_of_every_type(request: &Read) -> bool {
    let mut filters = request.text.split("resource_type_filter: ").skip(1);
    filters.any(|rest| rest.starts_with("1, resource_name_filter: Some"))
}

/// A request there, as the broker gets it.
fn request(handler: &Handler, version: i16, chance: &[u8]) -> Result<(), String> {
    request_is_kept(handler, version, (handler.layout.request)(chance, "", version))
}

fn request_is_kept(handler: &Handler, version: i16, sent: Bytes) -> Result<(), String> {
    let Asked { bytes, before, .. } = ask(handler, &scope_of(handler, ""), sent.clone());
    let read = (handler.layout.read_request)(&sent, version);
    if before.is_some() || alters_the_server(handler, &read) || is_of_every_type(&read) {
        // Of all topics there are it becomes a request of the sandbox's, which the broker is asked for first; what
        // alters the server is taken out, and answered by the edge; what is of each type becomes several.
        return Ok(());
    }
    let is_pattern = matches!(handler.key, 66 | 68);
    // With no prefix an empty list of topics gets a cursor all the same.
    let has_cursor = handler.key == 75;
    if !is_pattern && !has_cursor && bytes.as_ref() != Some(&sent) {
        return Err(format!(
            "it does not keep its bytes where names stay: {bytes:?}\n{sent:?}"
        ));
    }
    let Asked { bytes, .. } = ask(handler, &scope_of(handler, LONG), sent.clone());
    let got = bytes.unwrap();
    assert_eq!(got[..4], u32::try_from(got.len() - 4).unwrap().to_be_bytes());
    let (before, after) = (
        (handler.layout.read_request)(&sent, version),
        (handler.layout.read_request)(&got, version),
    );
    let parts: Vec<u8> = before.parts.iter().flat_map(Part::bytes).collect();
    assert!(parts == sent[4..], "the parts are the whole");
    if has_cursor && before.text.contains("topics: []") && before.text.contains("cursor: None") {
        return Ok(());
    }
    let prefixed = |old: &[u8], new: &[u8]| !old.is_empty() && [LONG.as_bytes(), old].concat() == new;
    let behind = |old: &[u8], new: &[u8]| [b"\\Qm3f9c-\\E(?:", old, b")"].concat() == new;
    compare(&before, &after, |old, new| {
        prefixed(old, new) || is_pattern && behind(old, new) || holds_names(LONG, (new, old))
    })?;
    compare_texts(&before, &after, |kind, old, new| match kind {
        Kind::Name => old.is_empty() && new.is_empty() || prefixed(old.as_bytes(), new.as_bytes()),
        Kind::PerhapsName => old == new || prefixed(old.as_bytes(), new.as_bytes()),
        Kind::Pattern => {
            old.is_empty() && new.is_empty() || behind(unescaped(old).as_bytes(), unescaped(new).as_bytes())
        }
        Kind::Message | Kind::Address | Kind::Cluster | Kind::Other => old == new,
    })
}

/// An answer back, as the client gets it.
fn answer(handler: &Handler, version: i16, chance: &[u8]) -> Result<(), String> {
    for prefix in ["", SHORT] {
        let request = (handler.layout.request)(chance, "", version);
        let sent = (handler.layout.answer)(chance, SHORT, version);
        answer_is_kept(handler, version, (request, sent), prefix)?;
    }
    Ok(())
}

/// The same of an answer to a request, on a broker on which the sandbox has this prefix.
fn answer_is_kept(handler: &Handler, version: i16, frames: (Bytes, Bytes), prefix: &str) -> Result<(), String> {
    let (request, sent) = frames;
    let scope = scope_of(handler, prefix);
    let read = (handler.layout.read_request)(&request, version);
    if alters_the_server(handler, &read) || is_of_every_type(&read) {
        return Ok(());
    }
    let asked = ask(handler, &scope, request);
    if asked.before.is_some() {
        // Of all topics the broker answers with others' as well.
        return Ok(());
    }
    let Some(Answer::Broker(_, rewrite)) = asked.answer else {
        return Ok(());
    };
    let got = rewrite(&scope, sent.clone()).map_err(|error| error.to_string())?.bytes;
    let (before, after) = (
        (handler.layout.read_answer)(&sent, version),
        (handler.layout.read_answer)(&got, version),
    );
    // Topics without a name, and resources that are the whole server's, are left out.
    if handler.key == 75 && before.text.contains("name: None") || handler.key == 74 {
        return Ok(());
    }
    let taken = |old: &[u8], new: &[u8]| [prefix.as_bytes(), new].concat() == old;
    let put = |old: &[u8], new: &[u8]| [prefix.as_bytes(), old].concat() == new;
    compare(&before, &after, |old, new| {
        let is_cluster = matches!(handler.key, 3 | 60) && put(old, new);
        new == b"127.0.0.1"
            || taken(old, new)
            || is_cluster
            || holds_names(prefix, (old, new))
            || is_told_without(prefix, (old, new))
    })
    .map_err(|why| format!("{why}\n{}\n{}", before.text, after.text))?;
    compare_texts(&before, &after, |kind, old, new| match kind {
        Kind::Name => old.strip_prefix(prefix).unwrap_or(old) == new,
        Kind::PerhapsName => old == new || old.strip_prefix(prefix) == Some(new),
        Kind::Message => old == new || is_told_without(prefix, (unescaped(old).as_bytes(), unescaped(new).as_bytes())),
        Kind::Address => new == "127.0.0.1" || old.is_empty() && new.is_empty(),
        Kind::Cluster => old.is_empty() || new.strip_prefix(prefix) == Some(old),
        Kind::Pattern | Kind::Other => old == new,
    })?;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_request_keeps_every_byte_that_is_no_name(chance in chance()) {
        for (handler, version) in everything() {
            let kept = request(handler, version, &chance);
            prop_assert_eq!(kept, Ok(()), "{} {}", name(handler.key), version);
        }
    }

    #[test]
    fn an_answer_keeps_every_byte_that_is_no_name_nor_address(chance in chance()) {
        for (handler, version) in everything() {
            let kept = answer(handler, version, &chance);
            prop_assert_eq!(kept, Ok(()), "{} {}", name(handler.key), version);
        }
    }

    #[test]
    fn what_members_tell_each_other_goes_there_and_comes_back(chance in chance(), trailing in "[a-z]{0,4}") {
        let names = Names::new(LONG.to_owned());
        for version in 0..=ConsumerProtocolSubscription::VERSIONS.max {
            let sent = member_says::<ConsumerProtocolSubscription>(&chance, version, &trailing);
            let mut bytes = sent.clone();
            embedded::subscription(&mut bytes, Way::ToBroker, &names);
            embedded::subscription(&mut bytes, Way::ToClient, &names);
            prop_assert_eq!(bytes, sent);
        }
        for version in 0..=ConsumerProtocolAssignment::VERSIONS.max {
            let sent = member_says::<ConsumerProtocolAssignment>(&chance, version, &trailing);
            let mut bytes = sent.clone();
            embedded::assignment(&mut bytes, Way::ToBroker, &names);
            embedded::assignment(&mut bytes, Way::ToClient, &names);
            prop_assert_eq!(bytes, sent);
        }
    }
}

fn member_says<M: Decodable + Encodable>(chance: &[u8], version: i16, trailing: &str) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(version);
    made::<M>(chance, "", version).encode(&mut bytes, version).unwrap();
    bytes.put_slice(trailing.as_bytes());
    bytes.freeze()
}

/// What is made up has everything that a message can have, else the properties above say little.
#[test]
fn what_is_made_up_is_null_and_not_and_has_tagged_fields() {
    let all: String = everything()
        .flat_map(|(handler, version)| {
            (0..8u8).map(move |round| {
                let chance: Vec<u8> = (0..160).map(|at: u8| at.wrapping_mul(7).wrapping_add(round)).collect();
                let frame = (handler.layout.request)(&chance, "", version);
                (handler.layout.read_request)(&frame, version).text
            })
        })
        .collect();
    for part in [
        "None",
        "Some(",
        "unknown_tagged_fields: {1: ",
        "[]",
        "name: \"\"",
        "name: \"ord",
        "01010101-",
    ] {
        assert!(all.contains(part), "{part}");
    }
}
