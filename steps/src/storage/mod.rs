//! Objects in buckets.

pub(crate) mod bucket;
mod has;
pub(crate) mod line;
#[cfg(test)]
pub(crate) mod server;
mod with_a_line;

use momus_engine::step::StepDefinition;

/// The sentences about them.
pub fn definitions() -> Vec<StepDefinition> {
    [has::definitions(), with_a_line::definitions()].concat()
}
