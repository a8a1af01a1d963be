//! Where in a mesh file something stands.

use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// A line and column of a mesh file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file, under the name that the user gave.
    pub file: Arc<Path>,
    /// From 1; 0 means the file as a whole.
    pub line: usize,
    /// From 1, in characters; 0 means the file as a whole.
    pub column: usize,
}

impl Place {
    /// The file as a whole.
    pub(super) fn whole(file: &Path) -> Place {
        Place {
            file: file.into(),
            line: 0,
            column: 0,
        }
    }

    /// The same line, `characters` further to the right.
    pub(super) fn right(&self, characters: usize) -> Place {
        Place {
            column: self.column + characters,
            ..self.clone()
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        Ok(())
    }
}

/// A value and where it stands. It dereferences to the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
