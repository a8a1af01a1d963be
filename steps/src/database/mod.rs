//! Rows of databases.

mod insert;
mod rows;
#[cfg(test)]
mod server;
pub mod session;
pub mod table;

use momus_engine::step::StepDefinition;

/// The sentences about them.
pub fn definitions() -> Vec<StepDefinition> {
    [insert::definitions(), rows::definitions()].concat()
}
