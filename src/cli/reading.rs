//! The feature files of a command line, read, with the phrases that they may call: their own, and those of the project.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use momus_engine::phrase::{Phrase, TAG, is_phrase};
use momus_engine::plan::Feature;

use super::diagnostic::Diagnostic;
use super::feature_paths::{self, FeaturePath};
use super::settings_file::SettingsFile;

/// The folder beside a feature file whose phrases it may call where momus.toml names no features.
const STEPS: &str = "steps";

/// What was read.
#[derive(Default)]
pub struct Reading {
    /// The feature files that are asked for.
    pub features: Vec<Feature>,
    /// Their phrases, and those of the project's other files.
    pub phrases: Vec<Phrase>,
    /// How many files there were, those of the project's others that have phrases included.
    pub files: usize,
    /// Every file's text, by the name that the user gave it.
    pub texts: HashMap<String, String>,
    /// What is wrong with the files that are asked for.
    pub errors: Vec<Diagnostic>,
    /// What is wrong with others that may have phrases: it matters where a phrase is missed.
    pub of_others: Vec<Diagnostic>,
    /// Whether the project has no other file: only then is a phrase unused that nothing calls.
    pub is_whole: bool,
    /// The files that phrases were taken from: one may be named in two ways.
    taken: HashSet<PathBuf>,
}

impl Reading {
    /// Reads the files that the paths mean. Phrases are taken from all of them, and from those that `features` of
    /// momus.toml names; where it names none, from the folder `steps` beside each file.
    ///
    /// # Errors
    /// The first path that does not lead to a file.
    pub fn of(paths: &[PathBuf], settings: &SettingsFile) -> Result<Self, Diagnostic> {
        let named = feature_paths::find(paths)?;
        let mut reading = Self {
            files: named.len(),
            ..Self::default()
        };
        let folders = match settings.features.is_empty() {
            true => beside(&named),
            false => settings.features.clone(),
        };
        // What is not there has no phrases: whoever asks for it is told.
        let others = folders
            .into_iter()
            .filter_map(|folder| feature_paths::find(&[folder]).ok());
        let mut others: Vec<FeaturePath> = others.flatten().collect();
        if !others.is_empty() {
            let known: HashSet<PathBuf> = named.iter().filter_map(|path| path.file.canonicalize().ok()).collect();
            others.retain(|other| !other.file.canonicalize().is_ok_and(|file| known.contains(&file)));
        }
        for path in named {
            reading.asked_for(path);
        }
        reading.is_whole = others.is_empty() && paths.iter().all(|path| path.is_dir());
        for other in others {
            reading.other(&other.file);
        }
        Ok(reading)
    }

    /// Whether no file that is asked for has a scenario, phrases aside.
    pub fn has_no_scenario(&self) -> bool {
        self.features.iter().flat_map(|feature| &feature.pickles).all(is_phrase)
    }

    /// A line as it stands in a file.
    pub fn line(&self, file: &str, line: usize) -> Option<&str> {
        self.texts.get(file)?.lines().nth(line.checked_sub(1)?)
    }

    fn asked_for(&mut self, path: FeaturePath) {
        let file = path.file.display().to_string();
        let text = match std::fs::read_to_string(&path.file) {
            Ok(text) => text,
            Err(error) => {
                self.errors
                    .push(Diagnostic::whole(file, format!("cannot read it: {error}")));
                return;
            }
        };
        match momus_gherkin::parse(&text) {
            Ok(document) => {
                self.features.push(Feature {
                    name: document
                        .feature
                        .as_ref()
                        .map(|feature| feature.name.clone())
                        .unwrap_or_default(),
                    pickles: momus_gherkin::pickles(&document, &file),
                    lines: path.lines,
                    file: file.clone(),
                });
                self.take(&path.file, &document, &file);
            }
            Err(found) => self
                .errors
                .extend(found.iter().map(|error| Diagnostic::of_parse(&file, &text, error))),
        }
        self.texts.insert(file, text);
    }

    /// Reads a file for its phrases alone.
    fn other(&mut self, path: &Path) {
        let Ok(text) = std::fs::read_to_string(path) else {
            return;
        };
        if !text.contains(TAG) {
            return;
        }
        self.files += 1;
        let file = path.display().to_string();
        match momus_gherkin::parse(&text) {
            Ok(document) => self.take(path, &document, &file),
            Err(found) => self
                .of_others
                .extend(found.iter().map(|error| Diagnostic::of_parse(&file, &text, error))),
        }
        self.texts.insert(file, text);
    }

    fn take(&mut self, path: &Path, document: &momus_gherkin::GherkinDocument, file: &str) {
        let phrases = Phrase::all(document, file);
        if phrases.is_empty() {
            return;
        }
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if self.taken.insert(path) {
            self.phrases.extend(phrases);
        }
    }
}

/// The folders `steps` beside the files, each once.
fn beside(files: &[FeaturePath]) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = files
        .iter()
        .filter_map(|path| path.file.parent())
        .map(|folder| folder.join(STEPS))
        .filter(|folder| folder.is_dir())
        .collect();
    folders.sort_unstable();
    folders.dedup();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEATURE: &str = "Feature: f\n  Scenario: s\n    Given a\n";

    fn phrase(name: &str) -> String {
        format!("Feature: p\n  @phrase\n  Scenario: {name}\n    Given a\n")
    }

    /// The names of the phrases that are read for these paths, and whether it is the whole project.
    fn read(folder: &Path, paths: &[&str], features: &[&str]) -> (Vec<String>, bool) {
        let within = |paths: &[&str]| paths.iter().map(|path| folder.join(path)).collect::<Vec<_>>();
        let settings = SettingsFile {
            features: within(features),
            ..SettingsFile::default()
        };
        let read = Reading::of(&within(paths), &settings).unwrap();
        assert!(read.errors.is_empty() && read.of_others.is_empty());
        let names = read.phrases.iter().map(|phrase| phrase.sentence.name().to_owned());
        (names.collect(), read.is_whole)
    }

    #[test]
    fn phrases_are_those_of_the_files_and_of_the_project() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path();
        for (file, text) in [
            (
                "f/a.feature",
                format!("{FEATURE}{}", phrase("own").trim_start_matches("Feature: p\n")),
            ),
            ("f/steps/one.feature", phrase("one")),
            ("f/deep/b.feature", FEATURE.to_owned()),
            ("f/deep/steps/two.feature", phrase("two")),
            ("more/c.feature", phrase("three")),
        ] {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(read(folder, &["f/a.feature"], &[]), (names(&["own", "one"]), false));
        assert_eq!(read(folder, &["f/deep/b.feature"], &[]), (names(&["two"]), false));
        assert_eq!(read(folder, &["f"], &[]), (names(&["own", "two", "one"]), true));
        assert_eq!(
            read(folder, &["f/deep/b.feature"], &["f", "more", "gone"]),
            (names(&["own", "two", "one", "three"]), false)
        );
        assert_eq!(
            read(folder, &["f", "f/../f"], &["f"]),
            (names(&["own", "two", "one"]), true)
        );
    }

    #[test]
    fn what_is_wrong_with_others_is_kept_apart() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("steps")).unwrap();
        std::fs::write(
            scratch.path().join("steps/p.feature"),
            "Feature: p\n  @phrase\n  Scenario: s\n    Given a\n      | 1 |\n      | 1 | 2 |\n",
        )
        .unwrap();
        let file = scratch.path().join("a.feature");
        std::fs::write(&file, FEATURE).unwrap();
        let read = Reading::of(&[file], &SettingsFile::default()).unwrap();
        assert_eq!((read.errors.len(), read.of_others.len(), read.files), (0, 1, 2));
    }
}
