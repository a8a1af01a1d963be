//! HTTP: what the test client sends to services, and what they answer.

pub(crate) mod client;
pub(crate) mod cookies;
mod expected;
mod form;
pub mod message;
mod polled;
mod redirects;
pub(crate) mod request;
pub(crate) mod response;
mod schema;
mod sent;
#[cfg(test)]
mod testing;

use momus_engine::step::StepDefinition;

/// The sentences about it.
pub fn definitions() -> Vec<StepDefinition> {
    [
        sent::definitions(),
        expected::definitions(),
        schema::definitions(),
        polled::definitions(),
    ]
    .concat()
}
