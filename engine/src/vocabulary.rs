//! The vocabulary: every step definition, every phrase, and which of them a text means.

use std::sync::Arc;

use crate::matching::Expressions;
use crate::phrase::{Language, Phrase, recursions};
use crate::plan::{Place, PlanError, Reason};
use crate::step::StepDefinition;

/// Every sentence of a run: the step definitions, and the phrases of the features.
pub struct Vocabulary {
    definitions: Vec<Arc<StepDefinition>>,
    phrases: Vec<Phrase>,
    expressions: Expressions,
    /// What is wrong with phrases.
    errors: Vec<PlanError>,
    /// The phrases that cannot be called, by index.
    unusable: Vec<usize>,
}

impl Vocabulary {
    /// The vocabulary of these definitions.
    ///
    /// # Errors
    /// A message for an expression that is not well formed or names an unknown parameter type.
    pub fn new(definitions: Vec<StepDefinition>) -> Result<Self, String> {
        let expressions = Expressions::new(definitions.iter().map(|definition| definition.expression))?;
        Ok(Self {
            definitions: definitions.into_iter().map(Arc::new).collect(),
            phrases: Vec::new(),
            expressions,
            errors: Vec::new(),
            unusable: Vec::new(),
        })
    }

    /// It with these phrases as well. What is wrong with them is an error of every plan.
    #[must_use]
    pub fn with_phrases(mut self, phrases: Vec<Phrase>) -> Self {
        self.expressions
            .add_phrases(phrases.iter().map(|phrase| phrase.sentence.name()));
        let (recursions, within) = recursions(&phrases, &self.expressions);
        let wrong = |index: &usize| !phrases[*index].errors.is_empty();
        self.unusable = (0..phrases.len()).filter(wrong).chain(within).collect();
        self.errors = phrases.iter().flat_map(|phrase| phrase.errors.clone()).collect();
        self.errors.extend(recursions);
        self.phrases = phrases;
        self.errors.extend(self.overlaps());
        self
    }

    /// Its definitions, in the order of the reference.
    pub fn definitions(&self) -> &[Arc<StepDefinition>] {
        &self.definitions
    }

    /// Its phrases, in the order of their files.
    pub fn phrases(&self) -> &[Phrase] {
        &self.phrases
    }

    /// What is wrong with its phrases, whoever calls them.
    pub fn errors(&self) -> &[PlanError] {
        &self.errors
    }

    /// The phrase of this index, if nothing is wrong with it.
    pub(crate) fn usable(&self, index: usize) -> Option<&Phrase> {
        self.phrases.get(index).filter(|_| !self.unusable.contains(&index))
    }

    /// The expressions of its definitions, and the sentences of its phrases.
    pub fn expressions(&self) -> &Expressions {
        &self.expressions
    }

    /// A sentence with its place, by its index among the expressions.
    pub(crate) fn told(&self, index: usize) -> String {
        match (self.definitions.get(index), index.checked_sub(self.definitions.len())) {
            (Some(definition), _) => format!("{}  ({}:{})", definition.expression, definition.file, definition.line),
            (None, index) => index
                .and_then(|index| self.phrases.get(index))
                .map_or_else(String::new, |phrase| {
                    format!("{}  ({}:{})", phrase.sentence.name(), phrase.file, phrase.location.line)
                }),
        }
    }

    /// Every two phrases that one step can mean, and every phrase that can mean what a definition does: the first such.
    fn overlaps(&self) -> Vec<PlanError> {
        let first = self.definitions.len();
        let mut languages: Vec<Option<Option<Language>>> = (0..first + self.phrases.len()).map(|_| None).collect();
        let mut errors = Vec::new();
        for (index, phrase) in self.phrases.iter().enumerate() {
            let mut overlaps = |other| {
                let text = self.common(first + index, other, &mut languages)?;
                Some(self.overlap(phrase, other, &text))
            };
            errors.extend((0..first).find_map(&mut overlaps));
            errors.extend((first..first + index).filter_map(&mut overlaps));
        }
        errors
    }

    /// A text that two sentences have in common, by their indices.
    fn common(&self, one: usize, other: usize, languages: &mut [Option<Option<Language>>]) -> Option<String> {
        let (begins, begins_too) = (self.expressions.beginning(one), self.expressions.beginning(other));
        if !begins.starts_with(begins_too) && !begins_too.starts_with(begins) {
            return None;
        }
        for each in [one, other] {
            let language = || {
                self.expressions
                    .pattern(each)
                    .and_then(|pattern| Language::of(&pattern))
            };
            languages[each].get_or_insert_with(language);
        }
        let language = |each: usize| languages[each].as_ref().and_then(Option::as_ref);
        language(one)?.common(language(other)?)
    }

    /// The error of a phrase that means the same as the sentence of that index, where a step says `text`.
    fn overlap(&self, phrase: &Phrase, other: usize, text: &str) -> PlanError {
        let also = other.checked_sub(self.definitions.len()).map(|index| Place {
            file: self.phrases[index].file.clone(),
            location: self.phrases[index].location,
            what: "the other one",
        });
        let reason = match also {
            Some(_) => Reason::invalid(format!(
                "this phrase and another are both meant by `{text}`; hint: say one of them in other words"
            )),
            None => Reason::invalid(format!(
                "this phrase and a sentence of the vocabulary are both meant by `{text}`; hint: say it in other words than `{}`",
                self.definitions[other].expression
            )),
        };
        PlanError::new(&phrase.file, phrase.location, reason).and_at(also)
    }
}
