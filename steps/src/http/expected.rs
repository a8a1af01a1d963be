//! What responses are expected to be.

use momus_engine::eventually::{Look, Verdict};
use momus_engine::step;
use momus_engine::step::{BlockShape, StepDefinition};
use momus_engine::timing::Timing;

use super::response::Responses;
use crate::selection::{Selection, check_response};

/// The sentences that judge them.
pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![response_has(), every_response_has()]
}

step! {
    /// Judges the last response: `status`, `header NAME`, `cookie NAME` (what it sets), and `$…` places of its JSON body; of
    /// a body that is not JSON, `$` is the text. A status is a number, also where `${VARIABLE}` gives it; headers and texts compare as they are
    /// written.
    ///
    /// ```gherkin
    /// When I send GET "/orders" to shop
    /// Then the response has
    ///   | status              | 200              |
    ///   | header content-type | application/json |
    ///   | $.orders            | #array           |
    /// ```
    "the response has", BlockShape::Required(check_response), drives: false;
    pub fn response_has(world; block) {
        let responses = Responses::last(world)?;
        let selection = Selection::read(world, &block)?;
        let expected = expected(&format!("the response of {} has", responses.of), &selection);
        let look = || async {
            let Some(response) = responses.all.last() else {
                return Ok(looked(false, "no response".to_owned()));
            };
            let judgement = selection.judge(response);
            Ok(looked(judgement.selected(), response.judged(&judgement)))
        };
        world.expect(Timing::Now, &expected, look).await
    }
}

step! {
    /// Judges every response to the last step that sent something, as `the response has` does the last of them.
    ///
    /// ```gherkin
    /// When I send 50 POST "/orders" to shop
    ///   | $.amount | 12.50 |
    /// Then every response has
    ///   | status | 202   |
    ///   | $.id   | #uuid |
    /// ```
    "every response has", BlockShape::Required(check_response), drives: false;
    pub fn every_response_has(world; block) {
        let responses = Responses::last(world)?;
        let selection = Selection::read(world, &block)?;
        let number = responses.all.len();
        let expected = expected(&format!("each of {number} responses of {} has", responses.of), &selection);
        let look = || async {
            let judged = responses.all.iter().map(|response| (response, selection.judge(response)));
            let missing: Vec<_> = judged.zip(1..).filter(|((_, judgement), _)| !judgement.selected()).collect();
            Ok(match missing.first() {
                None => looked(number > 0, format!("{number} of {number} have it")),
                Some(((response, judgement), ordinal)) => {
                    let missing = missing.len();
                    let first = response.judged(judgement);
                    looked(false, format!("{missing} of {number} do not have it; the first of these is number {ordinal}: {first}"))
                }
            })
        };
        world.expect(Timing::Now, &expected, look).await
    }
}

/// What is expected, a line for each row of the table.
pub(super) fn expected(what: &str, selection: &Selection) -> String {
    let lines = selection.lines().into_iter().map(|line| format!("\n  {line}"));
    format!("{what}{}", lines.collect::<String>())
}

pub(super) fn looked(held: bool, seen: String) -> Look {
    Look {
        verdict: if held { Verdict::Held } else { Verdict::NotYet },
        seen,
        distance: u64::from(!held),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::Path;
    use axum::http::StatusCode;
    use axum::response::{Html, IntoResponse};
    use axum::routing::{get, post};
    use momus_engine::event::Happening;
    use momus_engine::step::Block;
    use serde_json::json;

    use crate::testing::{Scenario, plan, table};

    /// A scenario with a shop that has answers of each kind.
    async fn shop() -> Scenario {
        let order = |Path(number): Path<u64>| async move {
            let order = axum::Json(json!({"id": "o-1", "number": number}));
            if number == 2 || number == 4 {
                (StatusCode::SERVICE_UNAVAILABLE, axum::Json(json!({"error": "busy"}))).into_response()
            } else {
                (StatusCode::ACCEPTED, [("x-shard", "3")], order).into_response()
            }
        };
        let gateway = || async { (StatusCode::BAD_GATEWAY, Html("<h1>Bad Gateway</h1>\n<p>try again</p>")) };
        let app = Router::new()
            .route("/orders/{number}", post(order))
            .route("/gateway", get(gateway))
            .route("/ping", get(|| async { "pong" }))
            .route("/empty", get(|| async { StatusCode::NO_CONTENT }));
        let mut scenario = Scenario::begin();
        scenario.serve("shop", app).await;
        scenario
    }

    #[tokio::test]
    async fn the_last_response_is_judged() {
        let mut scenario = shop().await;
        scenario
            .passes(r#"I send POST "/orders/1" to shop"#, Block::Nothing)
            .await;
        let rows = [
            ["status", "202"],
            ["header X-Shard", "3"],
            ["$.id", "#regex o-.*"],
            ["$.number", "1"],
        ];
        scenario.passes("the response has", table(&rows)).await;
        let rows = [
            ["status", "201"],
            ["$.number", "\"1\""],
            ["$.total", "#number"],
            ["header etag", "#present"],
        ];
        let failure = scenario.fails("the response has", table(&rows)).await;
        insta::assert_snapshot!(failure, @r#"
        Failed: it does not hold
        expected:
          the response of shop to POST /orders/1 has
            status: 201
            $.number: "1"
            $.total: #number
            header etag: #present
        seen:
          202 Accepted, {"id":"o-1","number":1}
            status: expected 201, was 202
            $.number: expected the text "1", was the number 1
            $.total: expected #number, was absent
            header etag: expected #present, was absent: the headers are content-type, x-shard, content-length, date
        "#);
        let judged = scenario.world.timeline.snapshot().into_iter();
        let held: Vec<bool> = judged
            .filter_map(|event| match event.happening {
                Happening::Expectation { held, .. } => Some(held),
                _ => None,
            })
            .collect();
        assert_eq!(held, [true, false]);
    }

    #[tokio::test]
    async fn what_was_kept_is_compared_with_what_came_later() {
        let mut scenario = shop().await;
        let send = |number| format!(r#"I send POST "/orders/{number}" to shop as before"#);
        scenario.passes(&send(3), Block::Nothing).await;
        let text = r#"I send POST "/orders/5" to shop"#;
        scenario.passes(text, Block::Nothing).await;
        let rows = [
            ["$.number", "#greater than ${before.number}"],
            ["$.number", "#not ${before.number}"],
            ["header x-shard", "#at most ${before:header x-shard}"],
            // What is a text elsewhere is a number where a number stands.
            ["status", "\"${before:status}\""],
        ];
        scenario.passes("the response has", table(&rows)).await;
        scenario.passes(&send(5), Block::Nothing).await;
        let rows = [
            ["$.number", "#greater than ${before.number}"],
            ["$.id", "#not ${before.id}"],
            ["header x-shard", "#less than ${before:header x-shard}"],
            ["$.total", "#not 3"],
            ["status", "\"20${before:header x-shard}\""],
        ];
        insta::assert_snapshot!(scenario.fails("the response has", table(&rows)).await, @r#"
        Failed: it does not hold
        expected:
          the response of shop to POST /orders/5 has
            $.number: #greater than 5
            $.id: #not "o-1"
            header x-shard: #less than 3
            $.total: #not 3
            status: "203"
        seen:
          202 Accepted, {"id":"o-1","number":5}
            $.number: expected #greater than 5, was 5
            $.id: expected #not "o-1", was "o-1"
            header x-shard: expected #less than 3, was "3"
            $.total: expected #not 3, was absent
            status: expected "203", was 202
        "#);
    }

    #[tokio::test]
    async fn a_body_that_is_not_json_is_told_and_can_be_read_as_text() {
        let mut scenario = shop().await;
        scenario.passes(r#"I send GET "/ping" to shop"#, Block::Nothing).await;
        scenario.passes("the response has", table(&[["$", "pong"]])).await;
        let mut failures = Vec::new();
        for path in ["/gateway", "/empty"] {
            scenario
                .passes(&format!(r#"I send GET "{path}" to shop"#), Block::Nothing)
                .await;
            let rows = table(&[["status", "200"], ["$.id", "#uuid"]]);
            failures.push(scenario.fails("the response has", rows).await);
        }
        insta::assert_snapshot!(failures.join("\n\n"), @r"
        Failed: it does not hold
        expected:
          the response of shop to GET /gateway has
            status: 200
            $.id: #uuid
        seen:
          502 Bad Gateway, <h1>Bad Gateway</h1> <p>try again</p>
            status: expected 200, was 502
            $.id: expected #uuid, was absent: the body is not JSON (text/html; charset=utf-8): <h1>Bad Gateway</h1> <p>try again</p>

        Failed: it does not hold
        expected:
          the response of shop to GET /empty has
            status: 200
            $.id: #uuid
        seen:
          204 No Content, an empty body
            status: expected 200, was 204
            $.id: expected #uuid, was absent: the body is empty
        ");
    }

    #[tokio::test]
    async fn every_response_is_judged() {
        let mut scenario = shop().await;
        let rows = || table(&[["status", "202"], ["$.id", "o-1"]]);
        scenario
            .passes(r#"I send 2 POST "/orders/1" to shop"#, Block::Nothing)
            .await;
        scenario.passes("every response has", rows()).await;
        scenario
            .passes(r#"I send 5 POST "/orders/${ordinal}" to shop"#, Block::Nothing)
            .await;
        scenario.passes("the response has", rows()).await;
        insta::assert_snapshot!(scenario.fails("every response has", rows()).await, @r#"
        Failed: it does not hold
        expected:
          each of 5 responses of shop to POST /orders/${ordinal} has
            status: 202
            $.id: "o-1"
        seen:
          2 of 5 do not have it; the first of these is number 2: 503 Service Unavailable, {"error":"busy"}
            status: expected 202, was 503
            $.id: expected "o-1", was absent
        "#);
    }

    #[tokio::test]
    async fn without_a_response_nothing_is_judged() {
        let mut scenario = shop().await;
        let rows = || table(&[["$.error", "#absent"]]);
        let one = scenario.fails("the response has", rows()).await;
        assert_eq!(one, scenario.fails("every response has", rows()).await);
        insta::assert_snapshot!(one, @r#"
        Failed: there is no response: no step before this one has sent a request
        hint: such as `When I send GET "/orders" to shop`
        "#);
    }

    #[test]
    fn what_no_response_has_is_told_while_planning() {
        let errors = plan(
            "    * the response has
    * the response has
      | code | 200 |
      | $.id | #uid |
    * every response has
      | stauts | 200 |",
        );
        insta::assert_snapshot!(errors.unwrap_err(), @r#"
        3:5 | * the response has
        this step needs what stands below it
        hint: see `momus steps "the response has"`
        5:9 | | code | 200 |
        a response has no place `code`
        hint: a member of its JSON is `$.code`; a response has `$…`, `header NAME`, `status`, `cookie NAME`
        8:9 | | stauts | 200 |
        a response has no place `stauts`
        hint: did you mean `status`?
        "#);
    }
}
