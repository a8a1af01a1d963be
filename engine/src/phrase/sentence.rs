//! A phrase's sentence: its name, in which a placeholder stands for one bare token or one quoted text.

use std::sync::OnceLock;

use regex::Regex;

use super::placeholder::{Segment, segments};
use crate::parameter::{QUOTED, unquoted};

/// A bare token or a quoted text.
fn token() -> String {
    format!(r#"({QUOTED}|[^\s"]+)"#)
}

/// The sentence of a phrase.
#[derive(Debug)]
pub struct Sentence {
    name: String,
    compiled: OnceLock<Option<Regex>>,
}

/// What a call gives for a placeholder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// What it says: a token as it stands, a quoted text without its quotes and escapes.
    pub text: String,
    /// Whether it is quoted.
    pub quoted: bool,
}

impl Sentence {
    /// The sentence of this name.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            compiled: OnceLock::new(),
        }
    }

    /// The name, `<…>` in it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of its placeholders, in order.
    pub fn placeholders(&self) -> Vec<&str> {
        segments(&self.name)
            .into_iter()
            .filter_map(|segment| match segment {
                Segment::Placeholder(name) => Some(name),
                Segment::Text(_) => None,
            })
            .collect()
    }

    /// What texts it matches: a regular expression with a capturing group for each placeholder.
    pub fn pattern(&self) -> String {
        let pieces = segments(&self.name).into_iter().map(|segment| match segment {
            Segment::Text(text) => regex::escape(text),
            Segment::Placeholder(_) => token(),
        });
        format!("^{}$", pieces.collect::<String>())
    }

    fn regex(&self) -> Option<&Regex> {
        // A name can be longer than what a regular expression can be compiled from; then nothing calls it.
        let compiled = self.compiled.get_or_init(|| Regex::new(&self.pattern()).ok());
        compiled.as_ref()
    }

    /// Whether it matches a step's text.
    pub fn matches(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    /// What a text that it matches gives for its placeholders, in order.
    ///
    /// # Errors
    /// A message for a quoted text with an escape that is none.
    pub fn arguments(&self, text: &str) -> Result<Vec<Argument>, String> {
        let captures = self.regex().and_then(|regex| regex.captures(text));
        let groups = captures.iter().flat_map(|captures| captures.iter().skip(1).flatten());
        groups
            .map(|group| {
                let quoted = group.as_str().starts_with('"');
                let text = match quoted {
                    true => unquoted(group.as_str())?,
                    false => group.as_str().to_owned(),
                };
                Ok(Argument { text, quoted })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, text: &str) -> Option<Vec<(String, bool)>> {
        let sentence = Sentence::new(name);
        let arguments = sentence.matches(text).then(|| sentence.arguments(text))?;
        let arguments = arguments.expect("they can be read").into_iter();
        Some(arguments.map(|each| (each.text, each.quoted)).collect())
    }

    fn bare(text: &str) -> (String, bool) {
        (text.to_owned(), false)
    }

    #[test]
    fn a_placeholder_takes_one_bare_token_or_one_quoted_text() {
        let name = "a member <name> with <days> days";
        assert_eq!(
            given(name, "a member ada with 3 days"),
            Some(vec![bare("ada"), bare("3")])
        );
        assert_eq!(
            given(name, r#"a member "Ada \"L\"" with ${x.days} days"#),
            Some(vec![("Ada \"L\"".to_owned(), true), bare("${x.days}")])
        );
        for text in [
            "a member Ada Lovelace with 3 days",
            "a member with 3 days",
            "a member  with 3 days",
            r#"a member a"b with 3 days"#,
            "a member ada with 3 days more",
        ] {
            assert_eq!(given(name, text), None, "{text}");
        }
    }

    #[test]
    fn all_else_stands_for_itself() {
        assert_eq!(given("is it (really) a|b?", "is it (really) a|b?"), Some(vec![]));
        assert_eq!(given("is it (really) a|b?", "is it really a"), None);
        assert_eq!(given("<名前>が来る", "花子が来る"), Some(vec![bare("花子")]));
    }

    #[test]
    fn an_escape_that_is_none_is_told() {
        let error = Sentence::new("say <what>").arguments(r#"say "\q""#).unwrap_err();
        assert!(error.contains("is no escape"), "{error}");
    }
}
