//! Partners: the calls that their stand-ins receive, and what they answer.

mod answers;
mod apart;
mod backoff;
mod call;
mod order;
mod receives;
mod spaced;
#[cfg(test)]
mod testing;

use momus_engine::step::StepDefinition;

/// The sentences about them.
pub fn definitions() -> Vec<StepDefinition> {
    vec![
        receives::receives(),
        apart::at_least_apart(),
        backoff::ever_further_apart(),
        order::in_order(),
        answers::answers(),
    ]
}
