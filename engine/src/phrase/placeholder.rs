//! `<name>`: what stands for a word of the step that calls a phrase.

use std::collections::BTreeSet;

/// What is passed on of the table below the call, a row for a row.
pub const TABLE: &str = "table";
/// What is passed on of the doc string below the call.
pub const TEXT: &str = "text";

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment<'t> {
    /// What stands for itself.
    Text(&'t str),
    /// What stands between `<` and `>`.
    Placeholder(&'t str),
}

/// The pieces of a text, in order.
///
/// A placeholder's name begins with a letter or `_`, goes on with letters, digits, `_`, `-` and single spaces, and ends
/// with none of these spaces. What a text also closes (`<b>…</b>`) is markup, and stands for itself.
pub fn segments(text: &str) -> Vec<Segment<'_>> {
    let mut segments = Vec::new();
    let (mut begin, mut from) = (0, 0);
    while let Some(open) = text[from..].find('<').map(|at| from + at) {
        from = open + 1;
        let Some(name) = text[from..].split_once('>').map(|(name, _)| name) else {
            break;
        };
        if !is_name(name) || text.contains(&format!("</{name}>")) {
            continue;
        }
        if begin < open {
            segments.push(Segment::Text(&text[begin..open]));
        }
        segments.push(Segment::Placeholder(name));
        from += name.len() + 1;
        begin = from;
    }
    if begin < text.len() {
        segments.push(Segment::Text(&text[begin..]));
    }
    segments
}

/// The names of a text's placeholders.
pub fn names(text: &str) -> BTreeSet<&str> {
    segments(text)
        .into_iter()
        .filter_map(|segment| match segment {
            Segment::Placeholder(name) => Some(name),
            Segment::Text(_) => None,
        })
        .collect()
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '))
        && !text.ends_with(' ')
        && !text.contains("  ")
}

#[cfg(test)]
mod tests {
    use super::Segment::{Placeholder, Text};
    use super::*;

    #[test]
    fn a_text_falls_into_placeholders_and_what_is_between() {
        assert_eq!(
            segments("a member <name> of <days>"),
            [
                Text("a member "),
                Placeholder("name"),
                Text(" of "),
                Placeholder("days")
            ]
        );
        assert_eq!(segments("<名前>が来る"), [Placeholder("名前"), Text("が来る")]);
        assert_eq!(
            segments("${<name>.id}"),
            [Text("${"), Placeholder("name"), Text(".id}")]
        );
        assert_eq!(segments(""), []);
    }

    #[test]
    fn what_is_no_name_and_what_is_markup_stands_for_itself() {
        for text in [
            "1 < 2 and 3 > 2",
            "<>",
            "<1>",
            "a < b",
            "<a href=\"b\">",
            "<b>bold</b>",
            "<open",
        ] {
            assert_eq!(segments(text), [Text(text)]);
        }
        assert_eq!(
            segments("<id><order></id>"),
            [Text("<id>"), Placeholder("order"), Text("</id>")]
        );
    }
}
