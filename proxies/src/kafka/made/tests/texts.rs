//! The texts in messages, and what each of them is.

use crate::kafka::made::Read;

/// What a text in a message is, by where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The name of a topic or group, or a transactional id.
    Name,
    /// That of a topic or group, or of a broker.
    PerhapsName,
    /// A regular expression of names.
    Pattern,
    /// A text for humans, with names in it.
    Message,
    Address,
    Cluster,
    Other,
}

/// By the `entityType` of the fields in Kafka's definitions of its messages, and by what else is known to hold names.
fn kind(message: &str, field: &str) -> Kind {
    // Users, and what quotas are of.
    let is_of_server = ["User", "Scram", "OpData", "ValueData"]
        .iter()
        .any(|it| message.contains(it));
    match field {
        "name" | "key" if is_of_server => Kind::Other,
        "host" if message.contains("Acl") => Kind::Other,
        "name" if !message.contains("Config") && !message.contains("Protocol") => Kind::Name,
        "topic" | "topic_name" | "topic_names" | "subscribed_topic_names" => Kind::Name,
        "group_id" | "groups" | "group_ids" | "groups_names" | "key" | "coordinator_keys" => Kind::Name,
        "transactional_id" | "transactional_ids" | "v3_and_below_transactional_id" => Kind::Name,
        "resource_name" | "resource_name_filter" => Kind::PerhapsName,
        "subscribed_topic_regex" | "transactional_id_pattern" => Kind::Pattern,
        "error_message" | "batch_index_error_message" => Kind::Message,
        "host" => Kind::Address,
        "cluster_id" => Kind::Cluster,
        _ => Kind::Other,
    }
}

/// The texts in a message as its fields are named, each with what it is and where it stands.
pub fn texts(message: &str) -> Vec<(Kind, String, &str)> {
    let (mut open, mut texts, mut rest) = (vec![("", "")], Vec::new(), message);
    while let Some(at) = rest.find(['"', '{', '}', ':']) {
        let (before, after) = rest.split_at(at);
        let last = || {
            before
                .rsplit([' ', '(', '[', '{'])
                .find(|word| !word.is_empty())
                .unwrap_or_default()
        };
        rest = &after[1..];
        match after.as_bytes()[0] {
            b'{' => open.push((last(), "")),
            b'}' => drop(open.pop()),
            b':' => open.last_mut().unwrap().1 = last(),
            _ => {
                let end = end_of_text(rest);
                let (message, field) = *open.last().unwrap();
                if !before.ends_with('b') {
                    texts.push((kind(message, field), format!("{message} {field}"), &rest[..end]));
                }
                rest = &rest[end + 1..];
            }
        }
    }
    texts
}

/// Where a text ends that is shown with escapes.
fn end_of_text(shown: &str) -> usize {
    let mut is_escaped = false;
    let ends = |byte: u8| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    };
    shown.bytes().position(ends).unwrap()
}

/// What a text was that is shown with its backslashes doubled.
pub fn unescaped(shown: &str) -> String {
    shown.replace("\\\\", "\\")
}

/// Compares the texts of two messages: `wanted` says whether a text of a kind may have become another.
pub fn compare_texts(before: &Read, after: &Read, wanted: impl Fn(Kind, &str, &str) -> bool) -> Result<(), String> {
    let (before, after) = (texts(&before.text), texts(&after.text));
    assert_eq!(before.len(), after.len());
    for ((kind, place, before), (_, _, after)) in before.into_iter().zip(after) {
        if !wanted(kind, before, after) {
            return Err(format!("{place}: `{before}` became `{after}`, a {kind:?}"));
        }
    }
    Ok(())
}
