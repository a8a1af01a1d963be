//! A record of a topic, as the test client saw it.

use momus_engine::event::Happening;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};
use serde_json::Value as Json;

/// A record of a topic: key and headers as text, the value as JSON or else as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key, if it has one.
    pub key: Option<String>,
    /// Its headers, in order; a header without a value is the empty text.
    pub headers: Vec<(String, String)>,
    /// Its value; a record without one (a tombstone) has null.
    pub value: Json,
}

impl Record {
    /// What a consumer was given.
    pub fn of(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        Self {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(text),
            headers: headers
                .map(|header| (header.key.to_owned(), header.value.map(text).unwrap_or_default()))
                .collect(),
            value: message.payload().map_or(Json::Null, json_or_text),
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

    /// Where it stands.
    pub fn place(&self) -> String {
        format!("partition {} offset {}", self.partition, self.offset)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json_or_text(bytes: &[u8]) -> Json {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Json::String(text(bytes)))
}
