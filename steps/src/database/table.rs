//! A table as the database's own catalogue describes it.

use momus_engine::failure::{Failure, StepError};
use serde_json::Value as Json;

use super::session::{Database, Session, in_full};
use crate::selection::Expected;

/// A table, view or foreign table.
#[derive(Debug)]
pub struct Table {
    /// Its name as the step wrote it.
    pub name: String,
    /// Its name as SQL takes it, quoted.
    pub quoted: String,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as SQL takes it in a cast, without length or precision.
    pub sql_type: String,
}

impl Column {
    /// Its name as SQL takes it.
    pub fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// What a cell says as the text that the column's type reads; `None` is NULL.
    ///
    /// A column of type `json` or `jsonb` reads a cell that is an object or an array as that, and any other text as a
    /// JSON text.
    pub fn input(&self, expected: &Expected) -> Option<String> {
        let is_json = matches!(self.sql_type.as_str(), "json" | "jsonb");
        match &expected.json {
            Json::Null => None,
            Json::String(text) if is_json => {
                let nested = serde_json::from_str::<Json>(text).is_ok_and(|json| json.is_object() || json.is_array());
                Some(if nested {
                    text.clone()
                } else {
                    expected.json.to_string()
                })
            }
            Json::String(text) => Some(text.clone()),
            _ => Some(expected.written.clone()),
        }
    }

    /// A value of the column as a look shows and compares it: `character(n)` is filled up with blanks that mean
    /// nothing, and a time without a zone is taken to be in UTC.
    pub fn seen(&self, json: Json) -> Json {
        match (json, self.sql_type.as_str()) {
            (Json::String(text), "bpchar") => Json::String(text.trim_end_matches(' ').to_owned()),
            (Json::String(text), "timestamp without time zone") if text.parse::<jiff::civil::DateTime>().is_ok() => {
                Json::String(format!("{text}Z"))
            }
            (other, _) => other,
        }
    }

    /// An SQL condition that a row of `t` meets when the column's value is that of the text parameter with this number,
    /// in the column's own type. Types without an equality of their own, or with one of sizes, compare as texts.
    pub fn equals(&self, parameter: usize) -> String {
        let (column, sql_type) = (self.quoted(), &self.sql_type);
        match sql_type.as_str() {
            "json" => format!("t.{column}::jsonb = ${parameter}::text::jsonb"),
            "xml" | "point" | "line" | "lseg" | "box" | "path" | "polygon" | "circle" => {
                format!("t.{column}::text = ${parameter}::text::{sql_type}::text")
            }
            _ => format!("t.{column} = ${parameter}::text::{sql_type}"),
        }
    }
}

impl Table {
    /// Reads its columns from the catalogue. `name` may be `schema.table`; without a schema the search path tells.
    ///
    /// # Errors
    /// When the database has no such table.
    pub async fn find(database: &Database, session: &Session, name: &str) -> Result<Self, StepError> {
        const COLUMNS: &str = "SELECT attname::text, format_type(atttypid, -1) FROM pg_attribute \
             WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
        let quoted = name.split('.').map(quoted).collect::<Vec<_>>().join(".");
        let found = database.within(session.client.query(COLUMNS, &[&quoted])).await?;
        let found = found.map_err(|error| database.unknown(&in_full(&error)))?;
        let columns: Vec<Column> = found
            .iter()
            .map(|row| Column {
                name: row.get(0),
                sql_type: row.get(1),
            })
            .collect();
        if columns.is_empty() {
            let tables = tables(database, session).await?;
            let message = format!("{} has no table {name}", database.datastore());
            return Err(Failure::failed(message).hint(one_of(name, &tables, "tables")));
        }
        Ok(Self {
            name: name.to_owned(),
            quoted,
            columns,
        })
    }

    /// The column of this name.
    ///
    /// # Errors
    /// When the table has no such column.
    pub fn column(&self, name: &str) -> Result<&Column, StepError> {
        let found = self.columns.iter().find(|column| column.name == name);
        found.ok_or_else(|| {
            let columns: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
            let message = format!("table {} has no column {name}", self.name);
            Failure::failed(message).hint(one_of(name, &columns, "columns"))
        })
    }
}

/// The tables that a step can name, those of the search path without their schema.
async fn tables(database: &Database, session: &Session) -> Result<Vec<String>, StepError> {
    const TABLES: &str = "SELECT CASE WHEN pg_table_is_visible(c.oid) THEN relname::text \
         ELSE nspname::text || '.' || relname::text END FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
         WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%' \
         ORDER BY 1";
    let found = database.within(session.client.query(TABLES, &[])).await?;
    let found = found.map_err(|error| database.unknown(&in_full(&error)))?;
    Ok(found.iter().map(|row| row.get(0)).collect())
}

/// What the user may have meant.
fn one_of(name: &str, known: &[String], what: &str) -> String {
    let near = known
        .iter()
        .map(|each| {
            (
                strsim::damerau_levenshtein(&name.to_lowercase(), &each.to_lowercase()),
                each,
            )
        })
        .filter(|(distance, each)| distance * 3 <= each.chars().count().max(name.chars().count()))
        .min_by_key(|(distance, _)| *distance);
    match near {
        Some((_, near)) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("it has no {what}"),
        None => format!("its {what} are {}", known.join(", ")),
    }
}

/// A name as SQL takes it, whatever stands in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
