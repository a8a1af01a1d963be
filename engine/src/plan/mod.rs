//! The plan: every selected scenario with every step bound to one definition, or every error of every file.
//!
//! Nothing is started for it. What can be told wrong before a run is told here: undefined and ambiguous steps, names
//! that the mesh has not, tables of the wrong shape, references that nobody gives a value.

mod arguments;
mod error;
mod files;
mod isolated;
mod line;
mod names;
#[cfg(test)]
mod phrases;
mod references;
mod roles;
mod selection;
mod traffic;
mod vacuous;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;

use momus_gherkin::{Pickle, StepType};

pub use self::error::{Place, PlanError, Reason};
use self::line::Line;
pub use self::selection::Selection;
use self::walk::Walk;
use crate::event::{ScenarioPlace, StepPlace};
use crate::matching::Match;
use crate::mesh::Mesh;
use crate::parameter::Value;
use crate::phrase::{Phrase, is_phrase};
use crate::step::{Block, Input, StepDefinition};
use crate::timing::Timing;
use crate::vocabulary::Vocabulary;

/// A feature file, read.
#[derive(Clone, Debug)]
pub struct Feature {
    /// The file as the user named it.
    pub file: String,
    /// The feature's name.
    pub name: String,
    /// Its scenarios.
    pub pickles: Vec<Pickle>,
    /// The lines that the user asked for (`file.feature:12`); none means all.
    pub lines: Vec<u32>,
}

/// What a run runs.
pub struct Plan {
    /// The scenarios, in the order of the files.
    pub scenarios: Vec<PlannedScenario>,
    /// The mesh that the names were checked against.
    pub mesh: Option<Arc<Mesh>>,
    /// What `--variable` gave.
    pub variables: Arc<BTreeMap<String, String>>,
}

/// What keeps a plan from being made.
#[derive(Debug)]
pub struct Unplanned {
    /// What is wrong with phrases, whoever calls them.
    pub of_phrases: Vec<PlanError>,
    /// Every error of a scenario, each once, by file and place.
    pub errors: Vec<PlanError>,
    /// Every selected scenario with the errors in it: its own, and those of its Background.
    pub scenarios: Vec<(Arc<ScenarioPlace>, Vec<PlanError>)>,
}

/// A scenario whose steps are bound.
pub struct PlannedScenario {
    /// Where it stands.
    pub place: Arc<ScenarioPlace>,
    /// Its steps, those of its Background first, and those of a phrase in place of the step that calls it.
    pub steps: Vec<PlannedStep>,
    /// Whether a step names something of the mesh; without one it starts nothing.
    pub needs_sandbox: bool,
    /// Whether a step needs walls around services.
    pub needs_walls: bool,
    /// The datastores and brokers that it wants servers of its own for, by its tags.
    pub isolated: Vec<String>,
}

/// A step bound to its definition.
pub struct PlannedStep {
    /// Where it stands and what it says.
    pub place: Arc<StepPlace>,
    /// Whether it arranges, acts or expects; a conjunction is what the step before it is, and `*` in a phrase what the
    /// step is that calls it.
    pub kind: StepType,
    /// What it does.
    pub definition: Arc<StepDefinition>,
    /// The names that it reads of those that steps before it give.
    pub reads: Vec<String>,
    found: Arc<Match>,
    block: Block,
}

impl PlannedStep {
    /// What its function is given.
    pub fn input(&self) -> Input {
        Input {
            values: self.values().to_vec().into_iter(),
            block: self.block.clone(),
        }
    }

    /// When it must hold, where its sentence can say so.
    pub fn timing(&self) -> Option<Timing> {
        self.values().iter().find_map(|value| match value {
            Value::Timing(timing) => Some(*timing),
            _ => None,
        })
    }

    fn values(&self) -> &[Value] {
        match &*self.found {
            Match::One(_, values) => values,
            Match::None(_) | Match::Phrase(..) | Match::Several(_) | Match::Unreadable(..) => &[],
        }
    }
}

/// What a plan is made from.
pub struct Planner<'p> {
    /// The sentences.
    pub vocabulary: &'p Vocabulary,
    /// The mesh, where one was named.
    pub mesh: Option<Arc<Mesh>>,
    /// What `--variable` gave.
    pub variables: Arc<BTreeMap<String, String>>,
}

impl Planner<'_> {
    /// Plans what is selected. The features are given up one after another: there may be many.
    ///
    /// # Errors
    /// Every error of every selected scenario.
    pub fn plan(&self, features: impl IntoIterator<Item = Feature>, selection: &Selection) -> Result<Plan, Unplanned> {
        let mut scenarios = Vec::new();
        let mut errors = Vec::new();
        for feature in features {
            for pickle in &feature.pickles {
                if !is_phrase(pickle) && selection.selects(pickle, &feature.lines) {
                    let (scenario, found) = self.scenario(&feature, pickle);
                    scenarios.push(scenario);
                    errors.push(found);
                }
            }
        }
        let of_phrases = self.vocabulary.errors();
        if !of_phrases.is_empty() || errors.iter().any(|found| !found.is_empty()) {
            let places = scenarios.into_iter().map(|scenario| scenario.place);
            return Err(Unplanned {
                of_phrases: PlanError::merged(of_phrases.iter().cloned()),
                errors: PlanError::merged(errors.iter().flatten().cloned()),
                scenarios: places.zip(errors).collect(),
            });
        }
        Ok(Plan {
            scenarios,
            mesh: self.mesh.clone(),
            variables: self.variables.clone(),
        })
    }

    /// The phrases that no step calls, neither one of these features nor one of another phrase.
    pub fn unused(&self, features: &[Feature]) -> Vec<&Phrase> {
        let phrases = self.vocabulary.phrases();
        if phrases.is_empty() {
            return Vec::new();
        }
        let mut used = vec![false; phrases.len()];
        let scenarios = features.iter().flat_map(|feature| &feature.pickles);
        let steps = scenarios
            .filter(|pickle| !is_phrase(pickle))
            .flat_map(|pickle| &pickle.steps)
            .chain(phrases.iter().flat_map(|phrase| &phrase.steps).map(|inner| &inner.step));
        for step in steps {
            if let Match::Phrase(index, _) = *self.vocabulary.expressions().find(&step.text) {
                used[index] = true;
            }
        }
        phrases
            .iter()
            .zip(used)
            .filter(|(_, used)| !used)
            .map(|(phrase, _)| phrase)
            .collect()
    }

    fn scenario(&self, feature: &Feature, pickle: &Pickle) -> (PlannedScenario, Vec<PlanError>) {
        let mut walk = Walk::new(self);
        if pickle.steps.is_empty() {
            let reason = Reason::invalid(
                "this scenario has no steps: it would pass and test nothing; hint: a line that begins with no keyword is taken for a description, a misspelt first step too",
            );
            walk.errors.push(PlanError::new(&feature.file, pickle.location, reason));
        }
        for step in &pickle.steps {
            walk.step(&Line::own(step, &feature.file), step.kind);
        }
        walk.end();
        let isolated = self.isolated(&feature.file, pickle, &mut walk.errors);
        let scenario = PlannedScenario {
            place: Arc::new(ScenarioPlace {
                file: feature.file.clone(),
                line: pickle.location.line as usize,
                feature: feature.name.clone(),
                rule: pickle.rule.as_ref().map(|rule| rule.name.clone()),
                name: pickle.name.clone(),
                tags: pickle.tags.iter().map(|tag| tag.name.clone()).collect(),
                is_example_row: pickle.row.is_some(),
            }),
            steps: walk.steps,
            needs_sandbox: walk.needs_sandbox,
            needs_walls: walk.needs_walls,
            isolated,
        };
        walk.errors.sort_unstable();
        walk.errors.dedup();
        (scenario, walk.errors)
    }
}
