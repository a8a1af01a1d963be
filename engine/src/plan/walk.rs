//! The way through the steps of a scenario, those of the phrases that it calls included.

use std::sync::Arc;

use momus_gherkin::{KeywordType, Location, PickleStep, StepType};

use super::error::{Place, PlanError, Reason};
use super::line::{Line, Spot};
use super::roles;
use super::traffic::Traffics;
use super::{PlannedStep, Planner, files, references};
use crate::event::{Frame, StepPlace};
use crate::files::Files;
use crate::matching::Match;
use crate::parameter::Value;
use crate::phrase::placeholder::{TABLE, TEXT, names};
use crate::phrase::sentence::Argument;
use crate::phrase::{Phrase, passes_table, recursion};
use crate::step::{Block, BlockShape, StepDefinition};

/// How far the planning of a scenario has come.
pub(super) struct Walk<'p> {
    planner: &'p Planner<'p>,
    /// The steps, bound.
    pub steps: Vec<PlannedStep>,
    /// What is wrong.
    pub errors: Vec<PlanError>,
    /// Whether a step names something of the mesh.
    pub needs_sandbox: bool,
    pub needs_walls: bool,
    /// The names that steps before give.
    kept: Vec<String>,
    /// The faults that steps before inject.
    injected: Vec<String>,
    /// The traffics that steps before begin.
    traffics: Traffics,
    /// Whether a step before is bound to nothing: it may be the one that would have given what is missed.
    unbound: bool,
    /// The calls that the current step stands under, outermost first.
    calls: Vec<Call>,
}

/// A call of a phrase.
struct Call {
    frame: Frame,
    location: Location,
    phrase: usize,
}

impl<'p> Walk<'p> {
    /// The way of a planner, before the first step.
    pub fn new(planner: &'p Planner<'p>) -> Self {
        Self {
            planner,
            steps: Vec::new(),
            errors: Vec::new(),
            needs_sandbox: false,
            needs_walls: false,
            kept: Vec::new(),
            injected: Vec::new(),
            traffics: Traffics::default(),
            unbound: false,
            calls: Vec::new(),
        }
    }

    /// Plans a step that is what `kind` says.
    pub fn step(&mut self, line: &Line<'p>, kind: StepType) {
        let vocabulary = self.planner.vocabulary;
        let found = vocabulary.expressions().find(&line.step.text);
        match &*found {
            Match::One(index, values) => {
                let definition = &vocabulary.definitions()[*index];
                self.bind(line, kind, definition, values, &found);
            }
            Match::Phrase(index, arguments) => match vocabulary.usable(*index) {
                Some(phrase) => self.call(line, kind, *index, phrase, arguments),
                // What is wrong with it is told once, where it stands.
                None => self.unbound = true,
            },
            other => {
                self.unbound = true;
                let reason = self.unbound(other, &line.step.text);
                self.tell(line, Spot::Step, reason);
            }
        }
    }

    /// Tells what is wrong with the scenario as a whole.
    pub fn end(&mut self) {
        let traffics = std::mem::take(&mut self.traffics);
        if !self.unbound {
            self.errors.extend(traffics.unasked());
        }
    }

    fn tell(&mut self, line: &Line<'p>, spot: Spot, reason: Reason) {
        let error = self.error(line, spot, reason);
        self.errors.push(error);
    }

    /// What is wrong with a part of a step: on the line where that is written, and on those that led there.
    fn error(&self, line: &Line<'p>, spot: Spot, reason: Reason) -> PlanError {
        let written = line.written(spot);
        let step = Place {
            file: line.file.to_owned(),
            location: line.step.location,
            what: "passed on here",
        };
        let calls = self.calls.iter().rev().map(|call| Place {
            file: call.frame.file.clone(),
            location: call.location,
            what: "called here",
        });
        let led_there = written.passed_on.then_some(step).into_iter().chain(calls);
        PlanError::new(written.file, written.location, reason).and_at(led_there)
    }

    fn bind(
        &mut self,
        line: &Line<'p>,
        kind: StepType,
        definition: &Arc<StepDefinition>,
        values: &[Value],
        found: &Arc<Match>,
    ) {
        let block = line.block();
        let mut wrong = Vec::new();
        self.planner.names(values, line, &mut wrong);
        let filled = self.planner.mesh.as_ref().and_then(|mesh| roles::filled(mesh, values));
        let values = filled.as_deref().unwrap_or(values);
        if wrong.is_empty() {
            let injected = (!self.unbound).then_some(self.injected.as_slice());
            self.planner.arguments(definition, values, injected, &mut wrong);
        }
        self.injected.extend(definition.injects.map(|name| name(values)));
        let mut traffics = std::mem::take(&mut self.traffics);
        let unasked = |reason| self.error(line, Spot::Step, reason);
        wrong.extend(
            traffics
                .step(values, self.unbound, unasked)
                .map(|reason| (Spot::Step, reason)),
        );
        self.traffics = traffics;
        let calls = self.calls.iter().map(|call| &call.frame);
        files::check(values, &Files::of(line.file, calls), &mut wrong);
        self.planner.references(values, line, &self.kept, &mut wrong);
        shape(definition, &block, &mut wrong);
        for (spot, reason) in wrong {
            self.tell(line, spot, reason);
        }
        let found = match (&**found, &filled) {
            (Match::One(index, _), Some(values)) => Arc::new(Match::One(*index, values.clone())),
            _ => Arc::clone(found),
        };
        let named = values.iter().any(|value| matches!(value, Value::Name { .. }));
        self.needs_sandbox |= named || definition.telemetry.is_some() || definition.walls;
        self.needs_walls |= definition.walls;
        self.kept.extend(values.iter().filter_map(|value| match value {
            Value::Alias(name) => name.clone(),
            _ => None,
        }));
        self.steps.push(PlannedStep {
            place: Arc::new(StepPlace {
                file: (!self.calls.is_empty()).then(|| line.file.to_owned()),
                line: line.step.location.line as usize,
                text: said(&line.step),
                within: self.calls.iter().map(|call| call.frame.clone()).collect(),
            }),
            kind,
            definition: Arc::clone(definition),
            reads: references::reads(values, line, &self.kept),
            found,
            block,
        });
    }

    fn call(&mut self, line: &Line<'p>, kind: StepType, index: usize, phrase: &'p Phrase, arguments: &[Argument]) {
        if let Some(at) = self.calls.iter().position(|call| call.phrase == index) {
            // Which phrase the step calls was told only by an argument: else it had been found before.
            let also = self.calls[at..].iter().rev().map(|call| Place {
                file: call.frame.file.clone(),
                location: call.location,
                what: "called here",
            });
            let error = recursion(line.file, line.step.location, phrase, also.collect());
            self.errors.push(error);
            self.unbound = true;
            return;
        }
        if let Some(reason) = not_passed_on(phrase, &line.block()) {
            self.tell(line, Spot::Step, reason);
        }
        self.calls.push(Call {
            frame: Frame {
                file: line.file.to_owned(),
                line: line.step.location.line as usize,
                text: said(&line.step),
            },
            location: line.step.location,
            phrase: index,
        });
        let mut before = kind;
        for inner in &phrase.steps {
            before = match inner.keyword {
                KeywordType::Context => StepType::Context,
                KeywordType::Action => StepType::Action,
                KeywordType::Outcome => StepType::Outcome,
                KeywordType::Conjunction => before,
                KeywordType::Unknown => kind,
            };
            match Line::filled(&inner.step, phrase, arguments, line) {
                Ok(filled) => self.step(&filled, before),
                Err((spot, message)) => {
                    self.unbound = true;
                    self.tell(&Line::own(&inner.step, &phrase.file), spot, Reason::invalid(message));
                }
            }
        }
        self.calls.pop();
    }

    fn unbound(&self, found: &Match, text: &str) -> Reason {
        match found {
            Match::None(nearest) => Reason::Undefined {
                text: text.to_owned(),
                nearest: nearest.clone(),
            },
            Match::Several(indices) => Reason::Ambiguous {
                candidates: indices
                    .iter()
                    .map(|index| self.planner.vocabulary.told(*index))
                    .collect(),
            },
            Match::Unreadable(_, message) => Reason::invalid(message),
            Match::One(..) | Match::Phrase(..) => Reason::invalid("it is bound"),
        }
    }
}

/// Keyword and text.
fn said(step: &PickleStep) -> String {
    format!("{}{}", step.keyword, step.text)
}

/// What is wrong with a call whose table or doc string the phrase does not pass on.
fn not_passed_on(phrase: &Phrase, block: &Block) -> Option<Reason> {
    let (given, placeholder) = match block {
        Block::Nothing => return None,
        Block::Table(_) => ("table", TABLE),
        Block::Text { .. } => ("doc string", TEXT),
    };
    let passes = phrase.steps.iter().any(|inner| match (&inner.step.argument, block) {
        (Some(argument), Block::Table(_)) => {
            let mut rows = argument.data_table.iter().flat_map(|table| &table.rows);
            rows.any(passes_table)
        }
        (argument, _) => {
            let rows = argument
                .iter()
                .flat_map(|argument| &argument.data_table)
                .flat_map(|table| &table.rows);
            let cells = rows.flat_map(|row| &row.cells).map(|cell| cell.value.as_str());
            let doc = argument.iter().filter_map(|argument| argument.doc_string.as_ref());
            let doc = doc.map(|doc| doc.content.as_str());
            cells
                .chain(doc)
                .chain([inner.step.text.as_str()])
                .any(|text| names(text).contains(placeholder))
        }
    });
    (!passes).then(|| {
        Reason::invalid(format!(
            "the phrase that this step calls takes no {given}; hint: where it has `<{placeholder}>`, it passes one on"
        ))
    })
}

/// Checks what stands below a step against what may.
fn shape(definition: &StepDefinition, block: &Block, errors: &mut Vec<(Spot, Reason)>) {
    let check = match (definition.block, block) {
        (BlockShape::Nothing | BlockShape::Optional(_), Block::Nothing) => return,
        (BlockShape::Nothing, _) => {
            errors.push((
                Spot::Step,
                Reason::invalid("this step takes no table and no doc string"),
            ));
            return;
        }
        (BlockShape::Required(_), Block::Nothing) => {
            let reason = Reason::invalid(format!(
                "this step needs what stands below it; hint: see `momus steps \"{}\"`",
                definition.expression
            ));
            errors.push((Spot::Step, reason));
            return;
        }
        (BlockShape::Optional(check) | BlockShape::Required(check), _) => check,
    };
    if let Err(error) = check(block) {
        let spot = match (error.row, error.cell) {
            (None, _) => Spot::Step,
            (Some(row), None) => Spot::Row(row),
            (Some(row), Some(cell)) => Spot::Cell(row, cell),
        };
        errors.push((spot, Reason::invalid(error.message)));
    }
}
