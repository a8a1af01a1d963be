//! What requests and responses have in common: headers and a body, and how a table looks at them.

use std::collections::BTreeMap;

use momus_engine::values::shortened;
use serde_json::Value as Json;

use crate::selection::{Place, Typing};

/// Headers and a body, of a request or of a response.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The headers as they came, as text; their names' case does not count (RFC 9110, section 5.1).
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

/// A body, read as JSON whatever its content type says.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Json),
    /// Text that is not JSON.
    Text(String),
}

impl Body {
    /// The body that these bytes are; what is not UTF-8 in them is replaced by U+FFFD.
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        match serde_json::from_slice(bytes) {
            Ok(json) => Self::Json(json),
            Err(_) => Self::Text(String::from_utf8_lossy(bytes).into_owned()),
        }
    }

    /// As `${name}` reads it: JSON, or else a text, which may be empty.
    pub fn json(&self) -> Json {
        match self {
            Self::Empty => Json::String(String::new()),
            Self::Json(json) => json.clone(),
            Self::Text(text) => Json::String(text.clone()),
        }
    }
}

impl Message {
    /// What `${NAME:header x}` reads of it, names in lower case.
    pub fn header_aspects(&self) -> BTreeMap<String, Json> {
        let mut aspects: BTreeMap<String, Json> = BTreeMap::new();
        for (name, value) in &self.headers {
            let header = aspects.entry(format!("header {}", name.to_ascii_lowercase()));
            let header = header.or_insert_with(|| Json::String(String::new()));
            if let Json::String(text) = header {
                // Several lines of one header are one list (RFC 9110, section 5.3).
                if !text.is_empty() {
                    text.push_str(", ");
                }
                text.push_str(value);
            }
        }
        aspects
    }

    /// What stands at a `$…` or a `header NAME`; of a text that is not JSON, `$` is the text.
    pub fn read(&self, place: &Place) -> Vec<Json> {
        match (place, &self.body) {
            (Place::Path { .. }, Body::Empty) | (Place::Query(_) | Place::Part(_), _) => Vec::new(),
            (Place::Path { .. }, body) => place.nodes(&body.json()),
            (Place::Header(name), _) => {
                let named = self
                    .headers
                    .iter()
                    .filter(|(header, _)| header.eq_ignore_ascii_case(name));
                named.map(|(_, value)| Json::String(value.clone())).collect()
            }
        }
    }

    /// Of what type the values at a place are: headers and bodies that are not JSON are texts without a type of their own.
    pub fn typing(&self, place: &Place) -> Typing {
        match (place, &self.body) {
            (Place::Header(_) | Place::Query(_), _) | (Place::Path { .. }, Body::Text(_)) => Typing::Text,
            (Place::Part(part), _) if part == "status" => Typing::Number,
            (Place::Part(_), _) if place.named("cookie").or(place.named("form")).is_some() => Typing::Text,
            _ => Typing::Json,
        }
    }

    /// Why nothing stands at a place.
    pub fn absence(&self, place: &Place) -> String {
        match (place, &self.body) {
            (Place::Path { .. }, Body::Empty) => "absent: the body is empty".to_owned(),
            (Place::Path { .. }, Body::Text(text)) => {
                let of_type = self.told_type();
                format!("absent: the body is not JSON ({of_type}): {}", beginning(text))
            }
            (Place::Header(_), _) if self.headers.is_empty() => "absent: there are no headers".to_owned(),
            (Place::Header(_), _) => {
                let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
                format!("absent: the headers are {}", names.join(", "))
            }
            (Place::Path { .. } | Place::Query(_) | Place::Part(_), _) => "absent".to_owned(),
        }
    }

    /// The body in one line.
    pub fn shown(&self) -> String {
        match &self.body {
            Body::Empty => "an empty body".to_owned(),
            Body::Json(json) => shortened(&json.to_string()),
            Body::Text(text) => shortened(&in_one_line(text)),
        }
    }

    /// The content type, in a message.
    pub fn told_type(&self) -> &str {
        self.content_type().unwrap_or("no content-type")
    }

    fn content_type(&self) -> Option<&str> {
        let header = self
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        header.map(|(_, value)| value.as_str())
    }
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// So much of a text that it can be known again.
fn beginning(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = in_one_line(text);
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
