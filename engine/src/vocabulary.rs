//! The vocabulary: every step definition, and which one a text means.

use crate::matching::Expressions;
use crate::step::StepDefinition;

/// Every step definition of a run.
pub struct Vocabulary {
    definitions: Vec<StepDefinition>,
    expressions: Expressions,
}

impl Vocabulary {
    /// The vocabulary of these definitions.
    ///
    /// # Errors
    /// A message for an expression that is not well formed or names an unknown parameter type.
    pub fn new(definitions: Vec<StepDefinition>) -> Result<Self, String> {
        let expressions = Expressions::new(definitions.iter().map(|definition| definition.expression))?;
        Ok(Self {
            definitions,
            expressions,
        })
    }

    /// Its definitions, in the order of the reference.
    pub fn definitions(&self) -> &[StepDefinition] {
        &self.definitions
    }

    /// The expressions of its definitions.
    pub fn expressions(&self) -> &Expressions {
        &self.expressions
    }
}
