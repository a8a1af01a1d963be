//! Phrases: sentences of a project's own, written in Gherkin.
//!
//! A scenario tagged `@phrase` is no scenario: its name is a sentence, and a step that says it does the steps below it.

mod correct;
mod fill;
mod overlap;
pub mod placeholder;
mod recursion;
pub mod sentence;

use momus_gherkin::{
    Feature, FeatureChild, GherkinDocument, KeywordType, Location, Pickle, PickleStep, RuleChild, Scenario, Tag,
};

pub(crate) use self::correct::passes_table;
pub use self::fill::Filling;
pub(crate) use self::overlap::Language;
pub(crate) use self::recursion::{recursion, recursions};
use self::sentence::Sentence;
use crate::plan::PlanError;

/// The tag of a scenario that is a phrase.
pub const TAG: &str = "@phrase";

/// A sentence of a project's own, and the steps that it stands for.
#[derive(Debug)]
pub struct Phrase {
    /// The file as the user named it.
    pub file: String,
    /// Where it is.
    pub location: Location,
    /// Its name: what a step says to call it.
    pub sentence: Sentence,
    /// What stands between its name and its steps, in the user's words.
    pub description: String,
    /// Its steps, placeholders in them.
    pub steps: Vec<PhraseStep>,
    /// What is wrong with it by itself; with something wrong it cannot be called.
    pub errors: Vec<PlanError>,
}

/// A step of a phrase.
#[derive(Clone, Debug)]
pub struct PhraseStep {
    /// The step.
    pub step: PickleStep,
    /// What kind of step its keyword begins.
    pub keyword: KeywordType,
}

/// Whether it is no scenario, but one that is a phrase.
pub fn is_phrase(pickle: &Pickle) -> bool {
    pickle.tags.iter().any(|tag| tag.name == TAG)
}

impl Phrase {
    /// The phrases of a feature file, in order, those in error too.
    pub fn all(document: &GherkinDocument, file: &str) -> Vec<Self> {
        let Some(feature) = &document.feature else {
            return Vec::new();
        };
        let tagged = scenarios(feature).filter(|(scenario, inherited)| {
            let examples = scenario.examples.iter().flat_map(|examples| &examples.tags);
            *inherited || has_tag(&scenario.tags) || examples.clone().any(|tag| tag.name == TAG)
        });
        let tagged: Vec<&Scenario> = tagged.map(|(scenario, _)| scenario).collect();
        if tagged.is_empty() {
            return Vec::new();
        }
        let pickles = momus_gherkin::pickles(document, file);
        let phrases = tagged.into_iter().map(|scenario| {
            let own = |pickle: &&Pickle| pickle.ast_node_ids.first() == Some(&scenario.id);
            let pickle = pickles.iter().find(own).filter(|_| scenario.examples.is_empty());
            Self::read(scenario, pickle, file)
        });
        phrases.collect()
    }

    fn read(scenario: &Scenario, pickle: Option<&Pickle>, file: &str) -> Self {
        // The Background's steps stand before its own, and are not the phrase's.
        let steps = pickle.map_or(&[][..], |pickle| &pickle.steps);
        let steps = &steps[steps.len().saturating_sub(scenario.steps.len())..];
        let mut phrase = Self {
            file: file.to_owned(),
            location: scenario.location,
            sentence: Sentence::new(&scenario.name),
            description: scenario.description.clone(),
            steps: steps
                .iter()
                .zip(&scenario.steps)
                .map(|(step, written)| PhraseStep {
                    step: step.clone(),
                    keyword: written.keyword_type,
                })
                .collect(),
            errors: Vec::new(),
        };
        phrase.errors = correct::errors(scenario, &phrase);
        phrase
    }
}

/// Every scenario of a feature, with the tags of the rule and the feature that it stands in.
fn scenarios(feature: &Feature) -> impl Iterator<Item = (&Scenario, bool)> {
    let inherited = has_tag(&feature.tags);
    feature.children.iter().flat_map(move |child| match child {
        FeatureChild::Background(_) => Vec::new(),
        FeatureChild::Scenario(scenario) => vec![(scenario, inherited)],
        FeatureChild::Rule(rule) => {
            let inherited = inherited || has_tag(&rule.tags);
            let scenarios = rule.children.iter().filter_map(|child| match child {
                RuleChild::Background(_) => None,
                RuleChild::Scenario(scenario) => Some((scenario, inherited)),
            });
            scenarios.collect()
        }
    })
}

fn has_tag(tags: &[Tag]) -> bool {
    tags.iter().any(|tag| tag.name == TAG)
}
