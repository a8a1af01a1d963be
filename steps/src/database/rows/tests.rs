//! What a table holds, tested against a real server.

use std::time::{Duration, Instant};

use momus_engine::event::Happening;
use momus_engine::step::Block;

use crate::database::server::scenario;
use crate::testing::{Scenario, plan, table, told};

const SCHEMA: &str = "
    CREATE TYPE state AS ENUM ('open', 'paid');
    CREATE TABLE invoices (
        id uuid, amount numeric(10, 2), currency char(5), state state, tags text[], details json, place point,
        at timestamptz, seen timestamp, due date, n smallint, note text, t text
    );
    INSERT INTO invoices VALUES (
        'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 12.50, 'EUR', 'paid', '{a,b}', '{\"by\": \"card\", \"n\": 1}', '(1,2)',
        '2026-11-24T12:00:00+01:00', '2026-11-24T11:00:00', '2026-11-24', 7, '7'
    )";

async fn has(scenario: &mut Scenario, rows: &[[&str; 2]]) -> Result<(), String> {
    let result = scenario
        .run("table invoices of billing-db has exactly 1 row", table(rows))
        .await;
    match result {
        Ok(()) => Ok(()),
        failed => Err(told(failed)),
    }
}

#[tokio::test]
async fn the_one_row_is_kept() {
    let (mut scenario, _) = scenario(SCHEMA).await;
    let text = "table invoices of billing-db has exactly 1 row as invoice";
    scenario.passes(text, table(&[["currency", "EUR"]])).await;
    let same = [
        ["id", "${invoice.id}"],
        ["amount", "${invoice.amount}"],
        ["n", "${invoice.n}"],
        ["at", "${invoice.at}"],
        ["note", "#absent"],
    ];
    let text = "table invoices of billing-db has exactly 1 row";
    let failure = scenario.fails(text, table(&same)).await;
    assert!(failure.contains("note: expected #absent, was \"7\""), "{failure}");
    assert!(!failure.contains("amount: expected"), "{failure}");
    scenario.passes(text, table(&same[..4])).await;
}

#[tokio::test]
async fn values_compare_in_the_types_of_their_columns() {
    let (mut scenario, _) = scenario(SCHEMA).await;
    for row in [
        ["id", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"],
        ["id", "#uuid"],
        ["amount", "12.5"],
        ["amount", "\"12.500\""],
        ["amount", "#number 12..13"],
        ["currency", "EUR"],
        ["currency", "#regex [A-Z]{3}"],
        ["state", "paid"],
        ["tags", "{a,b}"],
        ["tags", "#contains b"],
        ["details", "{\"n\": 1.0, \"by\": \"card\"}"],
        ["place", "(1, 2)"],
        ["at", "2026-11-24T11:00:00Z"],
        ["at", "#after 2026-11-24T11:00:00Z"],
        ["seen", "#timestamp"],
        ["seen", "2026-11-24 11:00"],
        ["due", "2026-11-24"],
        ["n", "7"],
        ["note", "7"],
        ["note", "#string"],
        ["amount", "#at least 12.5"],
        ["amount", "#not 12.51"],
        ["at", "#less than 2026-11-24T11:00:01Z"],
    ] {
        assert_eq!(has(&mut scenario, &[row]).await, Ok(()), "{row:?}");
    }
    for row in [
        ["amount", "12.51"],
        ["state", "open"],
        ["note", "null"],
        ["note", "07"],
        ["amount", "#not 12.500"],
        ["id", "#not A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"],
        ["amount", "#greater than 12.5"],
        ["at", "null"],
    ] {
        assert!(has(&mut scenario, &[row]).await.is_err(), "{row:?}");
    }
}

#[tokio::test]
async fn a_row_that_differs_is_told_with_what_it_misses() {
    let (mut scenario, database) = scenario(SCHEMA).await;
    database
        .run("ALTER TABLE invoices DROP details, DROP place, DROP tags, DROP t")
        .await;
    let rows = [
        ["amount", "13"],
        ["state", "paid"],
        ["currency", "USD"],
        ["note", "null"],
    ];
    insta::assert_snapshot!(has(&mut scenario, &rows).await.unwrap_err(), @r#"
    Failed: it does not hold
    expected:
      rows of table invoices of billing-db: exactly 1
        amount: 13
        state: "paid"
        currency: "USD"
        note: null
    seen:
      rows of table invoices of billing-db: 0, and 1 other
      the nearest other: {"id":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","amount":12.5,"currency":"EUR","state":"paid","at":"2026-11-24T11:00:00+00:00","seen":"2026-11-24T11:00:00Z","due":"2026-11-24","n":7,"note":"7"}
        amount: expected 13, was 12.5
        currency: expected "USD", was "EUR"
        note: expected null, was "7"
    "#);
    let only = "table invoices of billing-db has no row, and no other";
    insta::assert_snapshot!(told(scenario.run(only, table(&[["n", "8"]])).await), @r#"
    Failed: it does not hold
    expected:
      rows of table invoices of billing-db: none, and no other
        n: 8
    seen:
      rows of table invoices of billing-db: 0, and 1 other
      other: {"id":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","amount":12.5,"currency":"EUR","state":"paid","at":"2026-11-24T11:00:00+00:00","seen":"2026-11-24T11:00:00Z","due":"2026-11-24","n":7,"note":"7"}
        n: expected 8, was 7
    "#);
}

#[tokio::test]
async fn what_cannot_be_compared_is_told() {
    let (mut scenario, _) = scenario(SCHEMA).await;
    let mut all = Vec::new();
    for row in [["amount", "much"], ["state", "lost"], ["n", "70000"], ["amout", "1"]] {
        all.push(has(&mut scenario, &[row]).await.unwrap_err());
    }
    let text = "table invoice of billing-db has no rows";
    all.push(told(scenario.run(text, Block::Nothing).await));
    insta::assert_snapshot!(all.join("\n"), @r#"
    Failed: column amount is of type numeric, which `much` is not: invalid input syntax for type numeric: "much" [SQLSTATE 22P02]
    Failed: column state is of type state, which `lost` is not: invalid input value for enum state: "lost" [SQLSTATE 22P02]
    Failed: column n is of type smallint, which `70000` is not: value "70000" is out of range for type smallint [SQLSTATE 22003]
    Failed: table invoices has no column amout
    hint: did you mean `amount`?
    Failed: billing-db has no table invoice
    hint: did you mean `invoices`?
    "#);
}

#[tokio::test]
async fn rows_that_change_are_looked_at_until_they_are_right() {
    let (mut scenario, database) = scenario(SCHEMA).await;
    let timeline = scenario.world.timeline.clone();
    let later = async {
        while !timeline.open_waits().iter().any(|wait| wait.contains("seen last")) {
            tokio::task::yield_now().await;
        }
        database.run("UPDATE invoices SET n = 8").await;
        timeline.ring();
    };
    let text = "table invoices of billing-db eventually has at least 1 row";
    let rows = table(&[["n", "8"]]);
    let (result, ()) = tokio::join!(scenario.run(text, rows), later);
    result.expect("it changes");
    let told = scenario.world.timeline.look(|events| {
        let told = events.iter().filter_map(|event| match &event.happening {
            Happening::Rows { table, rows, .. } => Some((table.clone(), *rows)),
            _ => None,
        });
        told.collect::<Vec<_>>()
    });
    // Told when it was first looked at, and when it had changed.
    assert_eq!(told, [("invoices".to_owned(), 1), ("invoices".to_owned(), 1)]);
}

#[tokio::test]
async fn looking_does_not_spin() {
    let (mut scenario, _) = scenario(SCHEMA).await;
    let began = Instant::now();
    let text = "table invoices of billing-db eventually has exactly 2 rows within 600 ms";
    let failure = scenario.run(text, Block::Nothing).await.expect_err("there is one");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // One at the beginning, each 250 ms, and at the deadline.
    assert!(
        failure.looks.is_some_and(|looks| (2..=4).contains(&looks)),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_database_that_is_away_cannot_be_told_of() {
    let (mut scenario, _) = scenario(SCHEMA).await;
    scenario.endpoint(
        "billing-db",
        momus_engine::sandbox::Endpoint {
            url: "postgres://postgres@127.0.0.1:1/billing-db".into(),
            ..Default::default()
        },
    );
    let told = told(
        scenario
            .run("table invoices of billing-db has a row", Block::Nothing)
            .await,
    );
    let expected = "Unknown: the test client cannot use billing-db: error connecting to server: ";
    assert!(
        told.starts_with(expected) && told.contains("Connection refused"),
        "{told}"
    );
}

#[tokio::test]
async fn no_more_rows_are_looked_at_than_can_be_kept() {
    let (mut scenario, database) = scenario(SCHEMA).await;
    database
        .run("INSERT INTO invoices (n) SELECT 1 FROM generate_series(1, 10000)")
        .await;
    let told = told(
        scenario
            .run("table invoices of billing-db has a row", Block::Nothing)
            .await,
    );
    insta::assert_snapshot!(told, @r#"
    Unknown: table invoices has more than 10000 rows, and the test client looks at no more
    hint: a view of the rows that matter can be looked at instead
    "#);
}

#[test]
fn the_table_is_checked_while_planning() {
    let steps = "
        Then table invoices of billing-db has a row
          | $.id | 1 |
        Then table invoices of shop has a row";
    insta::assert_snapshot!(plan(steps).unwrap_err(), @r#"
    5:13 | | $.id | 1 |
    a row has no place `$.id`
    hint: a row has its columns
    6:32 | Then table invoices of shop has a row
    `shop` is a service, and here stands a datastore
    "#);
}
