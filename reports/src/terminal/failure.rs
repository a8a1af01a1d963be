//! A failure, drawn on the feature's own line, with what explains it.

use anstyle::Style;
use momus_engine::failure::Failure;
use momus_engine::outcome::Outcome;

use super::colour::{BOLD, Colour, GREEN, RED, YELLOW};
use crate::feature_files::FeatureFiles;
use crate::scenarios::Finished;

/// The colour of what did not pass.
pub(super) fn style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Passed => GREEN,
        Outcome::Refused | Outcome::Unknown | Outcome::Skipped => YELLOW,
        Outcome::Failed | Outcome::Undefined | Outcome::Ambiguous => RED,
    }
}

/// The lines below the name of a scenario that did not pass.
pub(super) fn lines(finished: &Finished, files: &mut FeatureFiles, again: &str, colour: Colour) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut on_its_line = true;
    for failure in finished.failures() {
        if on_its_line {
            lines.extend(drawn(finished, failure, files, colour));
        } else {
            // The step's own failure stands above; this one is the scenario's.
            let message = failure.message.lines().enumerate();
            lines.push(String::new());
            lines.extend(message.map(|(index, line)| {
                let also = if index == 0 { "also: " } else { "      " };
                format!("    {also}{}", colour.paint(style(failure.outcome), line))
            }));
        }
        on_its_line = false;
        lines.extend(seen(failure, colour));
        if !failure.output.is_empty() {
            lines.push(String::new());
            lines.push(format!("    {}", colour.paint(BOLD, "output")));
            lines.extend(failure.output.iter().map(|line| format!("      | {}", line.trim_end())));
        }
    }
    if !finished.tail.is_empty() {
        lines.push(String::new());
        lines.push(format!("    {}", colour.paint(BOLD, "last happenings")));
        lines.extend(finished.tail.iter().map(|line| format!("      {line}")));
    }
    lines.push(String::new());
    lines.push(run_it_again(again, colour));
    lines.push(String::new());
    lines
}

/// The command that runs the scenario again.
pub(super) fn run_it_again(again: &str, colour: Colour) -> String {
    format!("    {} {again}", colour.paint(BOLD, "run it again:"))
}

/// The message below the line that it is about: the step's, else the scenario's own.
fn drawn(finished: &Finished, failure: &Failure, files: &mut FeatureFiles, colour: Colour) -> Vec<String> {
    let place = &finished.place;
    let step = finished.step();
    let line = step.map_or(place.line, |step| step.line);
    let filled_in = step.map_or(place.name.as_str(), |step| step.text.as_str());
    let source = files.file(&place.file).line(line).unwrap_or(filled_in);
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    // Tabs stay tabs, so that the underline stands below the text in every terminal.
    let indent: String = source.chars().take_while(|c| c.is_whitespace()).collect();
    let underline = "^".repeat(source.trim().chars().count());
    let style = style(failure.outcome);
    let mut lines = vec![
        format!("    {margin}--> {}:{line}", place.file),
        format!("    {margin} |"),
        format!("    {number} | {}", source.trim_end()),
        format!("    {margin} | {indent}{}", colour.paint(style, &underline)),
    ];
    if step.is_some() && source.trim() != filled_in.trim() {
        lines.push(format!("    {margin} | {indent}{filled_in}"));
    }
    let message = failure.message.lines();
    lines.extend(message.map(|line| format!("    {margin} | {indent}{}", colour.paint(style, line))));
    lines
}

/// What was expected beside what was seen, and what helps.
fn seen(failure: &Failure, colour: Colour) -> Vec<String> {
    let looks = failure.looks.map(|looks| looks.to_string());
    let parts = [
        ("expected:", &failure.expected, GREEN),
        ("last seen:", &failure.seen, RED),
        ("nearest:", &failure.nearest, YELLOW),
        ("looks:", &looks, Style::new()),
        ("hint:", &failure.hint, BOLD),
    ];
    let told = parts.into_iter().filter(|(_, text, _)| text.is_some());
    let width = told.clone().map(|(title, ..)| title.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (title, text, style) in told {
        let mut title = title;
        for line in text.iter().flat_map(|text| text.lines()) {
            lines.push(format!("    {title:width$} {}", colour.paint(style, line)));
            title = "";
        }
    }
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}
