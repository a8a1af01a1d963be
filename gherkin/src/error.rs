use crate::location::Location;

/// An error of a feature file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {message}")]
pub struct ParseError {
    /// What kind of error it is.
    pub kind: ErrorKind,
    /// Where it is.
    pub location: Location,
    /// What is wrong, and what is expected.
    pub message: String,
    /// What might help.
    pub hint: Option<String>,
}

/// The kinds of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A line that must not stand where it stands.
    UnexpectedLine,
    /// A file that ends in the middle of something.
    UnexpectedEnd,
    /// A row that has not as many cells as the first of its table.
    InconsistentCells,
    /// A tag with a space in it.
    SpaceInTag,
    /// A `# language:` that is none.
    NoSuchLanguage,
}
