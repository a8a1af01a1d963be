//! Rows of databases.

use momus_engine::step::StepDefinition;

/// The sentences about them.
pub fn definitions() -> Vec<StepDefinition> {
    Vec::new()
}
