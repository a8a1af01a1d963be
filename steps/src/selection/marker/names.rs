//! The markers as they are written: their names, and what the reference says of them.

use super::super::place::nearest;

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
    (
        "#at least ${x}",
        "a number that is this or more, or a timestamp that is this or later",
    ),
    (
        "#at most ${x}",
        "a number that is this or less, or a timestamp that is this or earlier",
    ),
    ("#greater than ${x}", "a greater number, or a later timestamp"),
    ("#less than ${x}", "a smaller number, or an earlier timestamp"),
    (
        "#not ${x}",
        "something, and nothing that is this value, in whatever type it is written",
    ),
    ("#array", "an array"),
    ("#array 3", "an array of so many elements"),
    (
        "#optional string",
        "nothing, `null`, or what the marker without its `#` expects",
    ),
];

/// The names of markers, without their `#`.
pub(super) const NAMES: &[&str] = &[
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
    "at least",
    "at most",
    "greater than",
    "less than",
    "not",
    "array",
    "optional",
];

/// The name of a marker, which may have two words, and what stands behind it.
pub(super) fn split(text: &str) -> (&str, &str) {
    let named = NAMES.iter().filter(|name| name.contains(' ')).find_map(|name| {
        let rest = text.strip_prefix(name)?;
        (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some((*name, rest.trim()))
    });
    named.unwrap_or_else(|| match text.split_once(char::is_whitespace) {
        Some((name, argument)) => (name, argument.trim()),
        None => (text, ""),
    })
}

/// That there is no such marker, and what the user may have meant.
pub(super) fn unknown(text: &str) -> String {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap_or_default();
    let second = words.next().filter(|word| word.chars().all(char::is_alphabetic));
    let two = second.map(|second| format!("{name} {second}"));
    let near_two = two
        .as_deref()
        .and_then(|two| Some((two, nearest(two, NAMES).filter(|near| near.contains(' '))?)));
    let begun = || {
        NAMES
            .iter()
            .find(|known| known.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))
    };
    match near_two.or_else(|| Some((name, nearest(name, NAMES).or_else(|| begun().copied())?))) {
        Some((name, near)) => format!("there is no marker `#{name}`; hint: did you mean `#{near}`?"),
        None => format!(
            "there is no marker `#{name}`; hint: write `\\#{name}` for the text itself; markers are #{}",
            NAMES.join(" #")
        ),
    }
}
