use serde::Serialize;

use crate::ids::Id;
use crate::location::Location;

/// What is run: a scenario, or one row of an outline. Places that the official JSON has not are
/// left out of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pickle {
    /// The pickle's number.
    pub id: Id,
    /// The file, as the caller named it.
    pub uri: String,
    /// Where it is: the row of examples, else the scenario.
    pub location: Location,
    /// The scenario and, of an outline, the row.
    pub ast_node_ids: Vec<Id>,
    /// The tags of feature, rule, scenario and examples.
    pub tags: Vec<PickleTag>,
    /// The scenario's name, placeholders filled in.
    pub name: String,
    /// The dialect of the file.
    pub language: &'static str,
    /// The steps, those of the backgrounds first; a scenario without steps has none.
    pub steps: Vec<PickleStep>,
    /// The rule that it stands in.
    #[serde(skip)]
    pub rule: Option<PickleRule>,
    /// Where the scenario's or outline's title is.
    #[serde(skip)]
    pub scenario: Location,
    /// Where the title of its examples is.
    #[serde(skip)]
    pub examples: Option<Location>,
    /// Where its row of examples is.
    #[serde(skip)]
    pub row: Option<Location>,
}

/// The rule that a pickle stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickleRule {
    /// Where its title is.
    pub location: Location,
    /// Its name.
    pub name: String,
}

/// A tag of a pickle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PickleTag {
    /// The name, with its `@`.
    pub name: String,
    /// The tag in the tree.
    pub ast_node_id: Id,
    /// Where the tag is.
    #[serde(skip)]
    pub location: Location,
}

/// A step of a pickle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PickleStep {
    /// The step's number.
    pub id: Id,
    /// The step in the tree and, of an outline's own step, the row.
    pub ast_node_ids: Vec<Id>,
    /// The text, placeholders filled in.
    pub text: String,
    /// The kind, a conjunction's being that of the step before it.
    #[serde(rename = "type")]
    pub kind: StepType,
    /// The table and doc string below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argument: Option<Box<PickleArgument>>,
    /// The keyword, with the space that follows it where the dialect has one.
    #[serde(skip)]
    pub keyword: &'static str,
    /// Where the step is.
    #[serde(skip)]
    pub location: Location,
    /// Where the row is whose values an outline's own step has.
    #[serde(skip)]
    pub row: Option<Location>,
}

/// The kinds of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum StepType {
    /// It cannot be told: `*`, or a conjunction that follows nothing.
    Unknown,
    /// Given.
    Context,
    /// When.
    Action,
    /// Then.
    Outcome,
}

/// What stands below a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PickleArgument {
    /// The doc string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_string: Option<PickleDocString>,
    /// The table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_table: Option<PickleTable>,
}

/// A doc string, placeholders filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PickleDocString {
    /// Of a step with two arguments: 1 or 2, which it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argument_index: Option<u8>,
    /// What follows the delimiter, such as `json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The text.
    pub content: String,
    /// Where the delimiter is that opens it.
    #[serde(skip)]
    pub location: Location,
}

/// A table, placeholders filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PickleTable {
    /// Of a step with two arguments: 1 or 2, which it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argument_index: Option<u8>,
    /// The rows.
    pub rows: Vec<PickleRow>,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PickleRow {
    /// The cells.
    pub cells: Vec<PickleCell>,
    /// Where the row is.
    #[serde(skip)]
    pub location: Location,
}

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PickleCell {
    /// The text.
    pub value: String,
    /// Where the cell is.
    #[serde(skip)]
    pub location: Location,
}
