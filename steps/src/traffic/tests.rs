//! Traffic to a shop in the test itself.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use momus_engine::activity::Quiet;
use momus_engine::event::{FaultPhase, Happening, ServiceState};
use momus_engine::step::Block;
use regex::Regex;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::testing::{Scenario, plan, table};

/// A shop, and what it was asked so far.
struct Shop {
    scenario: Scenario,
    asked: watch::Receiver<Vec<String>>,
}

type Asked = Arc<watch::Sender<Vec<String>>>;

impl Shop {
    async fn begin() -> Self {
        let asked: Asked = Arc::default();
        let app = Router::new()
            .route("/orders/{number}", get(order))
            .route("/orders", post(take))
            .route("/slow/{number}", get(slow))
            .with_state(asked.clone());
        let mut scenario = Scenario::begin();
        scenario.world.deadline = Duration::from_millis(300);
        scenario.serve("shop", app).await;
        Self {
            scenario,
            asked: asked.subscribe(),
        }
    }

    async fn sends(&mut self, text: &str, rows: &[[&str; 2]]) {
        let block = if rows.is_empty() { Block::Nothing } else { table(rows) };
        self.scenario.passes(&format!("{text} as traffic"), block).await;
    }

    /// Returns when the shop was asked so often.
    async fn is_asked(&mut self, times: usize) {
        let enough = self.asked.wait_for(|asked| asked.len() >= times).await;
        drop(enough.expect("the shop is there"));
    }

    async fn passes(&mut self, text: &str) {
        self.scenario.passes(text, Block::Nothing).await;
    }

    /// What it fails with, without what differs from time to time.
    async fn fails(&mut self, text: &str) -> String {
        steady(&self.scenario.fails(text, Block::Nothing).await)
    }
}

fn steady(told: &str) -> String {
    let mut told = told.to_owned();
    let differing = [
        (r"\+\d+\.\d{3} s", "+TIME"),
        (r"(in|took|after) \d+(\.\d+)? (ms|s)", "$1 TIME"),
        (r"\d+ requests", "N requests"),
        (r"\(\d+\.\d %\)", "(SHARE)"),
    ];
    for (differs, stands) in differing {
        let differs = Regex::new(differs).expect("it is well formed");
        told = differs.replace_all(&told, stands).into_owned();
    }
    told
}

/// The second order is a server's failure, the third is not there, and the fourth has no answer at all.
async fn order(State(asked): State<Asked>, Path(number): Path<u64>) -> (StatusCode, Json<Value>) {
    asked.send_modify(|asked| asked.push(number.to_string()));
    match number {
        2 => return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({}))),
        3 => return (StatusCode::NOT_FOUND, Json(json!({}))),
        4 => pending().await,
        _ => {}
    }
    (StatusCode::OK, Json(json!({"id": number})))
}

/// Answers once the next request is there.
async fn slow(State(asked): State<Asked>, Path(number): Path<usize>) -> StatusCode {
    asked.send_modify(|asked| asked.push(number.to_string()));
    drop(asked.subscribe().wait_for(|asked| asked.len() > number).await);
    StatusCode::OK
}

async fn take(State(asked): State<Asked>, Json(order): Json<Value>) -> (StatusCode, Json<Value>) {
    let id = order["id"].as_str().expect("it has one").to_owned();
    asked.send_modify(|asked| asked.push(id.clone()));
    (StatusCode::ACCEPTED, Json(json!({ "id": id })))
}

#[tokio::test]
async fn each_request_is_filled_in_anew_and_none_after_the_end() {
    let mut shop = Shop::begin().await;
    shop.sends(
        r#"100 POST "/orders" per second are sent to shop"#,
        &[["$.id", "o-${ordinal}-${uuid}"]],
    )
    .await;
    shop.is_asked(5).await;
    shop.passes("no request of traffic fails").await;
    let asked = shop.asked.borrow().clone();
    let beginnings: Vec<&str> = asked.iter().take(5).map(|id| &id[..4]).collect();
    assert_eq!(beginnings, ["o-1-", "o-2-", "o-3-", "o-4-", "o-5-"]);
    assert_ne!(asked[0][4..], asked[1][4..]);
    shop.passes("at most 0 % of the requests of traffic fail").await;
    shop.passes("at most 0 % of the requests of traffic are slower than 10 seconds")
        .await;
    let rows = table(&[["status", "202"], ["$.id", "#regex o-.*"]]);
    shop.scenario.passes("every response of traffic has", rows).await;
    assert_eq!(shop.asked.borrow().len(), asked.len());
}

#[tokio::test]
async fn failures_are_told_with_what_happened_around_them() {
    let mut shop = Shop::begin().await;
    let timeline = shop.scenario.world.timeline.clone();
    timeline.record(Happening::Fault {
        fault: "pause of billing".into(),
        phase: FaultPhase::Injected,
    });
    shop.sends(r#"100 GET "/orders/${ordinal}" per second are sent to shop"#, &[])
        .await;
    shop.is_asked(2).await;
    for _ in 0..3 {
        timeline.record(Happening::Response {
            exchange: 0,
            caller: "shop".into(),
            dependency: "billing".into(),
            method: "GET".into(),
            path: "/invoices".into(),
            status: None,
            grpc_status: None,
            took: Duration::ZERO,
        });
    }
    timeline.record(Happening::Service {
        service: "billing".into(),
        state: ServiceState::Killed,
    });
    shop.is_asked(9).await;
    insta::assert_snapshot!(shop.fails("no request of traffic fails").await, @r"
    Failed: it does not hold
    expected:
      no request of traffic fails (100 GET /orders/${ordinal} per second to shop)
    seen:
      traffic: N requests in TIME, the slowest took TIME; 3 (SHARE) failed: 503 ×1, 404 ×1, no answer ×1
        number 2 at +TIME, GET /orders/2: 503 Service Unavailable after TIME
        number 3 at +TIME, GET /orders/3: 404 Not Found after TIME
        number 4 at +TIME, GET /orders/4: no answer after TIME: it was waited for in vain
      around then:
        +TIME  the pause of billing is injected
        +TIME  shop → billing GET /invoices no answer (3 times)
        +TIME  billing is killed
    ");
    shop.passes("at most 50 % of the requests of traffic fail").await;
    let few = shop.fails("at most 0.5 % of the requests of traffic fail").await;
    assert!(
        few.contains("expected:\n  at most 0.5 % of the requests of traffic fail"),
        "{few}"
    );
    assert!(few.contains("3 (SHARE) failed: 503 ×1, 404 ×1, no answer ×1"), "{few}");
}

#[tokio::test]
async fn what_is_other_than_expected_is_told() {
    let mut shop = Shop::begin().await;
    shop.sends(r#"100 GET "/orders/${ordinal}" per second are sent to shop"#, &[])
        .await;
    shop.is_asked(9).await;
    let rows = table(&[["status", "#number 200..499"], ["$.id", "#number"]]);
    let other = shop.scenario.fails("every response of traffic has", rows).await;
    insta::assert_snapshot!(steady(&other), @r"
    Failed: it does not hold
    expected:
      every response of traffic has (100 GET /orders/${ordinal} per second to shop)
        status: #number 200..499
        $.id: #number
    seen:
      traffic: N requests in TIME, the slowest took TIME; 3 (SHARE) differ: 503 ×1, 404 ×1, no answer ×1
        number 2 at +TIME, GET /orders/2: 503 Service Unavailable after TIME
          status: expected #number 200..499, was 503
          $.id: expected #number, was absent
        number 3 at +TIME, GET /orders/3: 404 Not Found after TIME
          $.id: expected #number, was absent
        number 4 at +TIME, GET /orders/4: no answer after TIME: it was waited for in vain
      around then nothing else happened that the test client saw
    ");
}

#[tokio::test]
async fn what_is_slow_is_told() {
    let mut shop = Shop::begin().await;
    shop.sends(r#"2 GET "/slow/${ordinal}" per second are sent to shop"#, &[])
        .await;
    shop.is_asked(2).await;
    shop.passes("at most 100 % of the requests of traffic are slower than 400 ms")
        .await;
    let slower = "at most 1 % of the requests of traffic are slower than 400 ms";
    insta::assert_snapshot!(shop.fails(slower).await, @r"
    Failed: it does not hold
    expected:
      at most 1 % of the requests of traffic are slower than 400 ms (2 GET /slow/${ordinal} per second to shop)
    seen:
      traffic: N requests in TIME, the slowest took TIME; 2 (SHARE) were slower: over 400 ms ×1, no answer ×1
        number 1 at +TIME, GET /slow/1: 200 OK after TIME
        number 2 at +TIME, GET /slow/2: no answer after TIME: it was waited for in vain
      around then nothing else happened that the test client saw
    ");
}

#[tokio::test]
async fn a_traffic_goes_on_until_one_more_request_was_sent_since_a_step_acted() {
    let mut shop = Shop::begin().await;
    shop.sends(r#"20 GET "/orders/7" per second are sent to shop"#, &[])
        .await;
    shop.is_asked(1).await;
    shop.scenario.world.acted = Some(Instant::now());
    shop.passes("no request of traffic fails").await;
    assert!(shop.asked.borrow().len() >= 2);
    shop.scenario.world.acted = Some(Instant::now());
    insta::assert_snapshot!(shop.fails("no request of traffic fails").await, @r"
    Failed: the traffic traffic had ended before the last step that acted
    hint: the first step that asks about a traffic ends it: begin another
    ");
}

#[tokio::test]
async fn one_that_could_not_be_sent_any_more_says_so() {
    let mut shop = Shop::begin().await;
    shop.sends(r#"1000 GET "/orders/4" per second are sent to shop"#, &[])
        .await;
    shop.is_asked(200).await;
    shop.scenario.world.acted = Some(Instant::now() + Duration::from_secs(60));
    let told = shop.fails("no request of traffic fails").await;
    let withheld = Regex::new(r"\d+ were due").expect("it is well formed");
    insta::assert_snapshot!(withheld.replace(&told, "N were due"), @"Failed: no request of traffic was sent after the last step that acted: N were due and not sent, so many others having no answer");
}

#[tokio::test]
async fn while_it_flows_the_mesh_is_not_quiet() {
    let mut shop = Shop::begin().await;
    let activity = shop.scenario.world.timeline.activity().clone();
    activity.settles_in(Some(Duration::ZERO));
    shop.sends(r#"50 GET "/orders/7" per second are sent to shop"#, &[])
        .await;
    let Quiet::NotYet { why, at: None } = activity.quiet() else {
        panic!("{:?}", activity.quiet())
    };
    assert!(
        why.starts_with(r#"the traffic traffic (50 GET /orders/7 per second to shop) ("#),
        "{why}"
    );
    shop.passes("no request of traffic fails").await;
    assert!(matches!(activity.quiet(), Quiet::Yes { .. }), "{:?}", activity.quiet());
}

#[tokio::test]
async fn it_ends_with_its_scenario() {
    let mut shop = Shop::begin().await;
    let activity = shop.scenario.world.timeline.activity().clone();
    activity.settles_in(Some(Duration::ZERO));
    shop.sends(r#"1000 GET "/orders/7" per second are sent to shop"#, &[])
        .await;
    shop.is_asked(1).await;
    let Shop { scenario, mut asked } = shop;
    drop(scenario);
    while matches!(activity.quiet(), Quiet::NotYet { at: None, .. }) {
        tokio::task::yield_now().await;
    }
    asked.mark_unchanged();
    let more = timeout(Duration::from_millis(100), asked.changed()).await;
    assert!(more.is_err(), "{:?}", asked.borrow().len());
}

#[tokio::test]
async fn what_it_sends_enters_the_ledger() {
    let mut shop = Shop::begin().await;
    shop.sends(
        r#"100 POST "/orders" per second are sent to shop"#,
        &[["$.id", "o-${ordinal}"], ["$.customer", "ada"]],
    )
    .await;
    shop.is_asked(3).await;
    shop.passes("no request of traffic fails").await;
    let charges: Vec<Value> = shop.asked.borrow().iter().map(|id| json!({ "order": id })).collect();
    shop.scenario.world.timeline.record(Happening::PartnerCall {
        partner: "bank".into(),
        method: "POST".into(),
        path: "/charges".into(),
        headers: Vec::new(),
        status: 201,
        body: json!({ "charges": charges }),
    });
    shop.passes("every order in ledger orders is charged exactly once")
        .await;
}

#[tokio::test]
async fn a_request_that_cannot_be_made_is_told_at_once() {
    let mut shop = Shop::begin().await;
    let text = r#"20 GET "/orders/${nobody.id}" per second are sent to shop as traffic"#;
    insta::assert_snapshot!(shop.fails(text).await, @"Failed: `${nobody.id}` has no value");
}

#[test]
fn what_cannot_be_sent_or_asked_is_told_while_planning() {
    let errors = plan(
        r#"    * 0 GET "/orders" per second are sent to shop as one
    * 1001 GET "/orders" per second are sent to shop as two
    * 20 GET "orders" per second are sent to shop as three
    * 20 GET "/orders" per second are sent to shopp as four
    * 20 POST "/orders" per second are sent to shop as five
      | id | 1 |
    * no request of fife fails
    * at most 101 % of the requests of five fail
    * every response of five has
      | stauts | 200 |
    * at most 1 % of the requests of two are slower than 3 parsecs"#,
    );
    insta::assert_snapshot!(errors.unwrap_err(), @r#"
    3:5 | * 0 GET "/orders" per second are sent to shop as one
    no request is sent
    hint: the rate is at least 1 per second
    4:5 | * 1001 GET "/orders" per second are sent to shop as two
    1001 per second are more than the test client sends
    hint: it sends up to 1000, and is no load generator
    5:5 | * 20 GET "orders" per second are sent to shop as three
    the path `orders` does not begin with `/`
    hint: did you mean `/orders`?
    6:47 | * 20 GET "/orders" per second are sent to shopp as four
    the mesh has no service `shopp`
    hint: did you mean `shop`?
    8:9 | | id | 1 |
    a request has no place `id`
    hint: a member of its JSON is `$.id`; a request has `$…`, `header NAME`, `query NAME`, `form NAME`, `file NAME`, `cookie NAME`
    9:5 | * no request of fife fails
    no step before this one begins a traffic `fife`
    hint: did you mean `five`?
    10:5 | * at most 101 % of the requests of five fail
    `101 %` is more than all
    hint: a share is `0 %` to `100 %`
    12:9 | | stauts | 200 |
    a response has no place `stauts`
    hint: did you mean `status`?
    13:5 | * at most 1 % of the requests of two are slower than 3 parsecs
    `3 parsecs` is no duration
    hint: a number and a unit, such as `200 ms`, `5 seconds` or `2 minutes`
    "#);
}
