//! Which scenarios a run runs.

use momus_gherkin::Pickle;
use regex::Regex;

use crate::tags::TagExpression;

/// Which scenarios a run runs: those that every part of it selects.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// By their tags.
    pub tags: Option<TagExpression>,
    /// By their name: where the expression matches a part of it.
    pub name: Option<Regex>,
}

impl Selection {
    pub(super) fn selects(&self, pickle: &Pickle, lines: &[u32]) -> bool {
        let tags: Vec<String> = pickle.tags.iter().map(|tag| tag.name.clone()).collect();
        self.tags.as_ref().is_none_or(|expression| expression.holds(&tags))
            && self.name.as_ref().is_none_or(|name| name.is_match(&pickle.name))
            && (lines.is_empty() || lines.iter().any(|line| stands_at(pickle, *line)))
    }
}

/// Whether a line is one of the scenario's own, its row's, its examples', its rule's, or one of its steps'.
fn stands_at(pickle: &Pickle, line: u32) -> bool {
    let headings = [
        Some(pickle.scenario),
        pickle.examples,
        // Of an outline, a line above its rows means all of them.
        Some(pickle.location),
        pickle.rule.as_ref().map(|rule| rule.location),
    ];
    let tables = |step: &momus_gherkin::PickleStep| {
        let table = step.argument.as_ref().and_then(|argument| argument.data_table.as_ref());
        table.is_some_and(|table| table.rows.iter().any(|row| row.location.line == line))
    };
    headings.into_iter().flatten().any(|location| location.line == line)
        || pickle.tags.iter().any(|tag| tag.location.line == line)
        || pickle
            .steps
            .iter()
            .any(|step| step.location.line == line || tables(step))
}
