//! Gherkin 6 and later: text to syntax tree, and syntax tree to pickles.
//!
//! [`parse`] reads a feature file into a [`GherkinDocument`] in which everything has its place, or
//! tells every error of the file, each at its exact place. [`pickles`] makes of the document what is
//! run: one [`Pickle`] a scenario, or one a row of an outline's examples. The grammar, the places and
//! the errors are those of the official parser (`gherkin.berp` of github.com/cucumber/gherkin), and so
//! is the JSON that both serialise to; the texts of the errors are our own.

mod builder;
mod dialect;
mod document;
mod error;
mod grammar;
mod hint;
mod ids;
mod line;
mod location;
mod parser;
mod pickle;
mod pickles;

pub use dialect::{Dialect, KeywordType};
pub use document::{
    Background, Comment, DataTable, DocString, Examples, Feature, FeatureChild, GherkinDocument, Rule, RuleChild,
    Scenario, Step, TableCell, TableRow, Tag,
};
pub use error::{ErrorKind, ParseError};
pub use ids::Id;
pub use location::Location;
pub use pickle::{
    Pickle, PickleArgument, PickleCell, PickleDocString, PickleRow, PickleRule, PickleStep, PickleTable, PickleTag,
    StepType,
};
pub use pickles::pickles;

/// Reads the text of a feature file.
///
/// A byte order mark is skipped, lines end in LF or CRLF, and a `# language: NAME` line before the
/// feature chooses the dialect; without one it is `en`.
///
/// # Errors
///
/// Every error of the file, in the order in which the official parser tells them; like it, the
/// parser gives up after the eleventh.
pub fn parse(source: &str) -> Result<GherkinDocument, Vec<ParseError>> {
    parser::Parser::new(source).run()
}
