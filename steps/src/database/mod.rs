//! Rows of databases, and who uses them.

mod insert;
mod only;
pub(crate) mod rows;
#[cfg(test)]
pub(crate) mod server;
pub mod session;
pub mod table;

use momus_engine::step::StepDefinition;

/// The sentences about them.
pub fn definitions() -> Vec<StepDefinition> {
    [insert::definitions(), rows::definitions(), only::definitions()].concat()
}
