//! A record of a topic, as the test client saw it.

use std::collections::BTreeMap;
use std::sync::Arc;

use momus_engine::event::Happening;
use momus_engine::values::Kept;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};
use serde_json::Value as Json;

use crate::selection::{Place, Subject, Typing, shown};

/// A record of a topic: key and headers as text, the value as JSON or else as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// When it was made or, as the topic has it, appended.
    pub timestamp: Option<jiff::Timestamp>,
    /// Its key, if it has one.
    pub key: Option<String>,
    /// Its headers, in order; a header without a value is the empty text.
    pub headers: Vec<(String, String)>,
    /// Its value; a record without one (a tombstone) has null.
    pub value: Json,
    /// Whether its value is JSON, and not a text that is none, or nothing.
    pub is_json: bool,
}

impl Record {
    /// What a consumer was given.
    pub fn of(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        let (value, is_json) = message.payload().map_or((Json::Null, false), json_or_text);
        Self {
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message
                .timestamp()
                .to_millis()
                .and_then(|at| jiff::Timestamp::from_millisecond(at).ok()),
            key: message.key().map(text),
            headers: headers
                .map(|header| (header.key.to_owned(), header.value.map(text).unwrap_or_default()))
                .collect(),
            value,
            is_json,
        }
    }

    /// As an event of the timeline.
    pub fn happening(&self, topic: &str) -> Happening {
        Happening::Record {
            topic: topic.to_owned(),
            partition: self.partition,
            offset: self.offset,
            key: self.key.clone(),
            headers: self.headers.clone(),
            value: self.value.clone(),
        }
    }

    /// What `as NAME` keeps of it.
    pub fn kept(&self, topic: &str) -> Kept {
        let mut aspects = BTreeMap::from([
            ("key".to_owned(), self.key.clone().map_or(Json::Null, Json::String)),
            ("partition".to_owned(), self.partition.into()),
            ("offset".to_owned(), self.offset.into()),
        ]);
        for (name, value) in &self.headers {
            aspects.insert(format!("header {}", name.to_ascii_lowercase()), value.clone().into());
        }
        Kept {
            what: format!("the record that was found in topic {topic}"),
            json: self.value.clone(),
            aspects,
        }
    }

    /// Where it stands.
    pub fn place(&self) -> String {
        format!("partition {} offset {}", self.partition, self.offset)
    }
}

impl Subject for Arc<Record> {
    fn read(&self, place: &Place) -> Vec<Json> {
        match place {
            Place::Path { .. } if !self.is_json => Vec::new(),
            Place::Path { .. } => place.nodes(&self.value),
            Place::Header(name) => {
                let named = self.headers.iter().filter(|(header, _)| header == name);
                named.map(|(_, value)| Json::String(value.clone())).collect()
            }
            Place::Part(part) => match part.as_str() {
                "key" => vec![self.key.clone().map_or(Json::Null, Json::String)],
                "value" => vec![self.value.clone()],
                "partition" => vec![self.partition.into()],
                "offset" => vec![self.offset.into()],
                _ => Vec::new(),
            },
            Place::Query(_) => Vec::new(),
        }
    }

    fn shown(&self) -> String {
        let key = self
            .key
            .as_ref()
            .map_or("no key".to_owned(), |key| format!("key {key}"));
        format!("{}, {key}: {}", self.place(), shown(&self.value))
    }

    fn typing(&self, place: &Place) -> Typing {
        match place {
            // Bytes have no type: the text is what counts.
            Place::Header(_) => Typing::Text,
            Place::Part(part) => match part.as_str() {
                "key" => Typing::Text,
                "value" if !self.is_json => Typing::Text,
                "partition" | "offset" => Typing::Number,
                _ => Typing::Json,
            },
            Place::Path { .. } | Place::Query(_) => Typing::Json,
        }
    }

    fn absence(&self, place: &Place) -> String {
        match (place, &self.value) {
            (Place::Path { .. }, _) if self.is_json => "absent".to_owned(),
            (Place::Path { .. }, Json::Null) => "absent: the record has no value".to_owned(),
            (Place::Path { .. }, _) => "absent: the value is not JSON".to_owned(),
            (Place::Header(_), _) if self.headers.is_empty() => "absent: the record has no headers".to_owned(),
            (Place::Header(_), _) => {
                let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
                format!("absent: its headers are {}", names.join(", "))
            }
            _ => "absent".to_owned(),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes as JSON, or as the text that they are; and whether they are JSON.
fn json_or_text(bytes: &[u8]) -> (Json, bool) {
    match serde_json::from_slice(bytes) {
        Ok(json) => (json, true),
        Err(_) => (Json::String(text(bytes)), false),
    }
}
