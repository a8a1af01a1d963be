//! Ledgers: what becomes of things on their way through the mesh.

mod account;
mod every;
mod eye;
mod requests;
pub(crate) mod sent;
mod sequence;
mod sighting;
#[cfg(test)]
mod tests;
pub(crate) mod way;

use momus_engine::step::StepDefinition;

/// The sentences about them.
pub fn definitions() -> Vec<StepDefinition> {
    vec![every::every()]
}
