use serde::Serialize;

use crate::dialect::KeywordType;
use crate::ids::Id;
use crate::location::Location;

/// A feature file's syntax tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GherkinDocument {
    /// The feature; a file of blank lines and comments has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<Feature>,
    /// All comments of the file, in order.
    pub comments: Vec<Comment>,
    /// How many ids the tree has taken; pickles go on from there.
    #[serde(skip)]
    pub(crate) ids: u32,
}

/// A comment, a line of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comment {
    /// The line; the column is always 1.
    pub location: Location,
    /// The whole line, with its indentation and its `#`.
    pub text: String,
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// The place of its `@`.
    pub location: Location,
    /// The name, with its `@`.
    pub name: String,
    /// The node's number.
    pub id: Id,
}

/// A feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Feature {
    /// The place of its keyword.
    pub location: Location,
    /// The tags before it.
    pub tags: Vec<Tag>,
    /// The dialect of the file, such as `en`.
    pub language: &'static str,
    /// The keyword, without its colon.
    pub keyword: &'static str,
    /// The text after the colon.
    pub name: String,
    /// The lines below the name, with their indentation; empty without any.
    pub description: String,
    /// Background, scenarios, rules, in order.
    pub children: Vec<FeatureChild>,
}

/// What stands in a feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FeatureChild {
    /// The background of all its scenarios.
    Background(Background),
    /// A scenario or an outline.
    Scenario(Scenario),
    /// A rule.
    Rule(Rule),
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// The place of its keyword.
    pub location: Location,
    /// The tags before it.
    pub tags: Vec<Tag>,
    /// The keyword, without its colon.
    pub keyword: &'static str,
    /// The text after the colon.
    pub name: String,
    /// The lines below the name.
    pub description: String,
    /// Background and scenarios, in order.
    pub children: Vec<RuleChild>,
    /// The node's number.
    pub id: Id,
}

/// What stands in a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum RuleChild {
    /// The background of the rule's scenarios, after the feature's.
    Background(Background),
    /// A scenario or an outline.
    Scenario(Scenario),
}

/// A background.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Background {
    /// The place of its keyword.
    pub location: Location,
    /// The keyword, without its colon.
    pub keyword: &'static str,
    /// The text after the colon.
    pub name: String,
    /// The lines below the name.
    pub description: String,
    /// Its steps.
    pub steps: Vec<Step>,
    /// The node's number.
    pub id: Id,
}

/// A scenario; one with examples is an outline, whatever its keyword.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scenario {
    /// The place of its keyword.
    pub location: Location,
    /// The tags before it.
    pub tags: Vec<Tag>,
    /// The keyword, without its colon.
    pub keyword: &'static str,
    /// The text after the colon.
    pub name: String,
    /// The lines below the name.
    pub description: String,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Its examples.
    pub examples: Vec<Examples>,
    /// The node's number.
    pub id: Id,
}

/// Examples of an outline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Examples {
    /// The place of its keyword.
    pub location: Location,
    /// The tags before it.
    pub tags: Vec<Tag>,
    /// The keyword, without its colon.
    pub keyword: &'static str,
    /// The text after the colon.
    pub name: String,
    /// The lines below the name.
    pub description: String,
    /// The first row: the names of the placeholders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_header: Option<TableRow>,
    /// The other rows, each a scenario.
    pub table_body: Vec<TableRow>,
    /// The node's number.
    pub id: Id,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The place of its keyword.
    pub location: Location,
    /// The keyword, with the space that follows it where the dialect has one.
    pub keyword: &'static str,
    /// What kind of step the keyword begins.
    pub keyword_type: KeywordType,
    /// The text after the keyword.
    pub text: String,
    /// The table below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_table: Option<DataTable>,
    /// The doc string below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_string: Option<DocString>,
    /// The node's number.
    pub id: Id,
}

/// A step's table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DataTable {
    /// The place of the first row.
    pub location: Location,
    /// The rows, all with the same number of cells.
    pub rows: Vec<TableRow>,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableRow {
    /// The place of its first `|`.
    pub location: Location,
    /// The cells.
    pub cells: Vec<TableCell>,
    /// The node's number.
    pub id: Id,
}

/// A cell of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableCell {
    /// The place of its first character that is not a space; of an empty one, of the `|` after it.
    pub location: Location,
    /// The text, trimmed, with `\|`, `\\` and `\n` resolved.
    pub value: String,
}

/// A step's doc string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DocString {
    /// The place of the delimiter that opens it.
    pub location: Location,
    /// What follows that delimiter, such as `json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The lines between, without the indentation of the delimiter.
    pub content: String,
    /// `"""` or three backticks.
    pub delimiter: &'static str,
}
