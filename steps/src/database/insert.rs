//! Rows that are there before the scenario's own doing.

use momus_engine::failure::StepError;
use momus_engine::step;
use momus_engine::step::{Block, BlockError, BlockShape, StepDefinition};
use tokio_postgres::types::ToSql;

use super::session::{Database, Session, database};
use super::table::{Column, Table};
use crate::selection::build::check_value;
use crate::selection::{Expected, cell_value};

/// The sentences that insert.
pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![table_holds()]
}

step! {
    /// Inserts rows, to arrange what is there from before: all of them, or none where one is refused.
    ///
    /// The first row of the table names columns, and each further one gives a row its values, read in the columns' own
    /// types; `null` is NULL, and columns that are left out get their defaults. The table may be named `schema.table`.
    ///
    /// ```gherkin
    /// Given table invoices of billing-db holds
    ///   | id      | amount | currency | created_at           |
    ///   | i-1     | 12.50  | EUR      | 2026-11-24T12:00:00Z |
    ///   | ${uuid} | 3      | USD      | ${now}               |
    /// ```
    "table {table} of {datastore} holds", BlockShape::Required(check);
    pub fn table_holds(world, name: String, datastore: String; block) {
        let Some((header, lines)) = block.rows().split_first() else { return Ok(()) };
        let mut rows = Vec::new();
        for line in lines {
            let row: Result<Vec<Expected>, StepError> = line.iter().map(|cell| cell_value(world, cell)).collect();
            rows.push(row?);
        }
        let database = database(world, &datastore)?;
        let session = database.session().await?;
        let table = Table::find(&database, &session, &name).await?;
        let columns: Result<Vec<&Column>, StepError> = header.iter().map(|column| table.column(column)).collect();
        let insertion = Insertion { database: &database, session: &session, table: &table, columns: columns? };
        insertion.run("BEGIN").await?;
        match insertion.rows(&rows).await {
            Ok(()) => insertion.run("COMMIT").await,
            Err(failure) => {
                // The failure says more than a ROLLBACK that fails with it.
                drop(insertion.run("ROLLBACK").await);
                Err(failure)
            }
        }
    }
}

/// Rows on their way into a table.
struct Insertion<'a> {
    database: &'a Database,
    session: &'a Session,
    table: &'a Table,
    columns: Vec<&'a Column>,
}

impl Insertion<'_> {
    async fn run(&self, statement: &str) -> Result<(), StepError> {
        let ran = self
            .database
            .within(self.session.client.batch_execute(statement))
            .await?;
        ran.map_err(|error| self.refused(&format!("the rows do not go into table {}", self.table.name), &error))
    }

    async fn rows(&self, rows: &[Vec<Expected>]) -> Result<(), StepError> {
        let names: Vec<String> = self.columns.iter().map(|column| column.quoted()).collect();
        let values = self.columns.iter().enumerate();
        let values: Vec<String> = values
            .map(|(at, column)| format!("${}::text::{}", at + 1, column.sql_type))
            .collect();
        let (table, names, values) = (&self.table.quoted, names.join(", "), values.join(", "));
        let statement = format!("INSERT INTO {table} ({names}) VALUES ({values})");
        for row in rows {
            let inputs = self.columns.iter().zip(row).map(|(column, value)| column.input(value));
            let inputs: Vec<Option<String>> = inputs.collect();
            let inputs: Vec<&(dyn ToSql + Sync)> = inputs.iter().map(|input| input as &(dyn ToSql + Sync)).collect();
            let inserted = self.session.client.execute(&statement, &inputs);
            self.database.within(inserted).await?.map_err(|error| {
                let written: Vec<&str> = row.iter().map(|value| value.written.as_str()).collect();
                let what = format!(
                    "the row `{}` does not go into table {}",
                    written.join(" | "),
                    self.table.name
                );
                self.refused(&what, &error)
            })?;
        }
        Ok(())
    }

    /// The server's error, with what helps where the server itself gives no hint.
    fn refused(&self, what: &str, error: &tokio_postgres::Error) -> StepError {
        let refused = self.database.refused(what, error);
        let Some(said) = error.as_db_error() else {
            return refused;
        };
        let types = || {
            let types = self
                .columns
                .iter()
                .map(|column| format!("{} {}", column.name, column.sql_type));
            types.collect::<Vec<_>>().join(", ")
        };
        match said.code().code() {
            "23502" => refused.hint(format!(
                "give column {} a value: it has no default",
                said.column().unwrap_or_default()
            )),
            "23503" => refused.hint("insert the row that it refers to first"),
            "23505" => {
                refused.hint("such a row is there already: from the schema, from a step before, or from a service")
            }
            "428C9" => refused.hint("leave the column out: the database itself gives it its value"),
            code if code.starts_with("22") => refused.hint(format!("the types of its columns are {}", types())),
            _ => match said.hint() {
                Some(hint) => refused.hint(hint),
                None => refused,
            },
        }
    }
}

/// Tells while planning what is wrong with a table of rows.
fn check(block: &Block) -> Result<(), BlockError> {
    const SHAPE: &str = "hint: the first row names columns, and each further one gives a row its values";
    let Block::Table(rows) = block else {
        return Err(BlockError::whole(format!("this step takes a table; {SHAPE}")));
    };
    let [header, rows @ ..] = rows.as_slice() else {
        return Err(BlockError::whole(format!("this table is empty; {SHAPE}")));
    };
    for (at, column) in header.iter().enumerate() {
        let message = match column.as_str() {
            "" => format!("this column has no name; {SHAPE}"),
            _ if header[..at].contains(column) => format!("column `{column}` is named twice"),
            _ => continue,
        };
        return Err(BlockError::cell(0, at, message));
    }
    if rows.is_empty() {
        return Err(BlockError::whole(format!(
            "this table has no row below its header; {SHAPE}"
        )));
    }
    for (row, cells) in rows.iter().enumerate() {
        for (at, cell) in cells.iter().enumerate() {
            check_value(cell).map_err(|message| BlockError::cell(row + 1, at, message))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::database::server::scenario;
    use crate::testing::{Scenario, plan, told};
    use momus_engine::step::Block;

    const SCHEMA: &str = "
        CREATE TABLE invoices (
            id text PRIMARY KEY, number bigint GENERATED ALWAYS AS IDENTITY, amount numeric(10, 2) NOT NULL,
            currency char(3) NOT NULL DEFAULT 'EUR', tags text[], details jsonb, at timestamptz, paid boolean,
            replaces text REFERENCES invoices
        );
        CREATE SCHEMA archive; CREATE TABLE archive.invoices (id text)";

    fn rows(rows: &[&[&str]]) -> Block {
        Block::Table(
            rows.iter()
                .map(|row| row.iter().map(|&cell| cell.to_owned()).collect())
                .collect(),
        )
    }

    async fn hold(scenario: &mut Scenario, block: &[&[&str]]) -> String {
        let result = scenario.run("table invoices of billing-db holds", rows(block)).await;
        told(result)
    }

    #[tokio::test]
    async fn rows_are_inserted_in_the_types_of_their_columns() {
        let (mut scenario, _) = scenario(SCHEMA).await;
        let table = rows(&[
            &["id", "amount", "tags", "details", "at", "paid"],
            &[
                "i-1",
                "12.5",
                "{a,b}",
                "{\"by\": \"card\"}",
                "2026-11-24T12:00:00+01:00",
                "true",
            ],
            &["${uuid}", "\"7\"", "null", "plain", "null", "null"],
        ]);
        scenario
            .run("table invoices of billing-db holds", table)
            .await
            .expect("they go in");
        let first = rows(&[
            &["id", "i-1"],
            &["amount", "12.50"],
            &["currency", "EUR"],
            &["tags", "{a,b}"],
            &["details", "{\"by\":\"card\"}"],
            &["at", "2026-11-24T11:00:00Z"],
            &["paid", "true"],
            &["number", "1"],
        ]);
        let text = "table invoices of billing-db has exactly 1 row";
        scenario.run(text, first).await.expect("it is there");
        let second = rows(&[
            &["id", "#uuid"],
            &["amount", "7"],
            &["details", "plain"],
            &["tags", "null"],
            &["paid", "#null"],
        ]);
        scenario.run(text, second).await.expect("it is there");
        let text = "table archive.invoices of billing-db holds";
        scenario
            .run(text, rows(&[&["id"], &["old"]]))
            .await
            .expect("it goes in");
        let text = "table archive.invoices of billing-db has exactly 1 row, and no other";
        scenario.run(text, rows(&[&["id", "old"]])).await.expect("it is there");
    }

    #[tokio::test]
    async fn what_the_database_refuses_is_told_in_its_own_words() {
        let (mut scenario, _) = scenario(SCHEMA).await;
        let mut all = Vec::new();
        for block in [
            &[&["id", "amount"][..], &["i-1", "1"], &["i-1", "2"]][..],
            &[&["id", "amount"], &["i-2", "much"]],
            &[&["id", "amount"], &["i-2", "123456789012"]],
            &[&["id", "currency"], &["i-2", "EUR"]],
            &[&["id", "amount", "replaces"], &["i-2", "1", "i-0"]],
            &[&["id", "amount", "number"], &["i-2", "1", "7"]],
        ] {
            all.push(hold(&mut scenario, block).await);
        }
        insta::assert_snapshot!(all.join("\n"), @r#"
        Failed: the row `i-1 | 2` does not go into table invoices: duplicate key value violates unique constraint "invoices_pkey" (Key (id)=(i-1) already exists.) [SQLSTATE 23505]
        hint: such a row is there already: from the schema, from a step before, or from a service
        Failed: the row `i-2 | much` does not go into table invoices: invalid input syntax for type numeric: "much" [SQLSTATE 22P02]
        hint: the types of its columns are id text, amount numeric
        Failed: the row `i-2 | 123456789012` does not go into table invoices: numeric field overflow (A field with precision 10, scale 2 must round to an absolute value less than 10^8.) [SQLSTATE 22003]
        hint: the types of its columns are id text, amount numeric
        Failed: the row `i-2 | EUR` does not go into table invoices: null value in column "amount" of relation "invoices" violates not-null constraint (Failing row contains (i-2, 3, null, EUR, null, null, null, null, null).) [SQLSTATE 23502]
        hint: give column amount a value: it has no default
        Failed: the row `i-2 | 1 | i-0` does not go into table invoices: insert or update on table "invoices" violates foreign key constraint "invoices_replaces_fkey" (Key (replaces)=(i-0) is not present in table "invoices".) [SQLSTATE 23503]
        hint: insert the row that it refers to first
        Failed: the row `i-2 | 1 | 7` does not go into table invoices: cannot insert a non-DEFAULT value into column "number" (Column "number" is an identity column defined as GENERATED ALWAYS.) [SQLSTATE 428C9]
        hint: leave the column out: the database itself gives it its value
        "#);
        let none = "table invoices of billing-db has no row";
        scenario
            .run(none, Block::Nothing)
            .await
            .expect("the first row of a refused table is gone, too");
    }

    #[tokio::test]
    async fn tables_and_columns_that_are_not_there_are_told() {
        let (mut scenario, _) = scenario(SCHEMA).await;
        let mut all = vec![hold(&mut scenario, &[&["id", "amuont"], &["i-1", "1"]]).await];
        for table in ["invoice", "archiv.invoices", "orders"] {
            let text = format!("table {table} of billing-db holds");
            all.push(told(scenario.run(&text, rows(&[&["id"], &["1"]])).await));
        }
        insta::assert_snapshot!(all.join("\n"), @r#"
        Failed: table invoices has no column amuont
        hint: did you mean `amount`?
        Failed: billing-db has no table invoice
        hint: did you mean `invoices`?
        Failed: billing-db has no table archiv.invoices
        hint: did you mean `archive.invoices`?
        Failed: billing-db has no table orders
        hint: its tables are archive.invoices, invoices
        "#);
    }

    #[test]
    fn what_are_no_rows_is_told_while_planning() {
        let steps = "
            Given table invoices of billing-db holds
              | id | amount |
            Given table invoices of billing-db holds
              | id | id |
              | 1  | 2  |
            Given table invoices of billing-db holds
              | id    |  |
              | 1     | 2  |
            Given table invoices of billing-db holds
              | id    |
              | #uuid |
            Given table invoices of billing-bd holds
              | id |
              | 1  |
            Given table invoices of billing-db holds";
        insta::assert_snapshot!(plan(steps).unwrap_err(), @r#"
        4:13 | Given table invoices of billing-db holds
        this table has no row below its header
        hint: the first row names columns, and each further one gives a row its values
        7:22 | | id | id |
        column `id` is named twice
        10:26 | | id    |  |
        this column has no name
        hint: the first row names columns, and each further one gives a row its values
        14:17 | | #uuid |
        `#uuid` looks for something, and here a value is given
        hint: write `\#uuid` for the text itself
        15:37 | Given table invoices of billing-bd holds
        the mesh has no datastore `billing-bd`
        hint: did you mean `billing-db`?
        18:13 | Given table invoices of billing-db holds
        this step needs what stands below it
        hint: see `momus steps "table {table} of {datastore} holds"`
        "#);
    }
}
