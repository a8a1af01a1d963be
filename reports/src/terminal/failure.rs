//! A failure, drawn on the feature's own line, with what explains it.

use anstyle::Style;
use momus_engine::failure::Failure;
use momus_engine::outcome::Outcome;

use super::colour::{BOLD, Colour, GREEN, RED, YELLOW};
use crate::explanation;
use crate::feature_files::FeatureFiles;
use crate::scenarios::{Finished, StepRun};

/// The colour of what did not pass.
pub(super) fn style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Passed => GREEN,
        Outcome::Flaky | Outcome::Refused | Outcome::Unknown | Outcome::Skipped => YELLOW,
        Outcome::Failed | Outcome::Undefined | Outcome::Ambiguous => RED,
    }
}

/// The lines below the name of a scenario that did not pass, or not at once: of several tries the first failure is drawn,
/// then stands what became of the others, and what the last one did where it passed.
pub(super) fn lines(finished: &Finished, files: &mut FeatureFiles, again: &str, colour: Colour) -> Vec<String> {
    let mut lines = Vec::new();
    let mut tries = finished.tries();
    let first = tries.next().unwrap_or(finished);
    if !finished.earlier.is_empty() {
        lines.extend([String::new(), format!("    {}", colour.paint(BOLD, "try 1 failed"))]);
    }
    lines.extend(explained(first, files, colour));
    for later in tries {
        let attempt = later.attempt;
        lines.push(String::new());
        if later.outcome == Outcome::Flaky {
            lines.push(format!("    {}", colour.paint(BOLD, &format!("try {attempt} passed"))));
            lines.extend(later.tail.iter().map(|line| format!("      {line}")));
        } else {
            let why = explanation::in_one_line(later).unwrap_or_default();
            let title = colour.paint(BOLD, &format!("try {attempt} did not pass:"));
            lines.push(format!("    {title} {}", colour.paint(style(later.outcome), &why)));
        }
    }
    lines.push(String::new());
    lines.push(run_it_again(again, colour));
    lines.push(String::new());
    lines
}

/// Every failure, drawn on the line that it is about, and what happened before.
fn explained(finished: &Finished, files: &mut FeatureFiles, colour: Colour) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, (step, failure)) in finished.failures().enumerate() {
        lines.push(String::new());
        if step.is_none() && index > 0 {
            // A step's own failure stands above; this one is the scenario's.
            let message = failure.message.lines().enumerate();
            lines.extend(message.map(|(index, line)| {
                let also = if index == 0 { "also: " } else { "      " };
                format!("    {also}{}", colour.paint(style(failure.outcome), line))
            }));
        } else {
            let at = step.or_else(|| finished.step());
            lines.extend(drawn(finished, at, failure, files, colour));
        }
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
    lines
}

/// The command that runs the scenario again.
pub(super) fn run_it_again(again: &str, colour: Colour) -> String {
    format!("    {} {again}", colour.paint(BOLD, "run it again:"))
}

/// The message below the line that it is about: the step's, else the scenario's own.
fn drawn(
    finished: &Finished,
    step: Option<&StepRun>,
    failure: &Failure,
    files: &mut FeatureFiles,
    colour: Colour,
) -> Vec<String> {
    let place = &finished.place;
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
