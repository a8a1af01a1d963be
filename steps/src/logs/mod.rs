//! Logs: the lines that services write.

mod errors;
mod line;
mod lines;
#[cfg(test)]
mod testing;
mod text;

use momus_engine::step::StepDefinition;

/// The sentences about them.
pub fn definitions() -> Vec<StepDefinition> {
    vec![lines::lines(), text::text(), errors::errors()]
}
