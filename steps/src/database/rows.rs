//! What a table holds.

use momus_engine::count::Count;
use momus_engine::failure::{Failure, StepError};
use momus_engine::step;
use momus_engine::step::{BlockShape, StepDefinition};
use momus_engine::timeline::Timeline;
use momus_engine::timing::Timing;
use serde_json::{Map, Value as Json};
use tokio_postgres::types::ToSql;

use super::session::{Database, database};
use super::table::{Column, Table};
use crate::counted::{Counted, Lasting};
use crate::selection::{Expected, Place, Selection, Subject, check_row, shown};

/// The sentences that count rows.
pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![table_has()]
}

step! {
    /// Counts the rows of a table that have what the table below the step says; without one, all of them.
    ///
    /// First column: a column of the table; second: its value, compared by the database in the column's own type
    /// (`12.50` is `12.5`, a UUID's case and a time's zone do not count), or a marker. The table may be a view, and may
    /// be named `schema.table`. A read through the service's own interface comes before a look into its tables.
    ///
    /// ```gherkin
    /// Then table invoices of billing-db eventually has exactly 1 row, and no other within 5 seconds
    ///   | id         | i-1        |
    ///   | amount     | 12.5       |
    ///   | paid       | false      |
    ///   | created_at | #timestamp |
    /// ```
    "table {table} of {datastore} {eventually}has {count} row(s){only}{within}", BlockShape::Optional(check_row);
    pub fn table_has(world, name: String, datastore: String, timing: Timing, count: Count, only: bool; block) {
        let selection = Selection::read(world, &block)?;
        let database = database(world, &datastore)?;
        let query = Query::prepare(&database, &name, &selection).await?;
        let counted = Counted {
            what: &format!("rows of table {name} of {datastore}"),
            count,
            only,
            lasting: Lasting::Changes,
            selection: &selection,
        };
        counted.expect(world, timing, || query.look(&world.timeline)).await
    }
}

/// The test client looks at no more rows.
const MOST: usize = 10_000;

/// A look at all rows of a table that compares them in the types of its columns.
pub(crate) struct Query<'a> {
    database: &'a Database,
    pub table: Table,
    sql: String,
    /// The texts of the values that are compared with.
    inputs: Vec<String>,
    /// The columns and values that are compared, in the order of the query.
    compared: Vec<(String, Expected)>,
}

/// A row as the test client saw it.
pub(crate) struct Row {
    /// By column, in their order.
    values: Map<String, Json>,
    /// The columns that were compared by the database: with what, and whether that is what they hold.
    compared: Vec<(String, Expected, bool)>,
}

impl<'a> Query<'a> {
    /// Finds the table and the columns that the selection names, and tries its values in their types.
    pub async fn prepare(database: &'a Database, name: &str, selection: &Selection) -> Result<Self, StepError> {
        let session = database.session().await?;
        let table = Table::find(database, &session, name).await?;
        for place in selection.places() {
            table.column(&place.to_string())?;
        }
        let (mut inputs, mut compared, mut conditions) = (Vec::new(), Vec::new(), Vec::new());
        for (place, expected) in selection.values() {
            let column = table.column(&place.to_string())?;
            compared.push((column.name.clone(), expected.clone()));
            let Some(input) = column.input(expected) else {
                conditions.push(format!(", t.{} IS NULL", column.quoted()));
                continue;
            };
            let cast = format!("SELECT $1::text::{} IS NULL", column.sql_type);
            let read = database.within(session.client.query(&cast, &[&input])).await?;
            read.map_err(|error| unreadable(database, column, expected, &error))?;
            inputs.push(input);
            conditions.push(format!(", COALESCE({}, false)", column.equals(inputs.len())));
        }
        let (quoted, conditions) = (&table.quoted, conditions.concat());
        let sql = format!(
            "SELECT row_to_json(t.*)::text{conditions} FROM {quoted} AS t LIMIT {}",
            MOST + 1
        );
        Ok(Self {
            database,
            table,
            sql,
            inputs,
            compared,
        })
    }

    /// The rows that are there now.
    pub async fn look(&self, timeline: &Timeline) -> Result<Vec<Row>, StepError> {
        let Self { database, table, .. } = self;
        let session = database.session().await?;
        let inputs: Vec<&(dyn ToSql + Sync)> = self.inputs.iter().map(|input| input as &(dyn ToSql + Sync)).collect();
        let found = database.within(session.client.query(&self.sql, &inputs)).await?;
        let what = format!("table {} cannot be read", table.name);
        let found = found.map_err(|error| database.refused(&what, &error))?;
        if found.len() > MOST {
            let message = format!(
                "table {} has more than {MOST} rows, and the test client looks at no more",
                table.name
            );
            return Err(Failure::unknown(message).hint("a view of the rows that matter can be looked at instead"));
        }
        let texts: Vec<String> = found.iter().map(|row| row.get(0)).collect();
        database.tell(timeline, &table.name, &texts);
        let rows = found.iter().zip(&texts).map(|(row, text)| {
            let json = serde_json::from_str(text).map_err(|error| database.unknown(&error.to_string()))?;
            let compared = self.compared.iter().enumerate();
            let compared = compared.map(|(at, (column, expected))| (column.clone(), expected.clone(), row.get(at + 1)));
            Ok(Row::new(table, json, compared.collect()))
        });
        rows.collect()
    }
}

/// A value that the column's type does not have.
fn unreadable(database: &Database, column: &Column, expected: &Expected, error: &tokio_postgres::Error) -> StepError {
    let Column { name, sql_type } = column;
    let what = format!(
        "column {name} is of type {sql_type}, which `{}` is not",
        expected.written
    );
    database.refused(&what, error)
}

impl Row {
    fn new(table: &Table, mut json: Json, compared: Vec<(String, Expected, bool)>) -> Self {
        let columns = table.columns.iter();
        let values = columns.map(|column| {
            let value = json.get_mut(&column.name).map(Json::take).unwrap_or_default();
            (column.name.clone(), column.seen(value))
        });
        let values = values.collect();
        Self { values, compared }
    }
}

impl Subject for Row {
    fn read(&self, place: &Place) -> Vec<Json> {
        self.values.get(&place.to_string()).cloned().into_iter().collect()
    }

    fn shown(&self) -> String {
        shown(&Json::Object(self.values.clone()))
    }

    fn is(&self, place: &Place, expected: &Expected, _seen: &Json) -> bool {
        let name = place.to_string();
        let found = self
            .compared
            .iter()
            .find(|(column, with, _)| *column == name && with == expected);
        found.is_some_and(|(.., same)| *same)
    }
}

#[cfg(test)]
mod tests {
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
        ] {
            assert_eq!(has(&mut scenario, &[row]).await, Ok(()), "{row:?}");
        }
        for row in [
            ["amount", "12.51"],
            ["state", "open"],
            ["note", "null"],
            ["note", "07"],
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
        5:17 | | $.id | 1 |
        a row has no place `$.id`
        hint: a row has its columns
        6:36 | Then table invoices of shop has a row
        `shop` is a service, and here stands a datastore
        "#);
    }
}
