//! Markers: what is expected where no exact value can be (`#uuid`, `#number 3.1..3.3`).

use std::ops::RangeInclusive;

use jiff::Timestamp;
use momus_engine::failure::{Failure, StepError};
use regex::Regex;
use serde_json::Value as Json;

use super::place::nearest;
use super::value::{Expected, same};

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
    /// `#array`, `#array 3`: an array, with so many elements.
    Array(Option<usize>),
    /// `#optional string`: nothing, null, or what the marker behind it expects.
    Optional(Box<Marker>),
}

/// Each marker as it is written, and what it expects, for the reference.
pub const MARKERS: &[(&str, &str)] = &[
    ("#uuid", "a text that is a UUID"),
    ("#string", "a text"),
    ("#number", "a number"),
    ("#number 3.1..3.3", "a number in this range, its ends included"),
    ("#boolean", "`true` or `false`"),
    ("#null", "`null`"),
    ("#present", "anything, `null` included"),
    ("#absent", "nothing: the place is not there"),
    ("#timestamp", "a text that is an RFC 3339 timestamp"),
    (
        "#regex [a-z]+-\\d+",
        "a text that the regular expression matches as a whole",
    ),
    (
        "#contains paid",
        "a text with this in it, or an array with this among its elements",
    ),
    (
        "#after ${t}",
        "a timestamp that is not before this one; one that is seen to the second is compared to the second",
    ),
    ("#array", "an array"),
    ("#array 3", "an array of so many elements"),
    (
        "#optional string",
        "nothing, `null`, or what the marker without its `#` expects",
    ),
];

const NAMES: &[&str] = &[
    "uuid",
    "string",
    "number",
    "boolean",
    "null",
    "present",
    "absent",
    "timestamp",
    "regex",
    "contains",
    "after",
    "array",
    "optional",
];

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
        if !argument.contains("${") {
            return Self::parse(text).map(drop);
        }
        match name {
            "number" | "regex" | "contains" | "after" | "array" => Ok(()),
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
            _ => Err(match nearest(name, NAMES) {
                Some(near) => format!("there is no marker `#{name}`; hint: did you mean `#{near}`?"),
                None => format!(
                    "there is no marker `#{name}`; hint: write `\\#{name}` for the text itself; markers are #{}",
                    NAMES.join(" #")
                ),
            }),
        }
    }

    /// Whether it is held by what stands at the place: one of the nodes is enough, and [`Marker::Absent`] wants none.
    pub fn holds(&self, nodes: &[Json]) -> bool {
        match self {
            Self::Absent => nodes.is_empty(),
            Self::Optional(marker) => nodes.iter().all(Json::is_null) || marker.holds(nodes),
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

/// The name of a marker, and what stands behind it.
fn split(text: &str) -> (&str, &str) {
    match text.split_once(char::is_whitespace) {
        Some((name, argument)) => (name, argument.trim()),
        None => (text, ""),
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

/// Whether a timestamp is not before another, which counts only as far as the first one's digits go.
fn is_after(start: Timestamp, seen: &str) -> bool {
    let Ok(time) = seen.parse::<Timestamp>() else {
        return false;
    };
    let fraction = seen.split_once('.').map_or("", |(_, behind)| behind);
    let digits = fraction.chars().take_while(char::is_ascii_digit).count().min(9);
    let unit = 10_i128.pow(9 - u32::try_from(digits).unwrap_or(9));
    let start = start.as_nanosecond();
    time.as_nanosecond() >= start - start.rem_euclid(unit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(marker: &str, node: Json) -> bool {
        Marker::parse(marker).expect(marker).holds(&[node])
    }

    #[test]
    fn each_marker_is_held_by_its_own_and_by_nothing_else() {
        let every = [
            json!("3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
            json!("plain"),
            json!(3.2),
            json!(7),
            json!(true),
            json!(null),
            json!("2026-11-24T13:00:00.5Z"),
            json!([1, 2, 3]),
            json!({}),
        ];
        for (marker, held) in [
            ("uuid", vec![0]),
            ("string", vec![0, 1, 6]),
            ("number", vec![2, 3]),
            ("number 3.1..3.3", vec![2]),
            ("number 7..7", vec![3]),
            ("boolean", vec![4]),
            ("null", vec![5]),
            ("present", (0..every.len()).collect()),
            ("absent", vec![]),
            ("timestamp", vec![6]),
            ("regex pl.*", vec![1]),
            ("regex l", vec![]),
            ("contains lai", vec![1]),
            ("contains 2", vec![0, 6, 7]),
            ("after 2026-11-24T13:00:00.4Z", vec![6]),
            ("after 2026-11-24T13:00:00.6Z", vec![]),
            ("array", vec![7]),
            ("array 3", vec![7]),
            ("array 2", vec![]),
            ("optional string", vec![0, 1, 5, 6]),
            ("optional number 7..8", vec![3, 5]),
        ] {
            let found: Vec<usize> = (0..every.len())
                .filter(|&at| holds(marker, every[at].clone()))
                .collect();
            assert_eq!(found, held, "#{marker}");
        }
        assert!(Marker::Absent.holds(&[]));
        assert!(Marker::parse("optional uuid").unwrap().holds(&[]));
        assert!(!Marker::Present.holds(&[]));
    }

    #[test]
    fn after_counts_as_far_as_the_seen_digits_go() {
        let start: Timestamp = "2026-11-24T13:00:00.123456Z".parse().unwrap();
        for (seen, after) in [
            ("2026-11-24T13:00:00Z", true),
            ("2026-11-24T13:00:00.123Z", true),
            ("2026-11-24T14:00:00.123+01:00", true),
            ("2026-11-24T13:00:00.122Z", false),
            ("2026-11-24T12:59:59Z", false),
            ("soon", false),
        ] {
            assert_eq!(is_after(start, seen), after, "{seen}");
        }
    }

    #[test]
    fn what_is_no_marker_is_told() {
        for (marker, message) in [
            ("uid", "there is no marker `#uid`; hint: did you mean `#uuid`?"),
            ("uuid 4", "nothing stands behind `#uuid`, and here is `4`"),
            (
                "number 3",
                "`3` is no range of numbers; hint: such as `#number 3.1..3.3`",
            ),
            (
                "number 3..1",
                "`3..1` is an empty range; hint: the smaller number comes first, `1..3`",
            ),
            (
                "regex",
                "`#regex` lacks what stands behind it; hint: such as `#regex [a-z]+`",
            ),
            ("regex (", "`(` is no regular expression: unclosed group"),
            ("array few", "`few` is no number of elements; hint: such as `#array 3`"),
            (
                "optional",
                "`#optional` lacks what stands behind it; hint: such as `#optional string`",
            ),
            (
                "optional strng",
                "there is no marker `#strng`; hint: did you mean `#string`?",
            ),
            (
                "after noon",
                "`noon` is no timestamp; hint: RFC 3339, such as `2026-11-24T13:00:00Z`",
            ),
        ] {
            assert_eq!(Marker::check(marker), Err(message.into()), "#{marker}");
        }
        let error = Marker::check("anything at all").unwrap_err();
        assert!(error.contains("write `\\#anything` for the text itself"), "{error}");
    }

    #[test]
    fn an_argument_with_a_reference_is_read_when_it_is_filled_in() {
        for marker in ["after ${t}", "regex ^${prefix}", "optional number ${least}..${most}"] {
            assert_eq!(Marker::check(marker), Ok(()), "#{marker}");
        }
        assert!(Marker::check("uuid ${t}").is_err());
        assert!(Marker::check("aftr ${t}").is_err());
        let (marker, written) = Marker::read("array ${n}", &mut |_| Ok(json!(2))).unwrap();
        assert_eq!(written, "#array 2");
        assert!(marker.holds(&[json!([1, 2])]));
    }
}
