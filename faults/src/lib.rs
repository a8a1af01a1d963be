//! The catalogue of faults: one fault, one module.

use momus_engine::step::StepDefinition;

/// The sentences of every fault, in the order of the reference.
pub fn definitions() -> Vec<StepDefinition> {
    Vec::new()
}
