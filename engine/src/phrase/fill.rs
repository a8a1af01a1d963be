//! A phrase's texts with what the call gives in place of its placeholders.

use super::placeholder::{Segment, segments};
use super::sentence::Argument;

/// What stands for each placeholder.
pub struct Filling<'c> {
    values: Vec<(&'c str, Argument)>,
}

impl<'c> Filling<'c> {
    /// These values of these placeholders.
    pub fn new(values: impl IntoIterator<Item = (&'c str, Argument)>) -> Self {
        Self {
            values: values.into_iter().collect(),
        }
    }

    fn value(&self, name: &str) -> Option<&Argument> {
        self.values
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// A step's text, filled in. Between quotes stands what the argument says; elsewhere it stands as it was written,
    /// with its quotes if it had some.
    pub fn sentence(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut quoted = false;
        for segment in segments(text) {
            match segment {
                Segment::Text(text) => {
                    filled.push_str(text);
                    quoted = ends_quoted(text, quoted);
                }
                Segment::Placeholder(name) => match self.value(name) {
                    None => filled.push_str(&format!("<{name}>")),
                    Some(value) if quoted => filled.push_str(&escaped(&value.text)),
                    Some(value) if value.quoted => filled.push_str(&format!("\"{}\"", escaped(&value.text))),
                    Some(value) => filled.push_str(&value.text),
                },
            }
        }
        filled
    }

    /// A cell or a doc string, filled in: what each argument says.
    pub fn text(&self, text: &str) -> String {
        if !text.contains('<') {
            return text.to_owned();
        }
        let pieces = segments(text).into_iter().map(|segment| match segment {
            Segment::Text(text) => text.to_owned(),
            Segment::Placeholder(name) => match self.value(name) {
                Some(value) => value.text.clone(),
                None => format!("<{name}>"),
            },
        });
        pieces.collect()
    }
}

/// Whether a quoted text is open behind this piece of a step, one having been open before it or not.
fn ends_quoted(text: &str, mut quoted: bool) -> bool {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted = !quoted,
            '\\' if quoted => drop(characters.next()),
            _ => {}
        }
    }
    quoted
}

/// A text as it stands between quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
        .replace('\t', "\\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filling() -> Filling<'static> {
        let argument = |text: &str, quoted| Argument {
            text: text.to_owned(),
            quoted,
        };
        Filling::new([
            ("name", argument("ada", false)),
            ("path", argument("/a \"b\"", true)),
            ("other", argument("<name>", false)),
        ])
    }

    #[test]
    fn a_step_keeps_the_quotes_of_what_stands_outside_of_quotes() {
        let filled = |text: &str| filling().sentence(text);
        assert_eq!(filled("a user as <name>"), "a user as ada");
        assert_eq!(filled("I send GET <path> to shop"), r#"I send GET "/a \"b\"" to shop"#);
        assert_eq!(
            filled(r#"I send GET "<path>/\"<name>" to <name>"#),
            r#"I send GET "/a \"b\"/\"ada" to ada"#
        );
    }

    #[test]
    fn a_cell_has_what_the_argument_says() {
        let filled = |text: &str| filling().text(text);
        assert_eq!(filled("${<name>.id}"), "${ada.id}");
        assert_eq!(filled("<path>"), "/a \"b\"");
        // What an argument says is not filled in again, and nobody gives <days>.
        assert_eq!(filled("<other> <days>"), "<name> <days>");
    }
}
