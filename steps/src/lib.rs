//! The vocabulary: one module a noun.

use momus_engine::step::StepDefinition;

/// Every sentence of the vocabulary, in the order of the reference.
pub fn definitions() -> Vec<StepDefinition> {
    Vec::new()
}
