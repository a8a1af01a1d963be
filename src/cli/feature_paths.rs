//! Which feature files the paths of a command line mean, and which lines of them.

use std::path::{Path, PathBuf};

use super::diagnostic::Diagnostic;

/// A feature file that the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeaturePath {
    /// The file.
    pub file: PathBuf,
    /// The lines that were asked for; none means all of it.
    pub lines: Vec<u32>,
}

/// The feature files that `paths` name: files, `FILE:LINE[:LINE…]`, folders searched in name order, and `@LIST` with such
/// paths in a file, one a line. Each file comes once; a file that is named whole is whole.
///
/// # Errors
/// The first path that cannot be read.
pub fn find(paths: &[PathBuf]) -> Result<Vec<FeaturePath>, Diagnostic> {
    let mut found = Found::default();
    for path in paths {
        match path.to_str().and_then(|text| text.strip_prefix('@')) {
            Some(list) => found.list(list)?,
            None => found.path(path)?,
        }
    }
    Ok(found.files)
}

#[derive(Default)]
struct Found {
    files: Vec<FeaturePath>,
}

impl Found {
    fn list(&mut self, list: &str) -> Result<(), Diagnostic> {
        let text = std::fs::read_to_string(list).map_err(|error| {
            Diagnostic::whole(list, format!("the list cannot be read: {error}"))
                .hint("`@FILE` names a file with a path a line, such as momus-report/rerun.txt")
        })?;
        let lines = text.lines().map(str::trim);
        lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .try_for_each(|line| self.path(Path::new(line)))
    }

    fn path(&mut self, path: &Path) -> Result<(), Diagnostic> {
        if !path.exists()
            && let Some((file, lines)) = path.to_str().and_then(with_lines)
        {
            return self.named(Path::new(file), lines);
        }
        self.named(path, Vec::new())
    }

    fn named(&mut self, path: &Path, lines: Vec<u32>) -> Result<(), Diagnostic> {
        let told = |path: &Path, error: &std::io::Error| {
            let message = match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
                _ => format!("it cannot be read: {error}"),
            };
            Diagnostic::whole(path.display().to_string(), message)
                .hint("name a .feature file, or a folder that has some")
        };
        let metadata = path.metadata().map_err(|error| told(path, &error))?;
        if metadata.is_dir() {
            self.folder(path).map_err(|(path, error)| told(&path, &error))
        } else {
            self.add(path, lines);
            Ok(())
        }
    }

    fn folder(&mut self, folder: &Path) -> Result<(), (PathBuf, std::io::Error)> {
        let told = |error| (folder.to_path_buf(), error);
        let mut entries = Vec::new();
        for entry in folder.read_dir().map_err(told)? {
            let entry = entry.map_err(told)?;
            // A link to a folder may lead round in a ring.
            if !(entry.file_type().map_err(told)?.is_symlink() && entry.path().is_dir()) {
                entries.push(entry.path());
            }
        }
        entries.sort();
        for entry in entries {
            if entry.is_dir() {
                self.folder(&entry)?;
            } else if entry.extension().is_some_and(|extension| extension == "feature") {
                self.add(&entry, Vec::new());
            }
        }
        Ok(())
    }

    fn add(&mut self, file: &Path, lines: Vec<u32>) {
        match self.files.iter_mut().find(|known| known.file == file) {
            Some(known) if lines.is_empty() || known.lines.is_empty() => known.lines.clear(),
            Some(known) => known.lines.extend(lines),
            None => self.files.push(FeaturePath {
                file: file.to_owned(),
                lines,
            }),
        }
    }
}

/// Parts `a.feature:3:19` into its file and its lines.
fn with_lines(text: &str) -> Option<(&str, Vec<u32>)> {
    let mut file = text;
    let mut lines = Vec::new();
    while let Some((before, line)) = file.rsplit_once(':') {
        let Ok(line) = line.parse() else { break };
        lines.insert(0, line);
        file = before;
    }
    (!lines.is_empty()).then_some((file, lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(folder: &Path, paths: &[&str]) -> Result<Vec<(String, Vec<u32>)>, Diagnostic> {
        let paths: Vec<PathBuf> = paths
            .iter()
            .map(|path| match path.strip_prefix('@') {
                Some(list) => PathBuf::from(format!("@{}", folder.join(list).display())),
                None => folder.join(path),
            })
            .collect();
        let relative = |each: FeaturePath| {
            let file = each.file.strip_prefix(folder).unwrap_or(&each.file);
            (file.display().to_string(), each.lines)
        };
        Ok(find(&paths)?.into_iter().map(relative).collect())
    }

    #[test]
    fn files_lines_folders_and_lists_are_found_each_file_once() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path();
        std::fs::create_dir_all(folder.join("f/deep")).unwrap();
        for file in ["f/b.feature", "f/a.feature", "f/deep/c.feature", "f/notes.md"] {
            std::fs::write(folder.join(file), "").unwrap();
        }
        let list = format!("# to run again\n{}\n\n", folder.join("f/a.feature:7").display());
        std::fs::write(folder.join("rerun.txt"), list).unwrap();
        let whole = |file: &str| (file.to_owned(), vec![]);
        assert_eq!(
            found(folder, &["f"]).unwrap(),
            [whole("f/a.feature"), whole("f/b.feature"), whole("f/deep/c.feature")]
        );
        assert_eq!(
            found(folder, &["f/a.feature:3:19", "@rerun.txt"]).unwrap(),
            [("f/a.feature".to_owned(), vec![3, 19, 7])]
        );
        assert_eq!(
            found(folder, &["f/a.feature:3", "f/a.feature"]).unwrap(),
            [whole("f/a.feature")]
        );
    }

    #[test]
    fn what_is_not_there_is_told() {
        let scratch = tempfile::tempdir().unwrap();
        let told = found(scratch.path(), &["gone.feature:3"]).unwrap_err();
        assert!(told.file.ends_with("gone.feature"), "{}", told.file);
        assert_eq!(told.hints, ["name a .feature file, or a folder that has some"]);
        let told = found(scratch.path(), &["@gone.txt"]).unwrap_err();
        assert!(told.message.starts_with("the list cannot be read"), "{}", told.message);
    }
}
