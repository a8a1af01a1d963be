//! Kafka: what is published, and what topics hold.

pub mod record;
pub mod tail;

use momus_engine::step::StepDefinition;

/// The sentences about them.
pub fn definitions() -> Vec<StepDefinition> {
    Vec::new()
}
