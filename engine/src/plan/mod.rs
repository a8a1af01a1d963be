//! The plan: every selected scenario with every step bound to one definition, or every error of every file.
//!
//! Nothing is started for it. What can be told wrong before a run is told here: undefined and ambiguous steps, names
//! that the mesh has not, tables of the wrong shape, references that nobody gives a value.

mod arguments;
mod error;
mod names;
mod references;
mod selection;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use momus_gherkin::{Location, Pickle, PickleArgument, PickleStep, StepType};

pub use self::error::{PlanError, Reason};
pub use self::selection::Selection;
use crate::event::ScenarioPlace;
use crate::matching::Match;
use crate::mesh::Mesh;
use crate::parameter::Value;
use crate::step::{Block, BlockShape, Input, StepDefinition};
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
    /// Every error, each once, by file and place.
    pub errors: Vec<PlanError>,
    /// Every selected scenario with the errors in it: its own, and those of its Background.
    pub scenarios: Vec<(ScenarioPlace, Vec<PlanError>)>,
}

/// A scenario whose steps are bound.
pub struct PlannedScenario {
    /// Where it stands.
    pub place: ScenarioPlace,
    /// Its steps, those of its Background first.
    pub steps: Vec<PlannedStep>,
    /// Whether a step names something of the mesh; without one it starts nothing.
    pub needs_sandbox: bool,
}

/// A step bound to its definition.
pub struct PlannedStep {
    /// Its line in the file.
    pub line: usize,
    /// Keyword and text.
    pub text: String,
    /// Whether it arranges, acts or expects; a conjunction is what the step before it is.
    pub kind: StepType,
    /// What it does.
    pub definition: StepDefinition,
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
            Match::None(_) | Match::Several(_) | Match::Unreadable(..) => &[],
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
    /// Plans what is selected.
    ///
    /// # Errors
    /// Every error of every selected scenario.
    pub fn plan(&self, features: &[Feature], selection: &Selection) -> Result<Plan, Unplanned> {
        let mut scenarios = Vec::new();
        let mut errors = Vec::new();
        for feature in features {
            for pickle in &feature.pickles {
                if selection.selects(pickle, &feature.lines) {
                    let mut found = BTreeSet::new();
                    scenarios.push(self.scenario(feature, pickle, &mut found));
                    errors.push(found);
                }
            }
        }
        if errors.iter().any(|found| !found.is_empty()) {
            let places = scenarios.into_iter().map(|scenario| scenario.place);
            return Err(Unplanned {
                errors: errors
                    .iter()
                    .flatten()
                    .cloned()
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect(),
                scenarios: places
                    .zip(errors)
                    .map(|(place, found)| (place, found.into_iter().collect()))
                    .collect(),
            });
        }
        Ok(Plan {
            scenarios,
            mesh: self.mesh.clone(),
            variables: self.variables.clone(),
        })
    }

    fn scenario(&self, feature: &Feature, pickle: &Pickle, errors: &mut BTreeSet<PlanError>) -> PlannedScenario {
        let mut scenario = PlannedScenario {
            place: ScenarioPlace {
                file: feature.file.clone(),
                line: pickle.location.line as usize,
                feature: feature.name.clone(),
                rule: pickle.rule.as_ref().map(|rule| rule.name.clone()),
                name: pickle.name.clone(),
                tags: pickle.tags.iter().map(|tag| tag.name.clone()).collect(),
            },
            steps: Vec::with_capacity(pickle.steps.len()),
            needs_sandbox: false,
        };
        if pickle.steps.is_empty() {
            let reason = Reason::invalid(
                "this scenario has no steps: it would pass and test nothing; hint: a line that begins with no keyword is taken for a description, a misspelt first step too",
            );
            errors.insert(PlanError::new(&feature.file, pickle.location, reason));
        }
        let mut kept: Vec<&str> = Vec::new();
        let mut injected = Vec::new();
        let texts: Vec<Arc<Match>> = pickle
            .steps
            .iter()
            .map(|step| self.vocabulary.expressions().find(&step.text))
            .collect();
        for (index, (step, found)) in pickle.steps.iter().zip(&texts).enumerate() {
            let tell = |reason, location: Location| PlanError::new(&feature.file, location, reason);
            let (definition, values) = match &**found {
                Match::One(index, values) => (&self.vocabulary.definitions()[*index], values),
                other => {
                    errors.insert(tell(self.unbound(other, &step.text), step.location));
                    continue;
                }
            };
            let block = block_of(step);
            let mut found_here = Vec::new();
            self.names(values, step, &mut found_here);
            if found_here.is_empty() {
                let all_bound = scenario.steps.len() == index;
                let injected = all_bound.then_some(injected.as_slice());
                self.arguments(definition, values, step, injected, &mut found_here);
            }
            injected.extend(definition.injects.map(|name| name(values)));
            self.references(values, step, &kept, &mut found_here);
            self.shape(definition, &block, step, &mut found_here);
            errors.extend(found_here.into_iter().map(|(location, reason)| tell(reason, location)));
            scenario.needs_sandbox |= values.iter().any(|value| matches!(value, Value::Name { .. }));
            kept.extend(values.iter().filter_map(|value| match value {
                Value::Alias(Some(name)) => Some(name.as_str()),
                _ => None,
            }));
            scenario.steps.push(PlannedStep {
                line: step.location.line as usize,
                text: format!("{}{}", step.keyword, step.text),
                kind: step.kind,
                definition: definition.clone(),
                reads: references::reads(values, step, &kept),
                found: Arc::clone(found),
                block,
            });
        }
        scenario
    }

    fn unbound(&self, found: &Match, text: &str) -> Reason {
        let definition = |index: &usize| {
            let definition = &self.vocabulary.definitions()[*index];
            format!("{}  ({}:{})", definition.expression, definition.file, definition.line)
        };
        match found {
            Match::None(nearest) => Reason::Undefined {
                text: text.to_owned(),
                nearest: nearest.iter().map(|&each| each.to_owned()).collect(),
            },
            Match::Several(indices) => Reason::Ambiguous {
                candidates: indices.iter().map(definition).collect(),
            },
            Match::Unreadable(_, message) => Reason::invalid(message),
            Match::One(..) => Reason::invalid("it is bound"),
        }
    }

    fn shape(
        &self,
        definition: &StepDefinition,
        block: &Block,
        step: &PickleStep,
        errors: &mut Vec<(Location, Reason)>,
    ) {
        let check = match (definition.block, block) {
            (BlockShape::Nothing | BlockShape::Optional(_), Block::Nothing) => return,
            (BlockShape::Nothing, _) => {
                errors.push((
                    step.location,
                    Reason::invalid("this step takes no table and no doc string"),
                ));
                return;
            }
            (BlockShape::Required(_), Block::Nothing) => {
                let reason = Reason::invalid(format!(
                    "this step needs what stands below it; hint: see `momus steps \"{}\"`",
                    definition.expression
                ));
                errors.push((step.location, reason));
                return;
            }
            (BlockShape::Optional(check) | BlockShape::Required(check), _) => check,
        };
        if let Err(error) = check(block) {
            let row = error.row.and_then(|row| rows(step).get(row).map(|found| (row, found)));
            let cell = row.and_then(|(_, row)| row.cells.get(error.cell?));
            let location = cell
                .map(|cell| cell.location)
                .or(row.map(|(_, row)| row.location))
                .unwrap_or(step.location);
            errors.push((location, Reason::invalid(error.message)));
        }
    }
}

fn rows(step: &PickleStep) -> &[momus_gherkin::PickleRow] {
    match &step.argument {
        Some(PickleArgument {
            data_table: Some(table),
            ..
        }) => &table.rows,
        _ => &[],
    }
}

fn block_of(step: &PickleStep) -> Block {
    match &step.argument {
        Some(PickleArgument {
            data_table: Some(table),
            ..
        }) => {
            let cells = |row: &momus_gherkin::PickleRow| row.cells.iter().map(|cell| cell.value.clone()).collect();
            Block::Table(table.rows.iter().map(cells).collect())
        }
        Some(PickleArgument {
            doc_string: Some(doc), ..
        }) => Block::Text {
            content: doc.content.clone(),
            media_type: doc.media_type.clone(),
        },
        _ => Block::Nothing,
    }
}
