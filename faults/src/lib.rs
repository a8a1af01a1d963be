//! The catalogue of faults: one fault, one module, with its sentence, what it does and its test.
//!
//! A fault puts itself on the scenario's [`Injections`](momus_engine::injection::Injections) under the name by which
//! `the … has struck` and `the … is healed` know it, and strikes for each thing that it touches. The runner heals
//! what is still in force when the scenario ends, and fails the scenario for a fault that struck too seldom.

mod edges;
mod heal;
mod services;
mod struck;
#[cfg(test)]
mod testbed;

use momus_engine::step::StepDefinition;

/// The sentences of every fault, in the order of the reference.
pub fn definitions() -> Vec<StepDefinition> {
    vec![
        edges::cut::nothing_passes(),
        edges::refusal::connections_are_refused(),
        edges::answer::first_are_answered(),
        edges::answer::first_is_answered(),
        services::kill::is_killed(),
        services::pause::is_paused(),
        services::pause::is_resumed(),
        services::start::is_started(),
        services::restart::is_restarted(),
        services::ready::is_ready(),
        struck::has_struck(),
        heal::is_healed(),
        heal::every_fault_is_healed(),
    ]
}
