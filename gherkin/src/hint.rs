//! Hints: what the writer of a faulty line may have meant.

use crate::dialect::Dialect;
use crate::grammar::{Kind, State};
use crate::line::Line;

/// The language whose name is nearest.
pub(crate) fn language(name: &str) -> Option<String> {
    let names = Dialect::all().map(|dialect| dialect.name);
    nearest(name, names).map(|near| format!("did you mean `{near}`?"))
}

/// Why a row may have too few or too many cells.
pub(crate) fn cells(raw: &str) -> Option<String> {
    let hint = if raw.trim_end().ends_with('|') {
        "a `|` that is part of a cell is written `\\|`"
    } else {
        "a row ends with `|`"
    };
    Some(hint.to_owned())
}

/// Why a line cannot stand where it stands, or what it may have meant.
pub(crate) fn line(line: &Line<'_>, state: State, dialect: &Dialect) -> Option<String> {
    if let Some(hint) = misplaced(line, dialect) {
        return Some(hint.to_owned());
    }
    let titles = [
        (Kind::Feature, &dialect.feature),
        (Kind::Rule, &dialect.rule),
        (Kind::Background, &dialect.background),
        (Kind::Scenario, &dialect.scenario),
        (Kind::Examples, &dialect.examples),
    ];
    let accepted = state.accepts();
    let titles = titles.into_iter().filter(|(kind, _)| accepted.contains(kind));
    let titles: Vec<&str> = titles.flat_map(|(_, words)| words).copied().collect();
    if let Some(title) = titles.iter().find(|title| line.text.trim_end() == **title) {
        return Some(format!("a colon follows: `{title}:`"));
    }
    if let Some((head, _)) = line.text.split_once(':')
        && let Some(near) = nearest(head.trim(), titles.iter().copied())
    {
        return Some(format!("did you mean `{near}:`?"));
    }
    let word = line.text.split_whitespace().next().unwrap_or_default();
    if accepted.contains(&Kind::Step) {
        let words = dialect.steps.iter().map(|(word, _)| word.trim_end());
        if let Some(near) = nearest(word, words) {
            return Some(format!("did you mean `{near}`?"));
        }
    }
    if let Some(near) = nearest(word, titles.iter().copied()) {
        return Some(format!("did you mean `{near}:`?"));
    }
    let feature = dialect.feature.first()?;
    accepted
        .contains(&Kind::Feature)
        .then(|| format!("a file begins with `{feature}:`"))
}

/// What is said of a line that is well-formed, but not here.
fn misplaced(line: &Line<'_>, dialect: &Dialect) -> Option<&'static str> {
    let is = |words: &[&'static str]| line.title(words).is_some();
    if is(&dialect.feature) {
        Some("a file has one feature")
    } else if is(&dialect.background) {
        Some("a background stands before the first scenario of its feature or rule")
    } else if is(&dialect.examples) {
        Some("examples stand below the steps of a scenario")
    } else if is(&dialect.scenario) || is(&dialect.rule) {
        Some("scenarios and rules stand below a feature")
    } else if line.text.starts_with('|') {
        Some("a table stands below a step, which has one at most, or below examples")
    } else if line.opening().is_some() {
        Some("a doc string stands below a step, which has one at most")
    } else if line.step(dialect).is_some() {
        Some("steps stand below a scenario or a background, and before its examples")
    } else {
        None
    }
}

/// The nearest of these words, if it is near: a third of its letters may differ.
fn nearest<'w>(word: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let lower = word.to_lowercase();
    words
        .filter(|near| near.chars().count() >= 2)
        .map(|near| (strsim::damerau_levenshtein(&lower, &near.to_lowercase()), near))
        .filter(|(distance, near)| *distance <= near.chars().count() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, near)| near)
}
