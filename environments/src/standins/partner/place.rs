//! Places: where in a request something stands.

use std::str::FromStr;

use hyper::header::HeaderName;
use serde::Deserialize;
use serde_json::Value;
use serde_json_path::JsonPath;

use super::call::Request;

/// `$.json.path` (RFC 9535), `header NAME`, `query NAME` or `path NAME` (a placeholder).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Place {
    Json(Json),
    Header(HeaderName),
    Query(String),
    Path(String),
}

/// A JSONPath and its text, by which it is equal to another.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Json {
    pub(super) path: JsonPath,
    pub(super) text: String,
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Json {}

impl std::hash::Hash for Json {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl TryFrom<String> for Json {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match JsonPath::parse(&text) {
            Ok(path) => Ok(Self { path, text }),
            Err(error) => Err(format!("`{text}` is not a JSONPath: {}", error.message())),
        }
    }
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let named = |name: &str| match name.trim() {
            "" => Err(format!("`{text}` lacks a name")),
            name => Ok(name.to_owned()),
        };
        if text.starts_with('$') {
            return Json::try_from(text).map(Self::Json);
        }
        match text.split_once(' ') {
            Some(("header", name)) => HeaderName::from_str(name.trim())
                .map(Self::Header)
                .map_err(|_| format!("`{name}` is no header's name")),
            Some(("query", name)) => named(name).map(Self::Query),
            Some(("path", name)) => named(name).map(Self::Path),
            _ => Err(format!(
                "`{text}` is not a place: `$.json.path`, `header NAME`, `query NAME` or `path NAME`"
            )),
        }
    }
}

impl Place {
    /// What stands there. `$` is the item, where there is one, else the body. A JSON null counts
    /// as present; of several nodes it is the first.
    pub(super) fn read(&self, request: &Request, item: Option<&Value>) -> Option<Value> {
        match self {
            Self::Json(json) => json.path.query(item.or(request.json.as_ref())?).first().cloned(),
            Self::Header(name) => {
                let value = request.headers.get(name)?;
                Some(String::from_utf8_lossy(value.as_bytes()).into_owned().into())
            }
            Self::Query(name) => {
                let mut pairs = form_urlencoded::parse(request.query.as_deref()?.as_bytes());
                pairs
                    .find(|(key, _)| key == name)
                    .map(|(_, value)| value.into_owned().into())
            }
            Self::Path(name) => request.parameters.get(name).map(|value| value.clone().into()),
        }
    }

    /// Its last name: `user_id` of `$.user_id`, `key` of `header key`.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Json(json) => json
                .text
                .rsplit(['.', '['])
                .next()
                .unwrap_or_default()
                .trim_matches(['\'', '"', ']']),
            Self::Header(name) => name.as_str(),
            Self::Query(name) | Self::Path(name) => name,
        }
    }
}

/// A value as text: a string as it is, anything else as JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
