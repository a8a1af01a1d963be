//! The calls that a partner receives.

use momus_engine::count::Count;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timing::Timing;

use super::call::Call;
use crate::counted::{Counted, Lasting};
use crate::selection::{Selection, check_call};

step! {
    /// Counts the calls that a partner has received since the scenario began, those that the table selects: `method`,
    /// `path` (without its query), `status` (what was answered), `header NAME`, `query NAME`, `cookie NAME`, `form NAME` of
    /// a form, and `$…` places of the body.
    ///
    /// A call that a fault answered in the partner's place counts, with the status of that answer. Of a body of such a
    /// call that has more than 1 MiB, or that the caller broke off, only the beginning is kept, as text.
    ///
    /// `as NAME` keeps the one call of `exactly 1`: `${NAME.a.b}` reads its body, `${NAME:method}`, `${NAME:path}`,
    /// `${NAME:status}` and `${NAME:header x}` the rest.
    ///
    /// ```gherkin
    /// Then partner bank eventually receives exactly 1 call, and no other
    ///   | method                 | POST     |
    ///   | path                   | /charges |
    ///   | $.amount               | 12.50    |
    ///   | header idempotency-key | #uuid    |
    /// ```
    "partner {partner} {eventually}receives {count} call(s){as}{only}{within}", BlockShape::Optional(check_call);
    pub fn receives(world, partner: String, timing: Timing, count: Count, name: Option<String>, only: bool; block) {
        let selection = Selection::read(world, &block)?;
        let counted = Counted {
            what: &format!("calls to partner {partner}"),
            count,
            only,
            lasting: Lasting::Grows,
            selection: &selection,
        };
        let look = || async { Ok(Call::all(&world.timeline, &partner)) };
        let found = counted.expect_one(world, timing, look).await?;
        if let (Some(name), Some(call)) = (name, found) {
            world.values.keep(name, call.kept(&partner));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::routing::post;
    use axum::{Json, Router};
    use momus_engine::event::Happening;
    use momus_engine::injection::Strikes;
    use momus_engine::step::Block;
    use momus_proxies::rule::Answer;
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use crate::testing::{Scenario, plan, table};

    fn call(partner: &str, path: &str, status: u16, body: Value) -> Happening {
        Happening::PartnerCall {
            partner: partner.into(),
            method: "POST".into(),
            path: path.into(),
            headers: vec![
                ("idempotency-key".into(), "17".into()),
                ("content-length".into(), "9".into()),
            ],
            status,
            body,
        }
    }

    #[tokio::test]
    async fn calls_are_selected_by_every_place_that_they_have() {
        let mut scenario = Scenario::begin();
        let happening = call("bank", "/charges?dry=true&tag=a&tag=b+c", 201, json!({"amount": 12.5}));
        scenario.world.timeline.record(happening);
        scenario
            .world
            .timeline
            .record(call("post", "/charges", 201, json!({"amount": 12.5})));
        let rows = [
            ["method", "POST"],
            ["path", "/charges"],
            ["status", "201"],
            ["header Idempotency-Key", "17"],
            ["query dry", "true"],
            ["query tag", "b c"],
            ["$.amount", "12.50"],
        ];
        scenario
            .passes("partner bank receives exactly 1 call, and no other", table(&rows))
            .await;
        scenario
            .passes("partner bank receives no calls", table(&[["query tag", "c"]]))
            .await;
        let rows = [
            ["path", "/charge"],
            ["status", "\"202\""],
            ["query page", "1"],
            ["header etag", "#present"],
        ];
        insta::assert_snapshot!(scenario.fails("partner bank receives a call", table(&rows)).await, @r#"
        Failed: it does not hold
        expected:
          calls to partner bank: at least 1
            path: "/charge"
            status: "202"
            query page: 1
            header etag: #present
        seen:
          calls to partner bank: 0, and 1 other
          the nearest other: POST /charges answered 201: {"amount":12.5}
            path: expected "/charge", was "/charges"
            status: expected "202", was 201
            query page: expected 1, was absent
            header etag: expected #present, was absent: the headers are idempotency-key, content-length
        "#);
    }

    #[tokio::test]
    async fn the_one_call_is_kept() {
        let mut scenario = Scenario::begin();
        for amount in [1, 2] {
            let happening = call("bank", "/charges?dry=true", 201, json!({"amount": amount}));
            scenario.world.timeline.record(happening);
        }
        let text = "partner bank receives exactly 1 call as second";
        scenario.passes(text, table(&[["$.amount", "2"]])).await;
        let rows = [
            ["method", "${second:method}"],
            ["path", "${second:path}"],
            ["status", "${second:status}"],
            ["header idempotency-key", "${second:header Idempotency-Key}"],
            ["$.amount", "${second.amount}"],
        ];
        scenario
            .passes("partner bank receives exactly 1 call", table(&rows))
            .await;
    }

    #[tokio::test]
    async fn a_call_that_comes_later_is_waited_for() {
        let mut scenario = Scenario::begin();
        let timeline = scenario.world.timeline.clone();
        let calls = async {
            for number in 1..=3 {
                while timeline.open_waits().is_empty() {
                    tokio::task::yield_now().await;
                }
                timeline.record(call("bank", "/charges", 201, json!({"number": number})));
            }
        };
        let waits = scenario.passes("partner bank eventually receives at least 3 calls", Block::Nothing);
        tokio::join!(waits, calls);
        let few = "partner bank eventually receives exactly 4 calls within 50 ms";
        insta::assert_snapshot!(scenario.fails(few, Block::Nothing).await, @r"
        Failed: it did not come to hold within 50 ms
        expected:
          calls to partner bank: exactly 4
        seen:
          calls to partner bank: 3
        ");
    }

    #[tokio::test]
    async fn a_call_too_many_ends_the_wait_at_once() {
        let mut scenario = Scenario::begin();
        for body in [json!({"amount": 1}), json!({"amount": 1}), json!("<charge/>")] {
            scenario.world.timeline.record(call("bank", "/charges", 201, body));
        }
        let rows = || table(&[["$.amount", "1"]]);
        let twice = scenario
            .fails("partner bank eventually receives exactly 1 call", rows())
            .await;
        let other = scenario
            .fails("partner bank eventually receives 2 calls, and no other", rows())
            .await;
        insta::assert_snapshot!([twice, other].join("\n\n"), @r#"
        Failed: it can no longer hold
        expected:
          calls to partner bank: exactly 1
            $.amount: 1
        seen:
          calls to partner bank: 2, and 1 other
            POST /charges answered 201: {"amount":1}
            POST /charges answered 201: {"amount":1}

        Failed: it can no longer hold
        expected:
          calls to partner bank: exactly 2, and no other
            $.amount: 1
        seen:
          calls to partner bank: 2, and 1 other
          other: POST /charges answered 201: <charge/>
            $.amount: expected 1, was absent: the body is not JSON (no content-type): <charge/>
        "#);
    }

    #[tokio::test]
    async fn a_call_that_a_fault_answered_counts_with_that_status() {
        let mut scenario = Scenario::begin();
        let timeline = scenario.world.timeline.clone();
        let told = timeline.clone();
        let stand_in = post(|Json(body): Json<Value>| async move {
            told.record(call("bank", "/charges", 201, body));
            StatusCode::CREATED
        });
        scenario.serve("bank", Router::new().route("/charges", stand_in)).await;
        let answer = Answer {
            method: "POST".into(),
            path: "/charges".into(),
            first: 2,
            status: 503,
            partner: true,
        };
        let edge = &scenario.edges["bank"];
        let _fault = edge.answer(answer, Strikes::new("answer", timeline));
        let address = edge.address();
        for status in ["503", "503", "201"] {
            let mut bank = TcpStream::connect(address).await.expect("the edge listens");
            let request = "POST /charges?try=1 HTTP/1.1\r\nhost: bank\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 13\r\n\r\n{\"amount\":12}";
            bank.write_all(request.as_bytes()).await.expect("it takes the request");
            let mut answer = String::new();
            bank.read_to_string(&mut answer).await.expect("it answers");
            assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
        }
        let amount = ["$.amount", "12"];
        let all = "partner bank receives exactly 3 calls, and no other";
        scenario.passes(all, table(&[amount])).await;
        let answered = table(&[["status", "503"], ["query try", "1"], ["header host", "bank"], amount]);
        scenario.passes("partner bank receives exactly 2 calls", answered).await;
        let few = scenario
            .fails("partner bank receives exactly 2 calls", table(&[amount]))
            .await;
        insta::assert_snapshot!(few, @r#"
        Failed: it does not hold
        expected:
          calls to partner bank: exactly 2
            $.amount: 12
        seen:
          calls to partner bank: 3, and no other
            POST /charges answered 503: {"amount":12}
            POST /charges answered 503: {"amount":12}
            POST /charges answered 201: {"amount":12}
        "#);
    }

    #[test]
    fn what_no_call_has_is_told_while_planning() {
        let errors = plan(
            "    * partner bank receives a call
      | mehtod | POST |
    * partner shop receives a call",
        );
        insta::assert_snapshot!(errors.unwrap_err(), @r"
        4:9 | | mehtod | POST |
        a call has no place `mehtod`
        hint: did you mean `method`?
        5:15 | * partner shop receives a call
        `shop` is a service, and here stands a partner
        ");
    }
}
