//! An answer of the rules, and how it is made for a call.

use hyper::{
    HeaderMap, StatusCode,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER},
};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    call::Answered,
    place::Place,
    template::{Facts, Template},
};

/// What is answered. Texts may have `${…}` in them: `${request.$.amount}`, `${items.accepted}`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// The status, 200 to 599.
    #[schemars(with = "u16", range(min = 200, max = 599))]
    pub(super) status: Status,
    /// Headers. A 429 of a rate has `Retry-After` where none is given.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, String>")]
    headers: IndexMap<Header, Template>,
    /// A JSON body.
    #[schemars(with = "Option<Value>")]
    json: Option<Template>,
    /// A text body, in place of a JSON one.
    #[schemars(with = "Option<String>")]
    text: Option<Template>,
}

/// A status that ends a request.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u16")]
pub(super) struct Status(pub(super) StatusCode);

#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
struct Header(HeaderName);

impl TryFrom<u16> for Status {
    type Error = String;

    fn try_from(code: u16) -> Result<Self, String> {
        StatusCode::from_u16(code)
            .ok()
            .filter(|_| (200..600).contains(&code))
            .map(Self)
            .ok_or_else(|| format!("the status {code} is not one of 200 to 599"))
    }
}

impl TryFrom<String> for Header {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
            .map(Self)
            .map_err(|_| format!("`{name}` is no header's name"))
    }
}

impl Answer {
    /// An answer with nothing but a status.
    pub(super) fn bare(status: StatusCode) -> Self {
        Self {
            status: Status(status),
            headers: IndexMap::new(),
            json: None,
            text: None,
        }
    }

    /// Whether it takes the call's items.
    pub(super) fn takes(&self) -> bool {
        self.status.0.as_u16() < 400
    }

    /// Every place of the request that it reads.
    pub(super) fn places(&self) -> Vec<&Place> {
        let templates = self.headers.values().chain(&self.json).chain(&self.text);
        templates.flat_map(Template::places).collect()
    }

    /// Why it cannot be made, if it cannot.
    pub(super) fn mistake(&self) -> Option<String> {
        (self.json.is_some() && self.text.is_some()).then(|| "an answer has `json` or `text`, not both".to_owned())
    }

    pub(super) fn make(&self, facts: &Facts<'_>) -> Answered {
        let mut headers = HeaderMap::new();
        let body = match (&self.json, &self.text) {
            (Some(json), _) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                json.fill(facts).to_string()
            }
            (None, Some(text)) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
                text.fill_text(facts)
            }
            (None, None) => String::new(),
        };
        if let (StatusCode::TOO_MANY_REQUESTS, Some(seconds)) = (self.status.0, facts.retry_after) {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        for (Header(name), value) in &self.headers {
            // What cannot stand in a header (a line break out of a request) is left away.
            let text: String = value.fill_text(facts).chars().filter(|c| !c.is_control()).collect();
            if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
                headers.insert(name, value);
            }
        }
        Answered {
            status: self.status.0,
            headers,
            body: body.into(),
        }
    }
}
