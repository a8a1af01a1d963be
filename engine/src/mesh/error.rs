//! What is wrong with a mesh file.

use super::place::Place;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// One mistake in a mesh file, at its place.
///
/// Displayed as `file:line:column: message`, and `  hint: …` on a second line where there is a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshError {
    /// The file, under the name that the user gave.
    pub file: Arc<Path>,
    /// From 1; 0 means the file as a whole.
    pub line: usize,
    /// From 1, in characters; 0 means the file as a whole.
    pub column: usize,
    /// Lower case, without the place.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The whole source line, to draw the mistake on.
    pub excerpt: Option<String>,
}

impl MeshError {
    pub(super) fn at(place: &Place, message: impl Into<String>) -> MeshError {
        MeshError {
            file: Arc::clone(&place.file),
            line: place.line,
            column: place.column,
            message: message.into(),
            hint: None,
            excerpt: None,
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> MeshError {
        MeshError {
            hint: Some(hint.into()),
            ..self
        }
    }

    pub(super) fn hint_if(self, hint: Option<String>) -> MeshError {
        MeshError { hint, ..self }
    }
}

impl fmt::Display for MeshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for MeshError {}
