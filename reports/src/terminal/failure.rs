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
    let style = style(failure.outcome);
    let Some(step) = step else {
        let on_its_line = on_its_line(files, &place.file, place.line, None, &place.name);
        return on_its_line.lines(failure.message.lines(), place.line, style, colour);
    };
    let at = &step.place;
    let calls = at.within.iter().map(|call| (&call.file, call.line, &call.text));
    let file = at.file.as_ref().unwrap_or(&place.file);
    let places: Vec<_> = calls.chain([(file, at.line, &at.text)]).collect();
    let widest = places.iter().map(|(_, line, _)| *line).max().unwrap_or_default();
    let last = places.len() - 1;
    let drawn = places.into_iter().enumerate().flat_map(|(index, (file, line, text))| {
        let message = if index == last { failure.message.as_str() } else { "" };
        on_its_line(files, file, line, Some(text), text).lines(message.lines(), widest, style, colour)
    });
    drawn.collect()
}

/// A line of a file.
struct OnItsLine {
    place: String,
    line: usize,
    source: String,
    /// The text as it was run, where the line says it in another way.
    filled_in: Option<String>,
}

/// A line of a file, and what a step on it says; `text` stands for the line where it cannot be read.
fn on_its_line(files: &mut FeatureFiles, file: &str, line: usize, step: Option<&str>, text: &str) -> OnItsLine {
    let source = files.file(file).line(line).unwrap_or(text);
    OnItsLine {
        place: format!("{file}:{line}"),
        line,
        filled_in: step.filter(|step| step.trim() != source.trim()).map(str::to_owned),
        source: source.trim_end().to_owned(),
    }
}

impl OnItsLine {
    /// The line as it stands in its file, what it says underlined, and a message below it; line numbers are as wide as
    /// `widest`.
    fn lines<'m>(
        self,
        message: impl Iterator<Item = &'m str>,
        widest: usize,
        style: Style,
        colour: Colour,
    ) -> Vec<String> {
        let width = widest.to_string().len();
        let (margin, number) = (" ".repeat(width), self.line);
        // Tabs stay tabs, so that the underline stands below the text in every terminal.
        let indent: String = self.source.chars().take_while(|c| c.is_whitespace()).collect();
        let underline = "^".repeat(self.source.trim().chars().count());
        let mut lines = vec![
            format!("    {margin}--> {}", self.place),
            format!("    {margin} |"),
            format!("    {number:width$} | {}", self.source),
            format!("    {margin} | {indent}{}", colour.paint(style, &underline)),
        ];
        lines.extend(self.filled_in.map(|text| format!("    {margin} | {indent}{text}")));
        lines.extend(message.map(|line| format!("    {margin} | {indent}{}", colour.paint(style, line))));
        lines
    }
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
