//! Lines of the user's own feature files, for reports that show them.

use std::fs;

use momus_engine::event::ScenarioPlace;


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

/// The line as the user wrote it; none where the file cannot be read or has become shorter.
pub(crate) fn line(file: &str, line: usize) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().nth(line.checked_sub(1)?).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::place;

    const FEATURE: &str = "Feature: Charges\n  Background:\n    Given the bank answers\n\n  Scenario: one\n    When shop charges 5\n    When shop charges 5\n\n  Scenario Outline: many\n    When shop charges <amount>\n    Examples:\n      | amount |\n      | 7      |\n";

    #[test]
    fn a_line_is_shown_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.feature");
        fs::write(&file, FEATURE).unwrap();
        let file = file.to_str().unwrap();
        assert_eq!(line(file, 6).as_deref(), Some("    When shop charges 5"));
        assert_eq!((line(file, 0), line(file, 99)), (None, None));
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
