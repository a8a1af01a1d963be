//! Files that reports are written to.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Creates the file, emptied where it is there, and the folders that it stands in.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    File::create(path)
}

/// Adds the path to an error.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}
