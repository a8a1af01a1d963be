//! The refusal from a service to a dependency: connections are reset.

use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_proxies::edge::Edge;

use super::{ends, inject, leads};

step! {
    /// Resets every connection from the service to the dependency (TCP RST): those that are open, at once, and each
    /// new one, as when nobody listens there.
    ///
    /// Its name is `refusal from A to B`. It strikes for each connection, but not for an open HTTP connection on which
    /// no request is under way: its caller does not notice. Once it is healed, new connections pass.
    ///
    /// One that struck nothing fails the scenario, unless the step says `if it is reached`.
    ///
    /// ```gherkin
    /// Given connections from billing to bank are refused
    /// When I send POST "/orders" to shop
    /// Then the refusal from billing to bank has struck
    /// When the refusal from billing to bank is healed
    /// ```
    "connections from {service} to {dependency} are refused{if_reached}", BlockShape::Nothing,
    check: |mesh, values| leads(mesh, ends(values)),
    injects: |values| name(ends(values));
    pub fn connections_are_refused(world, from: String, to: String, if_reached: bool; _block) {
        let ends = (from.as_str(), to.as_str());
        inject(world, name(ends), (1, if_reached), &[ends], Edge::refuse)
    }
}

fn name((from, to): (&str, &str)) -> String {
    format!("refusal from {from} to {to}")
}

#[cfg(test)]
mod tests {
    use momus_engine::outcome::Outcome;

    use crate::testbed::{plan, run};

    #[tokio::test]
    async fn open_and_new_connections_are_reset_until_it_is_healed() {
        for dependency in ["billing-db", "kafka"] {
            let ran = run(&format!(
                "
                * billing asks {dependency} GET '/'
                * {dependency} answers billing 200
                * connections from billing to {dependency} are refused
                * the refusal from billing to {dependency} has struck
                * billing is reset by {dependency}
                * billing asks {dependency} GET '/'
                * billing is reset by {dependency}
                * the refusal from billing to {dependency} is healed
                * billing asks {dependency} GET '/'
                * {dependency} answers billing 200
            "
            ))
            .await;
            assert_eq!(ran.told(), "passed", "{dependency}");
            assert_eq!(ran.faults().len(), 4, "{:?}", ran.faults());
        }
    }

    #[tokio::test]
    async fn a_request_that_nobody_answered_is_struck_and_an_idle_connection_is_not() {
        let ran = run("
            * billing asks bank GET '/slow'
            * bank is asked by billing
            * shop asks billing GET '/'
            * billing answers shop 200
            * connections from billing to bank are refused
            * billing is reset by bank
            * connections from shop to billing are refused
            * shop is reset by billing
            * the refusal from billing to bank has struck
            * the refusal from shop to billing has struck within 50 ms
        ")
        .await;
        assert_eq!(
            ran.told(),
            "failed: it did not come to hold within 50 ms; seen: it struck nothing"
        );
    }

    #[tokio::test]
    async fn one_that_struck_nothing_fails_its_scenario() {
        let ran = run("
            * connections from shop to billing are refused
            * every fault is healed
            * shop asks billing GET '/'
            * billing answers shop 200
        ")
        .await;
        assert_eq!(ran.outcome, Outcome::Failed);
        assert_eq!(ran.message(), "the refusal from shop to billing struck nothing");
    }

    #[tokio::test]
    async fn one_that_may_strike_nothing_is_still_waited_for_by_has_struck() {
        let ran = run("
            * connections from shop to billing are refused if it is reached
            * billing asks bank POST '/charges'
            * bank answers billing 200
        ")
        .await;
        assert_eq!(ran.told(), "passed");
        let ran = run("
            * connections from shop to billing are refused if it is reached
            * the refusal from shop to billing has struck within 50 ms
        ")
        .await;
        assert_eq!(
            ran.told(),
            "failed: it did not come to hold within 50 ms; seen: it struck nothing"
        );
    }

    #[tokio::test]
    async fn it_is_healed_when_the_scenario_ends() {
        let ran = run("
            * connections from shop to billing are refused
            * shop asks billing GET '/'
            * shop is reset by billing
        ")
        .await;
        assert_eq!(ran.told(), "passed");
        assert_eq!(ran.sandbox.passes("shop", "billing").await, 200);
    }

    #[test]
    fn an_edge_that_is_not_there_is_told_while_planning() {
        assert_eq!(
            plan("* connections from billing to receipts are refused"),
            ["billing does not depend on receipts; hint: it depends on billing-db, kafka, bank"]
        );
        assert_eq!(
            plan("* connections from billing to shop are refused"),
            ["billing does not depend on shop; hint: the edge between them leads from shop to billing"]
        );
    }
}
