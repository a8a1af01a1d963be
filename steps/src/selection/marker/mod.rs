//! Markers: what is expected where no exact value can be (`#uuid`, `#number 3.1..3.3`).

mod comparison;
mod names;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use jiff::Timestamp;
use momus_engine::failure::{Failure, StepError};
use regex::Regex;
use serde_json::Value as Json;

use self::comparison::{Comparison, is_after};
pub use self::names::MARKERS;
use self::names::{split, unknown};
use super::value::{Expected, Typing, differ_only_in_type, same, shown};

/// What a marker expects.
#[derive(Clone, Debug)]
pub enum Marker {
    /// `#uuid`: a text that is a UUID, hyphens included.
    Uuid,
    /// `#string`: a text.
    String,
    /// `#number`, `#number 3.1..3.3`: a number, within the range, ends included.
    Number(Option<RangeInclusive<f64>>),
    /// `#boolean`: true or false.
    Boolean,
    /// `#null`: null.
    Null,
    /// `#present`: anything, null included.
    Present,
    /// `#absent`: nothing.
    Absent,
    /// `#timestamp`: a text that is an RFC 3339 timestamp.
    Timestamp,
    /// `#regex …`: a text that matches as a whole.
    Regex(Regex),
    /// `#contains …`: a text with this in it, an array with this among its elements.
    Contains(Expected),
    /// `#after …`: a timestamp that is not before this one, at the seen timestamp's own precision.
    After(Timestamp),
    /// `#at least …`, `#at most …`, `#greater than …`, `#less than …`: a number or a timestamp that stands so to this one.
    Compared(Comparison),
    /// `#not …`: something, and nothing that is this value.
    Not(Expected),
    /// `#array`, `#array 3`: an array, with so many elements.
    Array(Option<usize>),
    /// `#optional string`: nothing, null, or what the marker behind it expects.
    Optional(Box<Marker>),
}

impl Marker {
    /// Reads a marker without its `#`, as far as it can be while `${…}` still stands in it: `None` is a marker
    /// that is well formed as far as it can be told.
    ///
    /// # Errors
    /// A message for an unknown name, or for what stands behind it.
    pub fn check(text: &str) -> Result<(), String> {
        let (name, argument) = split(text);
        if name == "optional" {
            return optional(argument).and_then(Self::check);
        }
        if name == "not" {
            return excluded(argument).map(drop);
        }
        if !argument.contains("${") {
            return Self::parse(text).map(drop);
        }
        match name {
            "number" | "regex" | "contains" | "after" | "array" | "at least" | "at most" | "greater than"
            | "less than" => Ok(()),
            // Nothing may stand behind any other: the same message as without a reference.
            _ => Self::parse(text).map(drop),
        }
    }

    /// Reads a marker without its `#`, filled in by `fill`.
    ///
    /// # Errors
    /// When a reference has no value, or what it stands for makes no marker.
    pub fn read(
        text: &str,
        fill: &mut dyn FnMut(&str) -> Result<Json, StepError>,
    ) -> Result<(Self, String), StepError> {
        let (name, argument) = split(text);
        if name == "optional" {
            let (marker, written) = Self::read(optional(argument).map_err(Failure::failed)?, fill)?;
            let written = format!("#optional {}", written.trim_start_matches('#'));
            return Ok((Self::Optional(Box::new(marker)), written));
        }
        if name == "not" {
            let expected = Expected::read(excluded(argument).map_err(Failure::failed)?, fill)?;
            let written = format!("#not {}", shown(&expected.json));
            return Ok((Self::Not(expected), written));
        }
        if argument.contains("${") {
            let filled = match fill(argument)? {
                Json::String(text) => text,
                other => other.to_string(),
            };
            let written = format!("{name} {filled}");
            return Ok((Self::parse(&written).map_err(Failure::failed)?, format!("#{written}")));
        }
        Ok((Self::parse(text).map_err(Failure::failed)?, format!("#{text}")))
    }

    /// Reads a marker without its `#`.
    fn parse(text: &str) -> Result<Self, String> {
        let (name, argument) = split(text);
        let needs = |example: &str| format!("`#{name}` lacks what stands behind it; hint: such as `#{name} {example}`");
        let bare = |marker: Self| match argument {
            "" => Ok(marker),
            _ => Err(format!("nothing stands behind `#{name}`, and here is `{argument}`")),
        };
        match name {
            "uuid" => bare(Self::Uuid),
            "string" => bare(Self::String),
            "number" if argument.is_empty() => Ok(Self::Number(None)),
            "number" => range(argument).map(|range| Self::Number(Some(range))),
            "boolean" => bare(Self::Boolean),
            "null" => bare(Self::Null),
            "present" => bare(Self::Present),
            "absent" => bare(Self::Absent),
            "timestamp" => bare(Self::Timestamp),
            "regex" if argument.is_empty() => Err(needs("[a-z]+")),
            "regex" => {
                Regex::new(&format!("^(?:{argument})$"))
                    .map(Self::Regex)
                    .map_err(|_| match Regex::new(argument) {
                        Err(error) => {
                            let why = error.to_string();
                            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
                            format!("`{argument}` is no regular expression: {why}")
                        }
                        Ok(_) => format!("`{argument}` is no regular expression that can match a whole text"),
                    })
            }
            "contains" if argument.is_empty() => Err(needs("paid")),
            "contains" => Ok(Self::Contains(Expected::literal(argument))),
            "after" if argument.is_empty() => Err(needs("${t}")),
            "after" => argument
                .parse()
                .map(Self::After)
                .map_err(|_| format!("`{argument}` is no timestamp; hint: RFC 3339, such as `2026-11-24T13:00:00Z`")),
            "array" if argument.is_empty() => Ok(Self::Array(None)),
            "array" => argument
                .parse()
                .map(|length| Self::Array(Some(length)))
                .map_err(|_| format!("`{argument}` is no number of elements; hint: such as `#array 3`")),
            "optional" => Ok(Self::Optional(Box::new(Self::parse(optional(argument)?)?))),
            "not" => Ok(Self::Not(Expected::literal(excluded(argument)?))),
            _ => match Comparison::parse(name, argument) {
                Some(comparison) => comparison.map(Self::Compared),
                None => Err(unknown(text)),
            },
        }
    }

    /// The value that nothing at the place may be.
    pub fn excludes(&self) -> Option<&Expected> {
        match self {
            Self::Not(expected) => Some(expected),
            Self::Optional(marker) => marker.excludes(),
            _ => None,
        }
    }

    /// Whether it is held by what stands at the place: one of the nodes is enough, [`Marker::Absent`] wants none, and
    /// [`Marker::Not`] none that is its value, which `is` tells.
    pub fn holds(&self, nodes: &[Json], typing: Typing, is: &dyn Fn(&Expected, &Json) -> bool) -> bool {
        match self {
            Self::Absent => nodes.is_empty(),
            Self::Optional(marker) => nodes.iter().all(Json::is_null) || marker.holds(nodes, typing, is),
            Self::Not(expected) => {
                let differs = |node| !is(expected, node) && !differ_only_in_type(&expected.json, node);
                !nodes.is_empty() && nodes.iter().all(differs)
            }
            Self::Compared(comparison) => nodes.iter().any(|node| comparison.holds(node, typing)),
            _ => nodes.iter().any(|node| self.is(node)),
        }
    }

    fn is(&self, node: &Json) -> bool {
        match (self, node) {
            (Self::Present, _)
            | (Self::String, Json::String(_))
            | (Self::Boolean, Json::Bool(_))
            | (Self::Null, Json::Null)
            | (Self::Number(None), Json::Number(_))
            | (Self::Array(None), Json::Array(_)) => true,
            (Self::Uuid, Json::String(text)) => text.len() == 36 && uuid::Uuid::parse_str(text).is_ok(),
            (Self::Number(Some(range)), Json::Number(number)) => {
                number.as_f64().is_some_and(|number| range.contains(&number))
            }
            (Self::Timestamp, Json::String(text)) => text.parse::<Timestamp>().is_ok(),
            (Self::Regex(regex), Json::String(text)) => regex.is_match(text),
            (Self::Contains(expected), Json::String(text)) => text.contains(&expected.written),
            (Self::Contains(expected), Json::Array(elements)) => {
                elements.iter().any(|element| same(&expected.json, element))
            }
            (Self::After(start), Json::String(text)) => is_after(*start, text),
            (Self::Array(Some(length)), Json::Array(elements)) => elements.len() == *length,
            _ => false,
        }
    }
}

/// The value behind `#not`.
fn excluded(argument: &str) -> Result<&str, String> {
    match argument {
        "" => Err("`#not` lacks what stands behind it; hint: such as `#not ${before.id}`".to_owned()),
        marker if marker.starts_with('#') => Err(format!(
            "`#not` takes a value, and `{marker}` looks for something; hint: `#not \\{marker}` for the text itself"
        )),
        value => Ok(value),
    }
}

fn optional(argument: &str) -> Result<&str, String> {
    match split(argument.trim_start_matches('#')).0 {
        "" => Err("`#optional` lacks what stands behind it; hint: such as `#optional string`".into()),
        name @ ("absent" | "present" | "null" | "optional") => Err(format!(
            "`#optional {name}` says nothing; hint: such as `#optional string`"
        )),
        _ => Ok(argument.trim_start_matches('#')),
    }
}

fn range(argument: &str) -> Result<RangeInclusive<f64>, String> {
    let wrong = || format!("`{argument}` is no range of numbers; hint: such as `#number 3.1..3.3`");
    let (least, most) = argument.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let (least, most) = (number(least).ok_or_else(wrong)?, number(most).ok_or_else(wrong)?);
    if least > most {
        return Err(format!(
            "`{argument}` is an empty range; hint: the smaller number comes first, `{most}..{least}`"
        ));
    }
    Ok(least..=most)
}
