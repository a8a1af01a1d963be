//! Kafka: what is published, and what topics hold.

#[cfg(test)]
pub(crate) mod broker;
mod ends;
mod has;
pub(crate) mod order;
mod producer;
mod publish;
mod reader;
pub mod record;
pub mod tail;

use momus_engine::step::StepDefinition;

/// The sentences about them.
pub fn definitions() -> Vec<StepDefinition> {
    [publish::definitions(), has::definitions(), order::definitions()].concat()
}
