//! The cut between two: nothing passes.

use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_proxies::edge::Edge;

use super::{ends, inject, is_between};

step! {
    /// Cuts the two off from each other, on every edge between them, whoever calls whom: connections stay open and
    /// new ones are accepted, but nothing passes, neither bytes nor the end of a connection.
    ///
    /// Its name is `cut between A and B`, A and B as this sentence has them. It strikes for each new connection, and
    /// for each direction of an open one in which something is held back. Once it is healed, what was held passes,
    /// on the same connections.
    ///
    /// One that struck nothing fails the scenario, unless the step says `if it is reached`.
    ///
    /// ```gherkin
    /// Given nothing passes between shop and billing
    /// When I send POST "/orders" to shop
    /// Then the cut between shop and billing has struck
    /// When the cut between shop and billing is healed
    /// ```
    "nothing passes between {service} and {dependency}{if_reached}", BlockShape::Nothing,
    check: |mesh, values| is_between(mesh, ends(values)),
    injects: |values| name(ends(values));
    pub fn nothing_passes(world, one: String, other: String, if_reached: bool; _block) {
        let (one, other) = (one.as_str(), other.as_str());
        inject(world, name((one, other)), (1, if_reached), &[(one, other), (other, one)], Edge::cut)
    }
}

fn name((one, other): (&str, &str)) -> String {
    format!("cut between {one} and {other}")
}

#[cfg(test)]
mod tests {
    use momus_engine::outcome::Outcome;

    use crate::testbed::{plan, run};

    #[tokio::test]
    async fn nothing_passes_until_it_is_healed_and_then_what_was_held() {
        let ran = run("
            * shop asks billing GET '/invoices'
            * billing answers shop 200
            * nothing passes between shop and billing
            * shop asks billing GET '/invoices'
            * the cut between shop and billing has struck
            * shop hears nothing from billing
            * the cut between shop and billing is healed
            * billing answers shop 200
            * shop asks billing GET '/invoices'
            * billing answers shop 200
        ")
        .await;
        assert_eq!(ran.told(), "passed");
        assert_eq!(
            ran.faults(),
            [
                "cut between shop and billing injected",
                "cut between shop and billing struck",
                "cut between shop and billing healed",
            ]
        );
    }

    #[tokio::test]
    async fn it_is_the_same_whoever_is_named_first_and_whatever_passes() {
        for (caller, dependency, cut) in [
            ("shop", "billing", "billing and shop"),
            ("billing", "kafka", "billing and kafka"),
            ("billing", "billing-db", "billing and billing-db"),
        ] {
            let ran = run(&format!(
                "
                * nothing passes between {cut}
                * {caller} asks {dependency} GET '/'
                * the cut between {cut} has struck
                * {caller} hears nothing from {dependency}
                * the cut between {cut} is healed
                * {dependency} answers {caller} 200
            "
            ))
            .await;
            assert_eq!(ran.told(), "passed", "{cut}");
        }
    }

    #[tokio::test]
    async fn one_that_struck_nothing_fails_its_scenario() {
        let ran = run("
            * nothing passes between shop and billing
            * billing asks bank POST '/charges'
            * bank answers billing 200
        ")
        .await;
        assert_eq!(ran.outcome, Outcome::Failed);
        assert_eq!(ran.message(), "the cut between shop and billing struck nothing");
    }

    #[tokio::test]
    async fn one_that_may_strike_nothing_holds_back_what_it_meets_all_the_same() {
        let ran = run("
            * nothing passes between shop and billing if it is reached
            * billing asks bank POST '/charges'
            * bank answers billing 200
        ")
        .await;
        assert_eq!(ran.told(), "passed");
        let ran = run("
            * nothing passes between shop and billing if it is reached
            * shop asks billing GET '/invoices'
            * the cut between shop and billing has struck
            * shop hears nothing from billing
        ")
        .await;
        assert_eq!(ran.told(), "passed");
    }

    #[tokio::test]
    async fn it_is_healed_when_the_scenario_ends() {
        let ran = run("
            * nothing passes between shop and billing
            * shop asks billing GET '/invoices'
            * the cut between shop and billing has struck
        ")
        .await;
        assert_eq!(ran.told(), "passed");
        assert_eq!(
            ran.faults().last().map(String::as_str),
            Some("cut between shop and billing healed")
        );
        assert_eq!(ran.sandbox.passes("shop", "billing").await, 200);
    }

    #[test]
    fn two_without_an_edge_between_them_are_told_while_planning() {
        assert_eq!(
            plan("* nothing passes between shop and bank"),
            ["there is no edge between shop and bank; hint: shop depends on kafka, billing, receipts, statsd"]
        );
        assert_eq!(
            plan("* nothing passes between shop and shop"),
            ["there is no edge between shop and shop; hint: shop depends on kafka, billing, receipts, statsd"]
        );
        assert_eq!(
            plan("* nothing passes between shop and statsd"),
            ["what shop sends to statsd is UDP, and no proxy carries it"]
        );
    }
}
