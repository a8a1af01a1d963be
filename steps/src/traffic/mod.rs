//! Traffic in the background: requests at a steady rate while other steps run.

mod around;
mod begin;
mod fails;
mod flow;
mod has;
mod log;
mod sender;
mod slower;
#[cfg(test)]
mod tests;
mod verdict;

use momus_engine::step::StepDefinition;

/// The sentences about it.
pub fn definitions() -> Vec<StepDefinition> {
    [
        vec![begin::begin()],
        fails::definitions(),
        vec![slower::slower(), has::every_response_has()],
    ]
    .concat()
}
