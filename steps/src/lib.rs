//! The vocabulary: one module a noun.

pub mod counted;
pub mod database;
pub mod events;
pub mod http;
pub mod ledger;
pub mod logs;
pub mod metrics;
pub mod partners;
pub mod selection;
pub mod services;
pub mod storage;
#[cfg(test)]
pub(crate) mod testing;
pub mod traffic;

use momus_engine::step::StepDefinition;

/// Every sentence of the vocabulary, in the order of the reference.
pub fn definitions() -> Vec<StepDefinition> {
    [
        http::definitions(),
        events::definitions(),
        database::definitions(),
        storage::definitions(),
        partners::definitions(),
        logs::definitions(),
        metrics::definitions(),
        ledger::definitions(),
        services::definitions(),
        traffic::definitions(),
    ]
    .concat()
}
