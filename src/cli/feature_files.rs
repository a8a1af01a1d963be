//! Which feature files the paths of a command line mean.

use std::path::{Path, PathBuf};

/// The feature files that `paths` name, folders searched in name order, each file once.
///
/// # Errors
/// A message for the first path that cannot be read.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, true, &mut files).map_err(|(path, error)| {
            format!(
                "error: {}: {error}\nhint: name a .feature file, or a folder that has some",
                path.display()
            )
        })?;
    }
    Ok(files)
}

fn collect(path: &Path, named: bool, files: &mut Vec<PathBuf>) -> Result<(), (PathBuf, std::io::Error)> {
    let told = |error| (path.to_path_buf(), error);
    if path.metadata().map_err(told)?.is_dir() {
        let mut entries = Vec::new();
        for entry in path.read_dir().map_err(told)? {
            let entry = entry.map_err(told)?;
            // A link to a folder may lead round in a ring.
            if !(entry.file_type().map_err(told)?.is_symlink() && entry.path().is_dir()) {
                entries.push(entry.path());
            }
        }
        entries.sort();
        entries.iter().try_for_each(|entry| collect(entry, false, files))
    } else {
        let is_feature = path.extension().is_some_and(|extension| extension == "feature");
        if (named || is_feature) && !files.iter().any(|file| file == path) {
            files.push(path.to_path_buf());
        }
        Ok(())
    }
}
