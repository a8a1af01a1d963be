//! Parameter types: what stands in the braces of a step's expression, and how it is read.

use std::time::Duration;

use crate::count::Count;
use crate::mesh::Kind;
use crate::quantity::Quantity;
use crate::timing::{Timing, duration};

/// A parameter type of step expressions.
#[derive(Clone, Copy, Debug)]
pub struct ParameterType {
    /// Its name in an expression, without the braces.
    pub name: &'static str,
    /// What it matches: a regular expression without capturing groups.
    pub pattern: &'static str,
    /// How the text that it matched is read.
    pub read: fn(&str) -> Result<Value, String>,
}

/// What an argument of a step says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// The bare name of a thing in the mesh, one of these kinds.
    Name {
        /// The kinds that the sentence takes.
        kinds: &'static [Kind],
        /// The name as written.
        name: String,
    },
    /// A quoted text, quotes and escapes removed, `${…}` still in it.
    Text(String),
    /// The quoted name of a file, relative to the file in which the step is written, `${…}` still in it.
    File(String),
    /// A bare word: a table, an HTTP method.
    Word(String),
    /// How many.
    Count(Count),
    /// How much.
    Quantity(Quantity),
    /// How long.
    Duration(Duration),
    /// A whole number: an ordinal, an HTTP status.
    Number(u64),
    /// What an adverb and an ending say together: what a step's function is given for both.
    Timing(Timing),
    /// `eventually `, or nothing: with the ending it makes the [`Timing`].
    Adverb(String),
    /// ` within 5 seconds`, or nothing.
    Ending(String),
    /// The name of a fault, as the step that injects it gives it.
    Fault(String),
    /// Whether `, and no other` was said.
    Only(bool),
    /// Whether `, in order per key` was said.
    Ordered(bool),
    /// Whether ` if it is reached` was said.
    IfReached(bool),
    /// Whether `, and follow no redirect` was said.
    Unfollowed(bool),
    /// A share in per cent: `1` is one in a hundred.
    Percent(f64),
    /// By how many per cent something may be off, where the step says so.
    Tolerance(Option<f64>),
    /// The name that ` as NAME` gives to what the step produces.
    Alias(Option<String>),
    /// The name that the step gives to a traffic that it begins.
    NewTraffic(String),
    /// The name of a traffic that a step before began.
    Traffic(String),
}

const NAME: &str = r"[A-Za-z0-9_][A-Za-z0-9_.-]*";

/// What a name that steps give matches.
const WORD: &str = "[A-Za-z_][A-Za-z0-9_]*";

/// What a quoted text matches.
pub(crate) const QUOTED: &str = r#""(?:[^"\\]|\\.)*""#;

/// Every parameter type, in the order in which the reference lists them.
pub const PARAMETER_TYPES: &[ParameterType] = &[
    ParameterType {
        name: "service",
        pattern: NAME,
        read: |text| name(&[Kind::Service], text),
    },
    ParameterType {
        name: "topic",
        pattern: NAME,
        read: |text| name(&[Kind::Topic], text),
    },
    ParameterType {
        name: "datastore",
        pattern: NAME,
        read: |text| name(&[Kind::Datastore], text),
    },
    ParameterType {
        name: "bucket",
        pattern: NAME,
        read: |text| name(&[Kind::Bucket], text),
    },
    ParameterType {
        name: "partner",
        pattern: NAME,
        read: |text| name(&[Kind::Partner], text),
    },
    ParameterType {
        name: "ledger",
        pattern: NAME,
        read: |text| name(&[Kind::Ledger], text),
    },
    ParameterType {
        name: "stage",
        pattern: "[A-Za-z0-9][A-Za-z0-9_-]*",
        read: |text| Ok(Value::Word(text.to_owned())),
    },
    ParameterType {
        name: "thing",
        pattern: r"\p{L}[\p{L}-]*",
        read: |text| Ok(Value::Word(text.to_owned())),
    },
    ParameterType {
        name: "dependency",
        pattern: NAME,
        read: |text| name(&Kind::EDGES, text),
    },
    ParameterType {
        name: "table",
        pattern: NAME,
        read: |text| Ok(Value::Word(text.to_owned())),
    },
    ParameterType {
        name: "method",
        pattern: "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS",
        read: |text| Ok(Value::Word(text.to_owned())),
    },
    ParameterType {
        name: "text",
        pattern: QUOTED,
        read: |text| unquoted(text).map(Value::Text),
    },
    ParameterType {
        name: "file",
        pattern: QUOTED,
        read: |text| unquoted(text).map(Value::File),
    },
    ParameterType {
        name: "count",
        pattern: Count::PATTERN,
        read: |text| Count::parse(text).map(Value::Count),
    },
    ParameterType {
        name: "metric",
        pattern: NAME,
        read: |text| Ok(Value::Word(text.to_owned())),
    },
    ParameterType {
        name: "quantity",
        pattern: Quantity::PATTERN,
        read: |text| Quantity::parse(text).map(Value::Quantity),
    },
    ParameterType {
        name: "times",
        pattern: "exactly once|at least once",
        read: |text| Count::parse(&text.replace("once", "1")).map(Value::Count),
    },
    ParameterType {
        name: "number",
        pattern: "[0-9]+",
        read: whole,
    },
    ParameterType {
        name: "ordinal",
        pattern: "[0-9]+(?:st|nd|rd|th)",
        read: ordinal,
    },
    ParameterType {
        name: "status",
        pattern: "[1-5][0-9][0-9]",
        read: whole,
    },
    ParameterType {
        name: "duration",
        pattern: r"[0-9]+(?:\.[0-9]+)? ?[a-z]+",
        read: |text| duration(text).map(Value::Duration),
    },
    ParameterType {
        name: "percent",
        pattern: r"[0-9]+(?:\.[0-9]+)? ?%",
        read: percent,
    },
    ParameterType {
        name: "tolerance",
        pattern: r"(?:, give or take [0-9]+(?:\.[0-9]+)? ?%)?",
        read: tolerance,
    },
    ParameterType {
        name: "fault",
        pattern: "[A-Za-z0-9].*?",
        read: |text| Ok(Value::Fault(text.to_owned())),
    },
    ParameterType {
        name: "eventually",
        pattern: Timing::ADVERB,
        read: |text| Ok(Value::Adverb(text.to_owned())),
    },
    ParameterType {
        name: "within",
        pattern: Timing::WITHIN,
        read: |text| Ok(Value::Ending(text.to_owned())),
    },
    ParameterType {
        name: "only",
        pattern: "(?:, and no other)?",
        read: |text| Ok(Value::Only(!text.is_empty())),
    },
    ParameterType {
        name: "ordered",
        pattern: "(?:, in order per key)?",
        read: |text| Ok(Value::Ordered(!text.is_empty())),
    },
    ParameterType {
        name: "if_reached",
        pattern: "(?: if it is reached)?",
        read: |text| Ok(Value::IfReached(!text.is_empty())),
    },
    ParameterType {
        name: "redirects",
        pattern: "(?:, and follow no redirect)?",
        read: |text| Ok(Value::Unfollowed(!text.is_empty())),
    },
    ParameterType {
        name: "as",
        pattern: "(?: as [A-Za-z_][A-Za-z0-9_]*)?",
        read: alias,
    },
    ParameterType {
        name: "new_traffic",
        pattern: WORD,
        read: |text| Ok(Value::NewTraffic(text.to_owned())),
    },
    ParameterType {
        name: "traffic",
        pattern: WORD,
        read: |text| Ok(Value::Traffic(text.to_owned())),
    },
];

fn name(kinds: &'static [Kind], text: &str) -> Result<Value, String> {
    Ok(Value::Name {
        kinds,
        name: text.to_owned(),
    })
}

/// A quoted text without its quotes and escapes.
///
/// # Errors
/// A message for an escape that is none.
pub(crate) fn unquoted(text: &str) -> Result<String, String> {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    let mut read = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => read.push('\n'),
                Some('t') => read.push('\t'),
                Some(escaped @ ('"' | '\\')) => read.push(escaped),
                Some(other) => {
                    return Err(format!(
                        "`\\{other}` in {text} is no escape; hint: escapes are `\\\"`, `\\\\`, `\\n` and `\\t`"
                    ));
                }
                None => return Err(format!("{text} ends in the middle of an escape")),
            },
            other => read.push(other),
        }
    }
    Ok(read)
}

fn whole(text: &str) -> Result<Value, String> {
    text.parse()
        .map(Value::Number)
        .map_err(|_| format!("`{text}` is too large a number"))
}

fn ordinal(text: &str) -> Result<Value, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    match whole(digits)? {
        Value::Number(0) => Err(format!("there is no `{text}`; hint: ordinals begin with `1st`")),
        number => Ok(number),
    }
}

fn percent(text: &str) -> Result<Value, String> {
    let share: Option<f64> = text.trim_end_matches([' ', '%']).parse().ok();
    share
        .filter(|share| *share <= 100.0)
        .map(Value::Percent)
        .ok_or_else(|| format!("`{text}` is more than all; hint: a share is `0 %` to `100 %`"))
}

fn tolerance(text: &str) -> Result<Value, String> {
    match text.strip_prefix(", give or take ").map(percent).transpose()? {
        Some(Value::Percent(share)) => Ok(Value::Tolerance(Some(share))),
        _ => Ok(Value::Tolerance(None)),
    }
}

fn alias(text: &str) -> Result<Value, String> {
    Ok(Value::Alias(text.strip_prefix(" as ").map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parameter: &str, text: &str) -> Result<Value, String> {
        let found = PARAMETER_TYPES
            .iter()
            .find(|each| each.name == parameter)
            .expect("the type is there");
        let whole = regex::Regex::new(&format!("^(?:{})$", found.pattern)).expect("the pattern compiles");
        assert!(whole.is_match(text), "{parameter} does not match {text}");
        (found.read)(text)
    }

    #[test]
    fn quoted_texts_lose_their_quotes_and_escapes() {
        assert_eq!(
            read("text", r#""a \"b\" \\ ${c}\n""#),
            Ok(Value::Text("a \"b\" \\ ${c}\n".into()))
        );
        assert!(read("text", r#""\q""#).is_err_and(|message| message.contains("no escape")));
    }

    #[test]
    fn ordinals_begin_with_the_first() {
        assert_eq!(read("ordinal", "22nd"), Ok(Value::Number(22)));
        assert!(read("ordinal", "0th").is_err_and(|message| message.contains("`1st`")));
    }

    #[test]
    fn once_can_be_a_bound() {
        let count = |least, most| Ok(Value::Count(Count { least, most }));
        assert_eq!(read("times", "exactly once"), count(1, Some(1)));
        assert_eq!(read("times", "at least once"), count(1, None));
    }

    #[test]
    fn a_share_is_at_most_all() {
        assert_eq!(read("percent", "0.5 %"), Ok(Value::Percent(0.5)));
        assert_eq!(read("percent", "100%"), Ok(Value::Percent(100.0)));
        assert!(read("percent", "101 %").is_err_and(|message| message.contains("more than all")));
    }

    #[test]
    fn optional_parameters_match_nothing() {
        assert_eq!(read("only", ""), Ok(Value::Only(false)));
        assert_eq!(read("only", ", and no other"), Ok(Value::Only(true)));
        assert_eq!(read("ordered", ""), Ok(Value::Ordered(false)));
        assert_eq!(read("ordered", ", in order per key"), Ok(Value::Ordered(true)));
        assert_eq!(read("if_reached", ""), Ok(Value::IfReached(false)));
        assert_eq!(read("if_reached", " if it is reached"), Ok(Value::IfReached(true)));
        assert_eq!(read("tolerance", ""), Ok(Value::Tolerance(None)));
        assert_eq!(
            read("tolerance", ", give or take 2.5 %"),
            Ok(Value::Tolerance(Some(2.5)))
        );
        assert_eq!(read("as", " as order"), Ok(Value::Alias(Some("order".into()))));
        assert_eq!(read("as", ""), Ok(Value::Alias(None)));
        assert_eq!(read("eventually", ""), Ok(Value::Adverb(String::new())));
    }

    #[test]
    fn no_pattern_captures() {
        for parameter in PARAMETER_TYPES {
            let pattern = regex::Regex::new(parameter.pattern).expect("the pattern compiles");
            assert_eq!(pattern.captures_len(), 1, "{} has a capturing group", parameter.name);
        }
    }
}
