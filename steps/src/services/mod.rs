//! Services: what they do beside what their noun tells.

mod beyond;

use momus_engine::step::StepDefinition;

/// The sentences about them.
pub fn definitions() -> Vec<StepDefinition> {
    vec![beyond::beyond()]
}
