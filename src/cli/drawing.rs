//! An error drawn on the user's own line.

use momus_gherkin::ParseError;

/// The error with its file, place, the line it stands on, a caret below it, and its hint.
pub fn draw(file: &str, source: &str, error: &ParseError) -> String {
    let (line, column) = (error.location.line as usize, error.location.column as usize);
    let mut drawn = format!("error: {}\n", error.message);
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    // The official parser gives some errors a line alone: their column is 0.
    let column_told = if column > 0 {
        format!(":{column}")
    } else {
        String::new()
    };
    drawn += &format!("{margin}--> {file}:{line}{column_told}\n");
    if let Some(text) = source.lines().nth(line.saturating_sub(1)) {
        let until = column.saturating_sub(1);
        // Tabs stay tabs, so that the caret stands below its character in every terminal.
        let indent: String = text
            .chars()
            .take(until)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        drawn += &format!("{margin} |\n{number} | {text}\n{margin} | {indent}^\n");
    }
    if let Some(hint) = &error.hint {
        drawn += &format!("hint: {hint}\n");
    }
    drawn
}
