//! What is wrong with a file of rules, at its place.

use std::{fmt, path::PathBuf};

use serde_saphyr::{DefaultMessageFormatter, MessageFormatter};

/// A mistake in a file of rules. Displayed as `FILE:LINE:COLUMN: message`, with `hint: …` on a
/// line of its own where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesError {
    /// The file, under the name that was given.
    pub file: PathBuf,
    /// From 1; 0 means the file as a whole.
    pub line: u64,
    /// From 1, in characters; 0 means the file as a whole.
    pub column: u64,
    /// Lower case, without the place.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for RulesError {}

impl RulesError {
    pub(super) fn unread(file: PathBuf, error: &std::io::Error) -> Self {
        Self {
            file,
            line: 0,
            column: 0,
            message: format!("cannot be read: {error}"),
            hint: None,
        }
    }

    pub(super) fn of(file: PathBuf, error: &serde_saphyr::Error) -> Self {
        use serde_saphyr::Error as E;
        let (line, column) = error.location().map_or((0, 0), |place| (place.line(), place.column()));
        let (message, hint) = match error.without_snippet() {
            E::SerdeUnknownField { field, expected, .. } => {
                (format!("unknown key `{field}`"), Some(choice(field, expected)))
            }
            E::SerdeUnknownVariant { variant, expected, .. } => (
                format!("`{variant}` is not known here"),
                Some(choice(variant, expected)),
            ),
            E::SerdeMissingField { field, .. } => (format!("the key `{field}` is missing"), None),
            other => {
                let text = match other {
                    E::Message { msg, .. } => msg.clone(),
                    other => DefaultMessageFormatter.format_message(other).into_owned(),
                };
                match text.split_once("\nhint: ") {
                    Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
                    None => (text, None),
                }
            }
        };
        Self {
            file,
            line,
            column,
            message,
            hint,
        }
    }
}

fn choice(word: &str, known: &[&str]) -> String {
    did_you_mean(word, known).unwrap_or_else(|| format!("known here: {}", known.join(", ")))
}

/// The known word that is nearest to `word`, as a hint, if one is near: at most a third of its
/// letters are wrong.
pub(super) fn did_you_mean(word: &str, known: &[&str]) -> Option<String> {
    let distance = |candidate: &&&str| strsim::damerau_levenshtein(word, candidate);
    let nearest = known.iter().min_by_key(distance)?;
    (distance(&nearest) * 3 <= word.chars().count().max(nearest.chars().count()))
        .then(|| format!("did you mean `{nearest}`?"))
}
