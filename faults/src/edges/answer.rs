//! An answer in place of the dependency's own: an HTTP status.

use momus_engine::failure::Failure;
use momus_engine::mesh::{Kind, Mesh};
use momus_engine::parameter::Value;
use momus_engine::step;
use momus_engine::step::{BlockShape, StepResult};
use momus_engine::world::World;
use momus_proxies::rule::Answer;

use super::{ends, inject, leads};

step! {
    /// Answers the first requests of this method and path in place of the dependency, with the status and an empty
    /// body; the dependency sees nothing of them. The requests after these pass.
    ///
    /// In the path, `*` and `{name}` stand for any one segment, and the request's query is left aside. The edge must
    /// be HTTP: to a service, a partner, a bucket or the log intake. What is answered in a partner's place counts among
    /// the calls that `partner … receives`, with this status.
    ///
    /// Its name is `answer STATUS from A to B`. It strikes for each request, and has struck when all of them were
    /// answered; fewer fail the scenario, unless the step says `if it is reached`. Once it is healed, every request passes.
    ///
    /// ```gherkin
    /// Given the first 2 POST "/charges" from billing to bank are answered 503
    /// When I send POST "/orders" to shop
    /// Then the answer 503 from billing to bank has struck
    /// ```
    "the first {number} {method} {text} from {service} to {dependency} are answered {status}{if_reached}",
    BlockShape::Nothing,
    check: can_be_answered, injects: fault_of;
    pub fn first_are_answered(
        world, first: u64, method: String, path: String, from: String, to: String, status: u64, if_reached: bool; _block
    ) {
        answer(world, (first, if_reached), &method, &path, (&from, &to), status)
    }
}

step! {
    /// Answers the first request of this method and path in place of the dependency: as `the first 1 …` does.
    ///
    /// Its name is `answer STATUS from A to B`.
    ///
    /// ```gherkin
    /// Given the first GET "/invoices/{id}" from shop to billing is answered 404 if it is reached
    /// When I send GET "/orders/7" to shop
    /// Then the response has
    ///   | status | 404 |
    /// ```
    "the first {method} {text} from {service} to {dependency} is answered {status}{if_reached}", BlockShape::Nothing,
    check: can_be_answered, injects: fault_of;
    pub fn first_is_answered(
        world, method: String, path: String, from: String, to: String, status: u64, if_reached: bool; _block
    ) {
        answer(world, (1, if_reached), &method, &path, (&from, &to), status)
    }
}

fn name((from, to): (&str, &str), status: u64) -> String {
    format!("answer {status} from {from} to {to}")
}

fn fault_of(values: &[Value]) -> String {
    name(ends(values), status(values).unwrap_or_default())
}

/// The number that stands last.
fn status(values: &[Value]) -> Option<u64> {
    values.iter().rev().find_map(|value| match value {
        Value::Number(number) => Some(*number),
        _ => None,
    })
}

fn can_be_answered(mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    let (from, to) = ends(values);
    leads(mesh, (from, to))?;
    let speaks = match mesh.kind(to) {
        Some(Kind::Broker | Kind::Topic) => Some("Kafka"),
        Some(Kind::Datastore) => Some("Postgres"),
        Some(Kind::Service | Kind::Partner | Kind::Bucket | Kind::Ledger | Kind::Role | Kind::BuiltIn) | None => None,
    };
    if let Some(speaks) = speaks {
        return Err(format!(
            "the edge from {from} to {to} is {speaks}, and only HTTP can be answered with a status; \
             hint: `connections from {from} to {to} are refused` is a fault that it can have"
        ));
    }
    if let [Value::Number(0), ..] = values {
        return Err("the first 0 requests are none; hint: at least `the first 1`".into());
    }
    if let Some(status @ 0..200) = status(values) {
        return Err(format!("{status} ends no request; hint: a final status is 200 to 599"));
    }
    for value in values {
        if let Value::Text(path) = value {
            is_path(path)?;
        }
    }
    Ok(())
}

/// Tells what is wrong with a path; what a `${…}` at its beginning stands for is not known yet.
fn is_path(path: &str) -> Result<(), String> {
    if !path.starts_with('/') && !path.starts_with("${") {
        return Err(format!("`{path}` is no path; hint: a path begins with `/`"));
    }
    match path.split_once('?') {
        Some((path, _)) => Err(format!(
            "a request is known by its path, and its query is left aside; hint: write \"{path}\""
        )),
        None => Ok(()),
    }
}

fn answer(
    world: &mut World,
    (first, if_reached): (u64, bool),
    method: &str,
    path: &str,
    ends: (&str, &str),
    status: u64,
) -> StepResult {
    let path = world.text(path)?;
    let fault = name(ends, status);
    let status = u16::try_from(status).map_err(|_| Failure::failed(format!("{status} is no HTTP status")))?;
    let kind = world.mesh.as_ref().and_then(|mesh| mesh.kind(ends.1));
    let answer = Answer {
        method: method.to_owned(),
        path,
        first,
        status,
        partner: kind == Some(Kind::Partner),
    };
    inject(world, fault, (first, if_reached), &[ends], |edge, strikes| {
        edge.answer(answer.clone(), strikes)
    })
}

#[cfg(test)]
mod tests {
    use momus_engine::outcome::Outcome;

    use crate::testbed::{plan, run};

    #[tokio::test]
    async fn the_first_are_answered_and_the_next_pass() {
        let ran = run("
            * the first 2 POST '/charges/{id}' from billing to bank are answered 503
            * billing asks bank GET '/charges/7'
            * bank answers billing 200
            * billing asks bank POST '/charges/7?retry=0'
            * bank answers billing 503
            * billing asks bank POST '/charges/8'
            * bank answers billing 503
            * the answer 503 from billing to bank has struck
            * billing asks bank POST '/charges/7'
            * bank answers billing 200
        ")
        .await;
        assert_eq!(ran.told(), "passed");
        assert_eq!(ran.faults().len(), 4, "{:?}", ran.faults());
        // Those that passed are for the stand-in to tell, which the testbed has none of.
        assert_eq!(
            ran.partner_calls(),
            ["bank POST /charges/7?retry=0 503", "bank POST /charges/8 503"]
        );
    }

    #[tokio::test]
    async fn one_is_answered_and_a_value_of_the_scenario_may_stand_in_the_path() {
        let ran = run("
            * the first GET '/invoices/${service.shop.port}' from shop to billing is answered 404
            * shop asks billing GET '/invoices/7'
            * billing answers shop 404
            * the answer 404 from shop to billing has struck
            * shop asks billing GET '/invoices/7'
            * billing answers shop 200
        ")
        .await;
        assert_eq!(ran.told(), "passed");
        assert!(ran.partner_calls().is_empty(), "billing is no partner");
    }

    #[tokio::test]
    async fn fewer_than_it_says_fail_the_scenario() {
        let ran = run("
            * the first 2 POST '/charges' from billing to bank are answered 503
            * billing asks bank POST '/charges'
            * bank answers billing 503
        ")
        .await;
        assert_eq!(ran.outcome, Outcome::Failed);
        assert_eq!(ran.message(), "the answer 503 from billing to bank struck 1 of 2 times");
    }

    #[tokio::test]
    async fn one_that_may_strike_nothing_may_also_strike_fewer() {
        let ran = run("
            * the first 2 POST '/charges' from billing to bank are answered 503 if it is reached
            * the first GET '/charges' from billing to bank is answered 404 if it is reached
            * billing asks bank POST '/charges'
            * bank answers billing 503
        ")
        .await;
        assert_eq!(ran.told(), "passed");
        assert_eq!(ran.faults().len(), 5, "{:?}", ran.faults());
    }

    #[tokio::test]
    async fn it_has_struck_when_all_of_them_were_answered() {
        let ran = run("
            * the first 2 POST '/charges' from billing to bank are answered 503
            * billing asks bank POST '/charges'
            * bank answers billing 503
            * the answer 503 from billing to bank has struck within 50 ms
        ")
        .await;
        assert_eq!(
            ran.told(),
            "failed: it did not come to hold within 50 ms; seen: it struck 1 of 2 times"
        );
    }

    #[tokio::test]
    async fn once_it_is_healed_every_request_passes() {
        let ran = run("
            * the first 2 POST '/charges' from billing to bank are answered 503
            * billing asks bank POST '/charges'
            * bank answers billing 503
            * the answer 503 from billing to bank is healed
            * billing asks bank POST '/charges'
            * bank answers billing 200
        ")
        .await;
        assert_eq!(ran.message(), "the answer 503 from billing to bank struck 1 of 2 times");
        assert_eq!(ran.sandbox.passes("billing", "bank").await, 200);
    }

    #[test]
    fn what_cannot_be_answered_is_told_while_planning() {
        for (step, message) in [
            (
                "the first 2 POST '/a' from billing to kafka are answered 503",
                "the edge from billing to kafka is Kafka, and only HTTP can be answered with a status; \
                 hint: `connections from billing to kafka are refused` is a fault that it can have",
            ),
            (
                "the first POST '/a' from billing to billing-db is answered 503",
                "the edge from billing to billing-db is Postgres, and only HTTP can be answered with a status; \
                 hint: `connections from billing to billing-db are refused` is a fault that it can have",
            ),
            (
                "the first POST '/a' from shop to bank is answered 503",
                "shop does not depend on bank; hint: it depends on kafka, billing, receipts, statsd",
            ),
            (
                "the first 0 POST '/a' from billing to bank are answered 503",
                "the first 0 requests are none; hint: at least `the first 1`",
            ),
            (
                "the first POST '/a' from billing to bank is answered 100",
                "100 ends no request; hint: a final status is 200 to 599",
            ),
            (
                "the first POST 'a' from billing to bank is answered 503",
                "`a` is no path; hint: a path begins with `/`",
            ),
            (
                "the first POST '/a?b=1' from billing to bank is answered 503",
                "a request is known by its path, and its query is left aside; hint: write \"/a\"",
            ),
        ] {
            assert_eq!(plan(&format!("* {step}")), [message], "{step}");
        }
    }
}
