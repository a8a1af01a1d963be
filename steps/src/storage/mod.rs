//! Objects in buckets.

mod bucket;
mod has;
mod line;
#[cfg(test)]
mod server;
mod with_a_line;

use momus_engine::step::StepDefinition;

/// The sentences about them.
pub fn definitions() -> Vec<StepDefinition> {
    [has::definitions(), with_a_line::definitions()].concat()
}
