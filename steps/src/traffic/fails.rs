//! How many requests of a traffic may fail.

use momus_engine::step;
use momus_engine::step::{BlockShape, StepDefinition};

use super::flow::Traffic;
use super::log::Sent;
use super::verdict::{Expected, Wrong};

/// The sentences that count failures.
pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![none_fails(), few_fail()]
}

step! {
    /// Expects that every request of a traffic was answered, and with a status below 400: a path that is not there is a
    /// failure as well. `every response of … has` expects other statuses.
    ///
    /// The first step that asks about a traffic ends it. Those that failed are told with their times, and with what
    /// happened in the mesh around then. Where so many requests were without an answer that the test client could not
    /// keep the rate, and none of those that it sent failed, the outcome is unknown.
    ///
    /// ```gherkin
    /// When 20 GET "/orders/o-1" per second are sent to shop as traffic
    /// And shop is restarted
    /// Then no request of traffic fails
    /// ```
    "no request of {traffic} fails", BlockShape::Nothing, drives: false;
    pub fn none_fails(world, name: String; _block) {
        let traffic = Traffic::ended(world, &name).await?;
        let expected = expected(format!("no request of {name} fails"), 0.0);
        expected.judge(world, &traffic, failure).await
    }
}

step! {
    /// Expects that of the requests of a traffic no more than a share fail, as `no request of … fails` counts them.
    ///
    /// ```gherkin
    /// When 50 GET "/orders/o-1" per second are sent to shop as traffic
    /// And shop is restarted
    /// Then at most 1 % of the requests of traffic fail
    /// ```
    "at most {percent} of the requests of {traffic} fail", BlockShape::Nothing, drives: false;
    pub fn few_fail(world, most: f64, name: String; _block) {
        let traffic = Traffic::ended(world, &name).await?;
        let expected = expected(format!("at most {most} % of the requests of {name} fail"), most);
        expected.judge(world, &traffic, failure).await
    }
}

fn failure(sent: &Sent) -> Option<Wrong> {
    sent.failed().map(Wrong::of)
}

fn expected(told: String, most: f64) -> Expected<'static> {
    Expected {
        told,
        most,
        rows: Vec::new(),
        wrong: "failed",
        timed: false,
    }
}
