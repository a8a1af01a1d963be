//! Ledgers over a small mesh in the test itself: a shop that takes orders, and what the test makes of them.

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use momus_engine::event::Happening;
use momus_engine::step::Block;
use regex::Regex;
use serde_json::{Value, json};

use crate::database::server::{Sql, serve as serve_database};
use crate::events::broker::{Cluster, cluster, lead};
use crate::storage::server::{Receipts, serve as serve_bucket};
use crate::testing::{Scenario, plan, table};

const INVOICES: &str = "CREATE TABLE invoices (id text, created_at timestamptz NOT NULL)";

struct Trade {
    scenario: Scenario,
    receipts: Receipts,
    database: Sql,
    _cluster: Cluster,
}

impl Trade {
    async fn begin() -> Self {
        let mut scenario = Scenario::begin();
        let take = |Json(order): Json<Value>| async move {
            let status = order["status"].as_u64().map_or(202, |status| status as u16);
            let status = StatusCode::from_u16(status).expect("it is one");
            (status, Json(json!({"id": order["id"]})))
        };
        scenario.serve("shop", Router::new().route("/orders", post(take))).await;
        let cluster = cluster("");
        lead(&scenario, &cluster.bootstrap_servers());
        let receipts = serve_bucket(&mut scenario).await;
        let database = serve_database(&mut scenario, INVOICES).await;
        Self {
            scenario,
            receipts,
            database,
            _cluster: cluster,
        }
    }

    /// Orders of one customer, `o-1` and so on.
    async fn place(&mut self, number: u64) {
        let rows = [["$.id", "o-${ordinal}"], ["$.customer", "ada"]];
        let text = format!(r#"I send {number} POST "/orders" to shop"#);
        self.scenario.passes(&text, table(&rows)).await;
    }

    async fn place_one(&mut self, id: &str, status: &str) {
        let rows = [["$.id", id], ["$.customer", "ada"], ["$.status", status]];
        self.scenario
            .passes(r#"I send POST "/orders" to shop"#, table(&rows))
            .await;
    }

    fn file(&self, object: &str, ids: &[&str]) {
        let line = |id: &&str| format!("{}\n", json!({"order": {"id": id, "customer": "ada"}}));
        let lines: String = ids.iter().map(line).collect();
        self.receipts.put(&format!("orders/{object}"), lines.as_bytes());
    }

    async fn publish(&mut self, id: &str, partition: &str) {
        let rows = [["$.id", id], ["key", "ada"], ["partition", partition]];
        self.scenario
            .passes("I publish a record to topic orders.v1", table(&rows))
            .await;
    }

    fn charge(&self, ids: &[&str], status: u16) {
        let charges: Vec<Value> = ids.iter().map(|id| json!({"order": id})).collect();
        self.scenario.world.timeline.record(Happening::PartnerCall {
            partner: "bank".into(),
            method: "POST".into(),
            path: "/charges".into(),
            headers: Vec::new(),
            status,
            body: json!({ "charges": charges }),
        });
    }

    async fn invoice(&self, id: &str, second: u8) {
        let sql = format!("INSERT INTO invoices VALUES ('{id}', '2026-11-24T12:00:{second:02}Z')");
        self.database.run(&sql).await;
    }

    async fn passes(&mut self, becomes: &str) {
        let text = format!("every order in ledger orders is {becomes}");
        self.scenario.passes(&text, Block::Nothing).await;
    }

    /// What it fails with, the times in it left out.
    async fn fails(&mut self, becomes: &str) -> String {
        let text = format!("every order in ledger orders is {becomes}");
        let told = self.scenario.fails(&text, Block::Nothing).await;
        let time = Regex::new(r"\+\d+\.\d{3} s").expect("it is well formed");
        time.replace_all(&told, "+TIME").into_owned()
    }
}

#[tokio::test]
async fn what_comes_to_each_kind_of_stage_once_and_in_order_passes() {
    let mut trade = Trade::begin().await;
    trade.place(3).await;
    trade.file("a", &["o-1", "o-2"]);
    trade.file("b", &["o-3"]);
    trade.charge(&["o-1"], 201);
    // A call that is refused is taken by nobody.
    trade.charge(&["o-2", "o-3"], 503);
    trade.charge(&["o-2", "o-3"], 201);
    for (second, id) in [(1, "o-1"), (2, "o-2"), (3, "o-3")] {
        trade.publish(id, "0").await;
        trade.invoice(id, second).await;
    }
    for stage in ["published", "invoiced", "charged", "filed"] {
        trade.passes(&format!("{stage} exactly once, in order per key")).await;
        trade
            .passes(&format!("eventually {stage} at least once within 1 second"))
            .await;
        trade.passes(&format!("{stage} exactly once for 20 ms")).await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_by_id_with_its_way() {
    let mut trade = Trade::begin().await;
    trade.place(6).await;
    for id in ["o-1", "o-2", "o-3", "o-4"] {
        trade.publish(id, "0").await;
    }
    trade.charge(&["o-1", "o-2"], 201);
    trade.invoice("o-2", 1).await;
    trade.file("a", &["o-1", "o-3", "o-2", "o-1", "x-9"]);
    trade.receipts.put("orders/b", b"{\"order\": {}}\nno JSON\n");
    let told = trade.fails("filed exactly once, in order per key").await;
    insta::assert_snapshot!(told, @r"
    Failed: it does not hold
    expected:
      ledger orders: every order filed exactly once, in order per key
    seen:
      ledger orders: 6 placed, 3 of them filed
        missing, 3: o-4, o-5, o-6
        doubled, 1: o-1 (2 times)
        phantom (never placed), 1: x-9
        without an id, 2: filed orders/b line 1, filed orders/b line 2
        out of order, 1:
          key ada: o-2 at orders/a line 3 comes after o-3 at orders/a line 2
      o-4: placed +TIME (POST /orders 202), published +TIME (partition 0 offset 3), not invoiced, not charged, not filed
      o-5: placed +TIME (POST /orders 202), not published, not invoiced, not charged, not filed
      o-6: placed +TIME (POST /orders 202), not published, not invoiced, not charged, not filed
      o-1: placed +TIME (POST /orders 202), published +TIME (partition 0 offset 0), not invoiced, charged +TIME (POST /charges 201), filed 2 times: +TIME (orders/a line 1) and +TIME (orders/a line 4)
      x-9: not placed, not published, not invoiced, not charged, filed +TIME (orders/a line 5)
      o-2: placed +TIME (POST /orders 202), published +TIME (partition 0 offset 1), invoiced (a row with created_at 2026-11-24T12:00:01+00:00), charged +TIME (POST /charges 201), filed +TIME (orders/a line 3)
      o-3: placed +TIME (POST /orders 202), published +TIME (partition 0 offset 2), not invoiced, not charged, filed +TIME (orders/a line 2)
    ");
}

#[tokio::test]
async fn one_too_many_in_a_topic_is_one_too_many_for_good() {
    let mut trade = Trade::begin().await;
    trade.place(2).await;
    for (id, partition) in [("o-2", "1"), ("o-1", "0"), ("o-2", "1")] {
        trade.publish(id, partition).await;
    }
    let told = trade
        .fails("eventually published exactly once, in order per key within 60 seconds")
        .await;
    insta::assert_snapshot!(told, @r"
    Failed: it can no longer hold
    expected:
      ledger orders: every order published exactly once, in order per key
    seen:
      ledger orders: 2 placed, 2 of them published
        doubled, 1: o-2 (2 times)
        out of order, 1:
          key ada is in two partitions: o-1 at partition 0 offset 0, and o-2 at partition 1 offset 0
      o-2: placed +TIME (POST /orders 202), published 2 times: +TIME (partition 1 offset 0) and +TIME (partition 1 offset 1), not invoiced, not charged, not filed
      o-1: placed +TIME (POST /orders 202), published +TIME (partition 0 offset 0), not invoiced, not charged, not filed
    ");
    trade.passes("eventually published at least once").await;
}

#[tokio::test]
async fn a_phantom_fails_at_least_once_too() {
    let mut trade = Trade::begin().await;
    trade.place(1).await;
    trade.charge(&["o-1", "o-1", "x-9"], 201);
    insta::assert_snapshot!(trade.fails("charged at least once").await, @r"
    Failed: it does not hold
    expected:
      ledger orders: every order charged at least once
    seen:
      ledger orders: 1 placed, 1 of them charged
        phantom (never placed), 1: x-9
      x-9: not placed, not published, not invoiced, charged +TIME (POST /charges 201), not filed
    ");
}

#[tokio::test]
async fn rows_have_the_order_of_their_column() {
    let mut trade = Trade::begin().await;
    trade.place(3).await;
    for (id, second) in [("o-1", 2), ("o-2", 1), ("o-3", 2)] {
        trade.invoice(id, second).await;
    }
    trade.passes("invoiced exactly once").await;
    insta::assert_snapshot!(trade.fails("invoiced exactly once, in order per key").await, @r"
    Failed: it does not hold
    expected:
      ledger orders: every order invoiced exactly once, in order per key
    seen:
      ledger orders: 3 placed, 3 of them invoiced
        out of order, 1:
          key ada: o-1 at a row with created_at 2026-11-24T12:00:02+00:00 comes after o-2 at a row with created_at 2026-11-24T12:00:01+00:00
      o-1: placed +TIME (POST /orders 202), not published, invoiced (a row with created_at 2026-11-24T12:00:02+00:00), not charged, not filed
      o-2: placed +TIME (POST /orders 202), not published, invoiced (a row with created_at 2026-11-24T12:00:01+00:00), not charged, not filed
    ");
}

#[tokio::test]
async fn nothing_is_no_ledger_and_one_is_no_order() {
    let mut trade = Trade::begin().await;
    trade.place_one("o-1", "400").await;
    let nothing = trade.fails("filed at least once").await;
    trade.place_one("o-1", "202").await;
    trade.file("a", &["o-1"]);
    trade.passes("filed exactly once").await;
    let one = trade.fails("filed exactly once, in order per key").await;
    insta::assert_snapshot!([nothing, one].join("\n\n"), @r"
    Failed: it does not hold
    expected:
      ledger orders: every order filed at least once
    seen:
      ledger orders: nothing is placed

    Failed: it does not hold
    expected:
      ledger orders: every order filed exactly once, in order per key
    seen:
      ledger orders: 1 placed, 1 of them filed
        no two of one key are filed of which one was placed before the other: nothing is in order
    ");
}

#[tokio::test]
async fn what_a_server_failed_at_may_have_come_to_something_or_to_nothing() {
    let mut trade = Trade::begin().await;
    trade.place(2).await;
    trade.file("a", &["o-1", "o-2"]);
    trade.place_one("o-3", "503").await;
    trade.passes("filed exactly once, in order per key").await;
    trade.file("b", &["o-3"]);
    trade.passes("filed exactly once").await;
    trade.file("c", &["o-4"]);
    insta::assert_snapshot!(trade.fails("filed exactly once").await, @r"
    Failed: it does not hold
    expected:
      ledger orders: every order filed exactly once
    seen:
      ledger orders: 2 placed, 2 of them filed
        phantom (never placed), 2: o-3, o-4
        1 request without an answer, or with one of 5xx, may have come to something
      o-3: not placed, not published, not invoiced, not charged, filed +TIME (orders/b line 1)
      o-4: not placed, not published, not invoiced, not charged, filed +TIME (orders/c line 1)
    ");
}

#[tokio::test]
async fn the_same_thing_sent_twice_is_one_thing() {
    let mut trade = Trade::begin().await;
    trade.place(2).await;
    trade.place(2).await;
    trade.file("a", &["o-1", "o-2"]);
    trade.passes("filed exactly once, in order per key").await;
}

#[tokio::test]
async fn what_comes_later_is_waited_for() {
    let mut trade = Trade::begin().await;
    trade.place(2).await;
    let timeline = trade.scenario.world.timeline.clone();
    let charge = timeline.clone();
    let later = async move {
        while !timeline
            .open_waits()
            .iter()
            .any(|wait| wait.contains("2 placed, 0 of them charged"))
        {
            tokio::task::yield_now().await;
        }
        charge.record(Happening::PartnerCall {
            partner: "bank".into(),
            method: "POST".into(),
            path: "/charges".into(),
            headers: Vec::new(),
            status: 201,
            body: json!({"charges": [{"order": "o-1"}, {"order": "o-2"}]}),
        });
    };
    tokio::join!(trade.passes("eventually charged exactly once within 300 ms"), later);
}

#[tokio::test]
async fn objects_of_another_format_are_told() {
    let mut trade = Trade::begin().await;
    trade.place(1).await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, b"{\"order\": {\"id\": \"o-1\"}}\n").expect("it is memory");
    trade.receipts.put("orders/a", &packed.finish().expect("it is memory"));
    insta::assert_snapshot!(trade.fails("filed exactly once").await, @"Failed: object orders/a of bucket receipts has another format: it is gzip, and a stage says `ndjson`");
}

#[test]
fn what_a_ledger_has_not_is_told_while_planning() {
    let errors = plan(
        "    * every order in ledger order is filed exactly once
    * every order in ledger orders is fild exactly once
    * every order in ledger orders is shipped exactly once
    * every order in ledger orders is placed exactly once
    * every order in ledger orders is never filed exactly once
    * every order in ledger orders is filed twice",
    );
    insta::assert_snapshot!(errors.unwrap_err(), @r"
    3:13 | * every order in ledger order is filed exactly once
    the mesh has no ledger `order`
    hint: did you mean `orders`?
    4:5 | * every order in ledger orders is fild exactly once
    ledger orders has no stage `fild`
    hint: did you mean `filed`?
    5:5 | * every order in ledger orders is shipped exactly once
    ledger orders has no stage `shipped`
    hint: what is placed comes to published, invoiced, charged, filed
    6:5 | * every order in ledger orders is placed exactly once
    `placed` is where the things of ledger orders begin
    hint: they come to published, invoiced, charged, filed
    7:5 | * every order in ledger orders is never filed exactly once
    this step does not take `never`
    hint: the timings that it takes are none (it must hold now), `eventually` (`within …`), `for …`
    8:5 | * every order in ledger orders is filed twice
    no step definition matches this step
    hint: the nearest are
    hint:   every {thing} in ledger {ledger} is {eventually}{stage} {times}{ordered}{within}
    hint:   metric {metric} is {eventually}{quantity}{within}
    ");
}
