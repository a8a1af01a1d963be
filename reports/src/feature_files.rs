//! The user's own feature files, for reports that show their lines; each is read once.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

use momus_engine::event::ScenarioPlace;
use momus_engine::masks::Masks;
use momus_gherkin::{FeatureChild, GherkinDocument, Pickle, RuleChild, Scenario};

/// The feature files that a report has looked into so far.
#[derive(Default)]
pub(crate) struct FeatureFiles {
    masks: Arc<Masks>,
    read: HashMap<String, FeatureFile>,
}

/// A feature file; empty where it cannot be read or is none.
#[derive(Default)]
pub(crate) struct FeatureFile {
    lines: Vec<String>,
    pub(crate) document: GherkinDocument,
    pickles: Vec<Pickle>,
    /// Where each line's pickle is in `pickles`.
    at: HashMap<usize, usize>,
    /// The keyword of the scenario or outline on each line.
    keywords: HashMap<u32, &'static str>,
    /// The keyword of the step on each line.
    step_keywords: HashMap<usize, &'static str>,
}

impl FeatureFiles {
    /// The files without what these mask.
    pub(crate) fn masked(masks: Arc<Masks>) -> Self {
        Self {
            masks,
            read: HashMap::new(),
        }
    }

    /// The file as it is now, or was when it was first asked for.
    pub(crate) fn file(&mut self, file: &str) -> &FeatureFile {
        self.read
            .entry(file.to_owned())
            .or_insert_with(|| FeatureFile::read(file, &self.masks))
    }
}

impl FeatureFile {
    fn read(file: &str, masks: &Masks) -> Self {
        let Ok(source) = fs::read_to_string(file) else {
            return Self::default();
        };
        let masked = |text: &str| masks.text(text).into_owned();
        let mut document = momus_gherkin::parse(&source).unwrap_or_default();
        let mut pickles = momus_gherkin::pickles(&document, file);
        for step in pickles.iter_mut().flat_map(|pickle| &mut pickle.steps) {
            step.text = masked(&step.text);
        }
        for tag in document.feature.iter_mut().flat_map(|feature| &mut feature.tags) {
            tag.name = masked(&tag.name);
        }
        let places = pickles.iter().map(|pickle| pickle.location.line as usize);
        Self {
            lines: source.lines().map(masked).collect(),
            at: places.zip(0..).collect(),
            keywords: scenarios(&document)
                .map(|scenario| (scenario.location.line, scenario.keyword))
                .collect(),
            step_keywords: pickles
                .iter()
                .flat_map(|pickle| &pickle.steps)
                .map(|step| (step.location.line as usize, step.keyword))
                .collect(),
            document,
            pickles,
        }
    }

    /// A line as the user wrote it, counted from 1.
    pub(crate) fn line(&self, line: usize) -> Option<&str> {
        self.lines.get(line.checked_sub(1)?).map(String::as_str)
    }

    /// The scenario, or row of an outline, that stands there.
    pub(crate) fn pickle(&self, place: &ScenarioPlace) -> Option<&Pickle> {
        self.at.get(&place.line).and_then(|index| self.pickles.get(*index))
    }

    /// The keyword of a scenario or outline, as the file's dialect has it.
    pub(crate) fn scenario_keyword(&self, pickle: &Pickle) -> Option<&'static str> {
        self.keywords.get(&pickle.scenario.line).copied()
    }

    /// The keyword of the step on a line, as the file's dialect has it.
    pub(crate) fn step_keyword(&self, line: usize) -> Option<&'static str> {
        self.step_keywords.get(&line).copied()
    }
}

fn scenarios(document: &GherkinDocument) -> impl Iterator<Item = &Scenario> {
    let children = document.feature.iter().flat_map(|feature| &feature.children);
    children.flat_map(|child| match child {
        FeatureChild::Background(_) => Vec::new(),
        FeatureChild::Scenario(scenario) => vec![scenario],
        FeatureChild::Rule(rule) => {
            let children = rule.children.iter();
            children
                .filter_map(|child| match child {
                    RuleChild::Background(_) => None,
                    RuleChild::Scenario(scenario) => Some(scenario),
                })
                .collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::place;

    const FEATURE: &str = "Feature: Charges\n  Background:\n    Given the bank answers\n\n  Scenario: one\n    When shop charges 5\n\n  Rule: many\n    Scenario Outline: more\n      When shop charges <amount>\n      Examples:\n        | amount |\n        | 7      |\n";

    #[test]
    fn lines_rows_and_keywords_are_those_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.feature");
        fs::write(&path, FEATURE).unwrap();
        let path = path.to_str().unwrap();
        let mut files = FeatureFiles::default();
        let file = files.file(path);
        assert_eq!(file.line(6), Some("    When shop charges 5"));
        assert_eq!((file.line(0), file.line(99)), (None, None));
        let (scenario, row) = (place(path, 5, None, "any"), place(path, 13, None, "any"));
        let keyword = |place| file.scenario_keyword(file.pickle(place).unwrap());
        assert_eq!(
            (keyword(&scenario), keyword(&row)),
            (Some("Scenario"), Some("Scenario Outline"))
        );
        assert_eq!((file.step_keyword(6), file.step_keyword(5)), (Some("When "), None));
    }

    #[test]
    fn a_secret_that_stands_in_a_file_is_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.feature");
        fs::write(&path, FEATURE).unwrap();
        let path = path.to_str().unwrap();
        let masks = Masks::new(["charges 5".to_owned()], []).unwrap();
        let mut files = FeatureFiles::masked(Arc::new(masks));
        let file = files.file(path);
        assert_eq!(file.line(6), Some("    When shop ***"));
        let pickle = file.pickle(&place(path, 5, None, "any")).unwrap();
        assert_eq!(pickle.steps[1].text, "shop ***");
    }

    #[test]
    fn a_file_that_is_not_there_has_no_lines() {
        let mut files = FeatureFiles::default();
        let file = files.file("gone.feature");
        assert_eq!(file.line(1), None);
        assert!(file.pickle(&place("gone.feature", 1, None, "any")).is_none());
    }
}
