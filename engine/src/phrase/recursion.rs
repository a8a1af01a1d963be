//! Phrases that call themselves, by way of others or not.

use super::Phrase;
use crate::matching::{Expressions, Match};
use crate::plan::{Place, PlanError, Reason};

/// A step that calls a phrase: whose step it is, which of its steps, and which phrase it calls.
#[derive(Clone, Copy)]
struct Call {
    by: usize,
    step: usize,
    of: usize,
}

/// Every circle of calls, told at the step that closes it, with the phrases that are part of one.
pub(crate) fn recursions(phrases: &[Phrase], expressions: &Expressions) -> (Vec<PlanError>, Vec<usize>) {
    let mut search = Search {
        phrases,
        calls: (0..phrases.len())
            .map(|index| calls(phrases, index, expressions))
            .collect(),
        done: vec![false; phrases.len()],
        way: Vec::new(),
        errors: Vec::new(),
        within: Vec::new(),
    };
    for index in 0..phrases.len() {
        search.visit(index);
    }
    search.within.sort_unstable();
    search.within.dedup();
    (search.errors, search.within)
}

/// The calls in a phrase, as far as its steps tell with their placeholders in them.
fn calls(phrases: &[Phrase], by: usize, expressions: &Expressions) -> Vec<Call> {
    let steps = phrases[by].steps.iter().enumerate();
    let called = steps.filter_map(|(step, each)| match *expressions.find(&each.step.text) {
        Match::Phrase(of, _) => Some(Call { by, step, of }),
        _ => None,
    });
    called.collect()
}

struct Search<'p> {
    phrases: &'p [Phrase],
    calls: Vec<Vec<Call>>,
    done: Vec<bool>,
    /// The calls that lead to the phrase that is looked at.
    way: Vec<Call>,
    errors: Vec<PlanError>,
    within: Vec<usize>,
}

impl Search<'_> {
    fn visit(&mut self, index: usize) {
        if self.done[index] {
            return;
        }
        for call in self.calls[index].clone() {
            let first = self.way.iter().position(|before| before.by == call.of);
            if call.of == index || first.is_some() {
                let circle = &self.way[first.unwrap_or(self.way.len())..];
                self.within.extend(circle.iter().map(|each| each.by).chain([index]));
                let error = self.error(call, circle);
                self.errors.push(error);
            } else {
                self.way.push(call);
                self.visit(call.of);
                self.way.pop();
            }
        }
        self.done[index] = true;
    }

    /// The circle that a call closes; `before` are the other calls of it.
    fn error(&self, call: Call, before: &[Call]) -> PlanError {
        let phrase = &self.phrases[call.of];
        let mut also = vec![Place {
            file: phrase.file.clone(),
            location: phrase.location,
            what: "the phrase that it calls",
        }];
        also.extend(before.iter().map(|each| Place {
            file: self.phrases[each.by].file.clone(),
            location: self.phrases[each.by].steps[each.step].step.location,
            what: "which calls on here",
        }));
        let by = &self.phrases[call.by];
        recursion(&by.file, by.steps[call.step].step.location, phrase, also)
    }
}

/// The error of a step by which a phrase calls itself.
pub(crate) fn recursion(file: &str, location: momus_gherkin::Location, phrase: &Phrase, also: Vec<Place>) -> PlanError {
    let name = phrase.sentence.name();
    let reason = Reason::invalid(format!(
        "the phrase `{name}` calls itself by this step, and would never end"
    ));
    PlanError::new(file, location, reason).and_at(also)
}
