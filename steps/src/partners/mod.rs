//! Partners: the calls that their stand-ins receive, and what they answer.

mod answers;
mod call;
mod receives;

use momus_engine::step::StepDefinition;

/// The sentences about them.
pub fn definitions() -> Vec<StepDefinition> {
    vec![receives::receives(), answers::answers()]
}
