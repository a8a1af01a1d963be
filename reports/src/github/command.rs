//! Workflow commands, as GitHub's runner reads them from standard output
//! (docs.github.com, "Workflow commands for GitHub Actions"; github.com/actions/toolkit, `packages/core/src/command.ts`).

use std::fmt;

/// How grave an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// It makes the job red.
    Error,
    /// It does not.
    Warning,
}

/// A message on a line of a file.
pub(super) struct Annotation<'a> {
    pub(super) level: Level,
    pub(super) file: &'a str,
    /// From 1; none where it is the file as a whole.
    pub(super) line: Option<usize>,
    pub(super) title: &'a str,
    pub(super) message: &'a str,
}

impl fmt::Display for Annotation<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(formatter, "::{level} file={}", property(self.file))?;
        if let Some(line) = self.line {
            write!(formatter, ",line={line}")?;
        }
        write!(formatter, ",title={}::{}", property(self.title), data(self.message))
    }
}

/// A text behind the last `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which a comma ends.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_part_is_escaped() {
        let annotation = Annotation {
            level: Level::Error,
            file: "a,b:c.feature",
            line: None,
            title: "50 % off: now,\nor never",
            message: "a: b, 100 %\r\n::error::c",
        };
        assert_eq!(
            annotation.to_string(),
            "::error file=a%2Cb%3Ac.feature,title=50 %25 off%3A now%2C%0Aor never::a: b, 100 %25%0D%0A::error::c"
        );
    }
}
