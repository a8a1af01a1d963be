//! What a table holds.

use momus_engine::count::Count;
use momus_engine::failure::{Failure, StepError};
use momus_engine::step;
use momus_engine::step::{BlockShape, StepDefinition};
use momus_engine::timeline::Timeline;
use momus_engine::timing::Timing;
use momus_engine::values::Kept;
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
    /// `as NAME` keeps the one row of `exactly 1`: `${NAME.column}` reads it.
    ///
    /// ```gherkin
    /// Then table invoices of billing-db eventually has exactly 1 row, and no other within 5 seconds
    ///   | id         | i-1        |
    ///   | amount     | 12.5       |
    ///   | paid       | false      |
    ///   | created_at | #timestamp |
    /// ```
    "table {table} of {datastore} {eventually}has {count} row(s){as}{only}{within}", BlockShape::Optional(check_row);
    pub fn table_has(world, name: String, datastore: String, timing: Timing, count: Count, kept_as: Option<String>, only: bool; block) {
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
        let found = counted.expect_one(world, timing, || query.look(&world.timeline)).await?;
        if let (Some(kept_as), Some(row)) = (kept_as, found) {
            let kept = Kept {
                what: format!("the row that was found in table {name} of {datastore}"),
                json: Json::Object(row.values),
                ..Kept::default()
            };
            world.values.keep(kept_as, kept);
        }
        Ok(())
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
mod tests;
