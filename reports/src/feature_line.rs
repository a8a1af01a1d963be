//! Lines of the user's own feature files, for reports that show them.

use std::fs;

use momus_engine::event::ScenarioPlace;

use crate::scenarios::FailedStep;

/// Words that begin a new part of a feature file; the search for a step of a scenario ends there.
const HEADINGS: [&str; 8] = [
    "Scenario",
    "Scenario Outline",
    "Scenario Template",
    "Example",
    "Examples",
    "Scenarios",
    "Rule",
    "Background",
];

/// Whether the place is a row of an outline's examples; false where the file cannot be read.
pub(crate) fn is_example_row(place: &ScenarioPlace) -> bool {
    let Ok(text) = fs::read_to_string(&place.file) else {
        return false;
    };
    place
        .line
        .checked_sub(1)
        .and_then(|above| text.lines().nth(above))
        .is_some_and(|line| line.trim_start().starts_with('|'))
}

/// The step's line number and its line as the user wrote it; none where the file cannot be read or has changed.
pub(crate) fn of_step(place: &ScenarioPlace, step: &FailedStep) -> Option<(usize, String)> {
    let text = fs::read_to_string(&place.file).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let here = place.line.checked_sub(1)?;
    let own_heading = heading(lines.get(here)?);
    let below = lines.get(place.line..)?;
    let end = below
        .iter()
        .position(|line| heading(line).is_some_and(|word| HEADINGS.contains(&word) || own_heading == Some(word)))
        .unwrap_or(below.len());
    let matches = |line: &&str| filled_in(line.trim(), &step.text);
    let inside = (place.line..place.line + end)
        .filter(|index| matches(&lines[*index]))
        .nth(step.same_before);
    // An outline's steps stand above its rows, a Background's above the scenario.
    let index = inside.or_else(|| (0..here).rev().find(|index| matches(&lines[*index])))?;
    Some((index + 1, lines[index].to_owned()))
}

fn heading(line: &str) -> Option<&str> {
    line.trim().split_once(':').map(|(word, _)| word)
}

/// Whether `text` is `line` with each `<placeholder>` filled in.
fn filled_in(line: &str, text: &str) -> bool {
    let Some((before, rest)) = line.split_once('<') else {
        return line == text;
    };
    let Some((_, after)) = rest.split_once('>') else {
        return line == text;
    };
    let Some(text) = text.strip_prefix(before) else {
        return false;
    };
    text.char_indices()
        .map(|(index, _)| index)
        .chain([text.len()])
        .any(|index| filled_in(after, &text[index..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::place;

    const FEATURE: &str = "Feature: Charges\n  Background:\n    Given the bank answers\n\n  Scenario: one\n    When shop charges 5\n    When shop charges 5\n\n  Scenario Outline: many\n    When shop charges <amount>\n    Examples:\n      | amount |\n      | 7      |\n";

    fn found(line: usize, text: &str, same_before: usize) -> Option<usize> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.feature");
        fs::write(&file, FEATURE).unwrap();
        let step = FailedStep {
            text: text.into(),
            same_before,
        };
        of_step(&place(file.to_str().unwrap(), line, None, "any"), &step).map(|(line, _)| line)
    }

    #[test]
    fn a_step_is_found_in_its_scenario_its_background_and_its_outline() {
        assert_eq!(found(5, "When shop charges 5", 0), Some(6));
        assert_eq!(found(5, "When shop charges 5", 1), Some(7));
        assert_eq!(found(5, "Given the bank answers", 0), Some(3));
        assert_eq!(found(13, "When shop charges 7", 0), Some(10));
    }

    #[test]
    fn a_step_that_is_not_there_is_not_drawn_elsewhere() {
        assert_eq!(found(5, "When billing stops", 0), None);
        assert_eq!(found(99, "When shop charges 5", 0), None);
    }

    #[test]
    fn only_a_table_row_is_an_example_row() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.feature");
        fs::write(&file, FEATURE).unwrap();
        assert!(is_example_row(&place(file.to_str().unwrap(), 13, None, "any")));
        assert!(!is_example_row(&place(file.to_str().unwrap(), 5, None, "any")));
    }
}
