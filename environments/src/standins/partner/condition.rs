//! Conditions: what must stand at places of a request or of an item.

use std::time::SystemTime;

use indexmap::IndexMap;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    call::Request,
    place::{self, Place},
    quantity::{Period, Size},
};

/// Places and what must hold there; all must hold, and none asked for holds always.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Condition(
    #[schemars(with = "std::collections::BTreeMap<String, Test>")] pub(super) IndexMap<Place, Test>,
);

/// What must hold at a place. Every test but `absent` fails where there is nothing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Test {
    /// Something is there and is not null.
    Present,
    /// Nothing is there, or null.
    Absent,
    /// It is this JSON value.
    Equals(Value),
    /// It is there and another value than this.
    Differs(Value),
    /// The regular expression is found in its text.
    Matches(#[schemars(with = "String")] Pattern),
    /// The regular expression is not found in its text.
    MatchesNot(#[schemars(with = "String")] Pattern),
    /// It is a time (RFC 3339, or seconds or milliseconds since 1970) longer ago than this.
    OlderThan(#[schemars(with = "String")] Period),
    /// It takes more bytes than this, as compact JSON.
    LargerThan(#[schemars(with = "String")] Size),
}

/// A regular expression.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Pattern(Regex);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Regex::new(&text).map(Self).map_err(|error| {
            let reason = error.to_string();
            format!(
                "`{text}` is not a regular expression: {}",
                reason.lines().last().unwrap_or_default()
            )
        })
    }
}

impl Condition {
    /// Whether all of it holds at `now`.
    pub(super) fn holds(&self, request: &Request, item: Option<&Value>, now: SystemTime) -> bool {
        self.0
            .iter()
            .all(|(place, test)| test.holds(place.read(request, item), now))
    }

    /// Whether it asks for nothing.
    pub(super) fn is_always(&self) -> bool {
        self.0.is_empty()
    }
}

impl Test {
    fn holds(&self, found: Option<Value>, now: SystemTime) -> bool {
        let Some(found) = found.filter(|value| !value.is_null()) else {
            return matches!(self, Self::Absent) || matches!(self, Self::Equals(Value::Null));
        };
        match self {
            Self::Present => true,
            Self::Absent => false,
            Self::Equals(expected) => found == *expected,
            Self::Differs(expected) => found != *expected,
            Self::Matches(pattern) => pattern.0.is_match(&place::text(&found)),
            Self::MatchesNot(pattern) => !pattern.0.is_match(&place::text(&found)),
            Self::OlderThan(period) => time_of(&found)
                .and_then(|time| now.duration_since(time).ok())
                .is_some_and(|age| age > period.0),
            Self::LargerThan(size) => found.to_string().len() > size.0,
        }
    }
}

/// The time that a value tells. A number from 1e11 on is milliseconds: as seconds it would be
/// past the year 5000.
fn time_of(value: &Value) -> Option<SystemTime> {
    match value {
        Value::String(text) => text.parse::<jiff::Timestamp>().ok().map(SystemTime::from),
        Value::Number(number) => {
            let number = number.as_f64()?;
            let seconds = if number >= 1e11 { number / 1_000.0 } else { number };
            SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::try_from_secs_f64(seconds).ok()?)
        }
        _ => None,
    }
}
