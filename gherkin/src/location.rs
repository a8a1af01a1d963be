use serde::Serialize;

/// A place in a feature file; both numbers count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Location {
    /// The line.
    pub line: u32,
    /// The column, in characters (Unicode code points); 0 stands for the end of the file, which has
    /// none, and is left out in JSON.
    #[serde(skip_serializing_if = "is_zero")]
    pub column: u32,
}

impl Location {
    /// The place of `column` on `line`.
    pub fn new(line: u32, column: u32) -> Self {
        Self { line, column }
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Whether a column is missing (the signature is serde's).
fn is_zero(column: &u32) -> bool {
    *column == 0
}
