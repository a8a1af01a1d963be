//! What a person sees while a run goes on.

use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use momus_engine::event::{Event, Happening};
use momus_engine::failure::{Failure, in_words};
use momus_engine::outcome::{Outcome, Summary};

use crate::feature_line;
use crate::happening_line::counted;
use crate::reporter::Reporter;
use crate::scenarios::{Finished, Scenarios};

const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// Whether the terminal's lines carry ANSI colours; whoever opens the terminal knows what it bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text, as for a file or a pipe.
    Never,
    /// ANSI escape codes.
    Always,
}

/// Writes a line for each scenario that ends, each failure with what explains it, and the counts last.
pub struct Terminal<W> {
    out: W,
    colour: Colour,
    scenarios: Scenarios,
    seed: Option<u64>,
}

impl<W: Write> Terminal<W> {
    /// A terminal that is written to `out`.
    pub fn new(out: W, colour: Colour) -> Self {
        Self {
            out,
            colour,
            scenarios: Scenarios::default(),
            seed: None,
        }
    }

    fn styled(&self, style: Style, text: &str) -> String {
        match self.colour {
            Colour::Never => text.to_owned(),
            Colour::Always => format!("{style}{text}{style:#}"),
        }
    }

    fn scenario(&mut self, finished: &Finished) -> io::Result<()> {
        let place = &finished.place;
        let name = match &place.rule {
            Some(rule) => format!("{rule} / {}", place.name),
            None => place.name.clone(),
        };
        let (mark, style) = mark(finished.outcome);
        let told = match finished.outcome {
            Outcome::Passed | Outcome::Failed => String::new(),
            other => format!(" ({})", other.word()),
        };
        let mark = self.styled(style, mark);
        let rest = self.styled(
            DIM,
            &format!("{}:{} · {}", place.file, place.line, in_words(finished.took)),
        );
        writeln!(self.out, "{mark} {name}{told}  {rest}")?;
        match (finished.outcome, &finished.failure) {
            (Outcome::Passed, _) | (Outcome::Skipped, None) => Ok(()),
            (_, failure) => self.explanation(finished, failure.as_ref()),
        }
    }

    fn explanation(&mut self, finished: &Finished, failure: Option<&Failure>) -> io::Result<()> {
        let mut lines = vec![String::new()];
        let drawn = finished
            .step
            .as_ref()
            .and_then(|step| Some((step.line, feature_line::line(&finished.place.file, step.line)?)));
        let message = failure.map_or(finished.outcome.word(), |failure| failure.message.as_str());
        lines.extend(self.drawn(finished, drawn, message));
        if let Some(failure) = failure {
            lines.extend(self.seen(failure));
        }
        if !finished.tail.is_empty() {
            lines.push(String::new());
            lines.push(format!("    {}", self.styled(BOLD, "last happenings")));
            lines.extend(finished.tail.iter().map(|line| format!("      {line}")));
        }
        if finished.outcome != Outcome::Skipped {
            lines.push(String::new());
            lines.push(format!(
                "    {} {}",
                self.styled(BOLD, "again:"),
                self.command(finished)
            ));
        }
        lines.push(String::new());
        lines.iter().try_for_each(|line| writeln!(self.out, "{line}"))
    }

    /// The message below the step: on the feature's own line where that is known, else below the step's text.
    fn drawn(&self, finished: &Finished, drawn: Option<(usize, String)>, message: &str) -> Vec<String> {
        let place = &finished.place;
        let (line, text) = match (drawn, &finished.step) {
            (Some((line, text)), _) => (line, text),
            (None, Some(step)) => (place.line, step.text.clone()),
            (None, None) => return marked_lines(message, "    "),
        };
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(text.chars().take_while(|c| c.is_whitespace()).count());
        let underline = "^".repeat(text.trim().chars().count());
        let mut lines = vec![
            format!("    {margin}--> {}:{line}", place.file),
            format!("    {number} | {}", text.trim_end()),
            format!("    {margin} | {indent}{}", self.styled(RED, &underline)),
        ];
        lines.extend(
            message
                .lines()
                .map(|line| format!("    {margin} | {indent}{}", self.styled(RED, line))),
        );
        lines
    }

    fn seen(&self, failure: &Failure) -> Vec<String> {
        let mut lines = Vec::new();
        let looks = failure
            .looks
            .map(|looks| format!(" (after {})", counted(looks as usize, "look")));
        let last_seen = format!("last seen{}", looks.unwrap_or_default());
        let parts = [
            ("expected", &failure.expected, GREEN),
            (last_seen.as_str(), &failure.seen, RED),
            ("nearest", &failure.nearest, YELLOW),
            ("hint", &failure.hint, BOLD),
        ];
        let width = parts
            .iter()
            .filter(|(_, text, _)| text.is_some())
            .map(|(name, ..)| name.len() + 1)
            .max()
            .unwrap_or(0);
        for (name, text, style) in parts {
            let mut title = format!("{name}:");
            for line in text.iter().flat_map(|text| text.lines()) {
                lines.push(format!("    {title:width$} {}", self.styled(style, line)));
                title.clear();
            }
        }
        lines.extend(failure.output.iter().map(|line| format!("    | {line}")));
        lines
    }

    fn command(&self, finished: &Finished) -> String {
        let place = shell_word(&format!("{}:{}", finished.place.file, finished.place.line));
        let seed = self.seed.map(|seed| format!(" --seed {seed}")).unwrap_or_default();
        format!("momus run {place}{seed}")
    }
}

impl<W: Write> Reporter for Terminal<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        if let Some(finished) = self.scenarios.event(event) {
            self.scenario(&finished)?;
        }
        match &event.happening {
            Happening::RunStarted {
                version, seed, mesh, ..
            } => {
                self.seed = Some(*seed);
                let mesh = mesh.as_ref().map(|mesh| format!(" · mesh {mesh}")).unwrap_or_default();
                writeln!(self.out, "momus {version}{mesh} · seed {seed}")
            }
            Happening::Notice { text } => {
                let title = self.styled(YELLOW, "notice:");
                writeln!(self.out, "{title} {text}")
            }
            Happening::Progress { text } => {
                let text = self.styled(DIM, text);
                writeln!(self.out, "{text}")
            }
            Happening::ServerReady { server, version, took } => {
                let text = self.styled(DIM, &format!("{server}: {version} ({})", in_words(*took)));
                writeln!(self.out, "{text}")
            }
            Happening::RunFinished { summary } => {
                for finished in self.scenarios.unfinished() {
                    self.scenario(&finished)?;
                }
                writeln!(self.out, "{}", in_counts(summary))
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        for finished in self.scenarios.unfinished() {
            self.scenario(&finished)?;
        }
        self.out.flush()
    }
}

fn mark(outcome: Outcome) -> (&'static str, Style) {
    match outcome {
        Outcome::Passed => ("✔", GREEN),
        Outcome::Skipped => ("-", DIM),
        Outcome::Unknown | Outcome::Refused => ("✘", YELLOW),
        Outcome::Failed | Outcome::Undefined | Outcome::Ambiguous => ("✘", RED),
    }
}

fn marked_lines(text: &str, margin: &str) -> Vec<String> {
    text.lines().map(|line| format!("{margin}{line}")).collect()
}

/// `42 scenarios: 41 passed, 1 failed · 512 steps · 9.8 s`.
fn in_counts(summary: &Summary) -> String {
    let counts: Vec<_> = summary
        .counts()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(outcome, count)| format!("{count} {}", outcome.word()))
        .collect();
    let colon = if counts.is_empty() { "" } else { ": " };
    format!(
        "{}{colon}{} · {} · {}",
        counted(summary.scenarios(), "scenario"),
        counts.join(", "),
        counted(summary.steps, "step"),
        in_words(Duration::from_millis(summary.took_ms))
    )
}

/// The text as one word of a POSIX shell.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-:+,@%=".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    const FEATURE: &str = "Feature: Charges\n\n  Scenario: an order is charged\n    When shop charges 5\n\n  Scenario: the bank & the shop\n    Given the bank answers\n    When shop charges 5\n";

    fn written(events: &[Event], colour: Colour) -> String {
        let mut out = Vec::new();
        let mut terminal = Terminal::new(&mut out, colour);
        for event in events {
            terminal.event(event).unwrap();
        }
        terminal.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_failure_is_drawn_on_the_features_own_line_with_what_explains_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.feature");
        std::fs::write(&file, FEATURE).unwrap();
        let file = file.to_str().unwrap();
        let text = written(&sample::failing_run(file), Colour::Never).replace(file, "a.feature");
        let expected = "\
momus 0.1.0 · mesh foreign · seed 42
✔ an order is charged  a.feature:3 · 4 ms
✘ The bank / the bank & the shop  a.feature:6 · 1.3 s

     --> a.feature:8
    8 |     When shop charges 5
      |     ^^^^^^^^^^^^^^^^^^^
      |     the status is another
    expected:                  status 201
    last seen (after 4 looks): status 503
    nearest:                   status 200
    hint:                      is billing up?
    | billing: no connection to billing-db

    last happenings
      +0.003 s  Given the bank answers
      +0.004 s  step 1 passed (20 ms)
      +0.006 s  When shop charges 5
      +1.203 s  shop → billing  POST /charges 503 (12 ms)
      +1.300 s  step 2 failed (20 ms): the status is another

    again: momus run a.feature:6 --seed 42

2 scenarios: 1 passed, 1 failed · 4 steps · 9.8 s
";
        assert_eq!(text, expected, "{text}");
    }

    #[test]
    fn a_file_that_cannot_be_read_leaves_the_steps_text() {
        let text = written(&sample::failing_run("gone away.feature"), Colour::Never);
        assert!(
            text.contains("    6 | When shop charges 5\n      | ^^^^^^^^^^^^^^^^^^^\n"),
            "{text}"
        );
        assert!(
            text.contains("again: momus run 'gone away.feature:6' --seed 42"),
            "{text}"
        );
    }

    #[test]
    fn colours_add_escape_codes_and_nothing_else() {
        let events = sample::failing_run("a.feature");
        let coloured = written(&events, Colour::Always);
        assert!(coloured.contains("\u{1b}[32m✔\u{1b}[0m an order"), "{coloured}");
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        plain.push_str(rest);
        assert_eq!(plain, written(&events, Colour::Never));
    }

    #[test]
    fn a_run_that_selected_nothing_says_so_in_its_last_line() {
        let events = [sample::event(
            0,
            None,
            Happening::RunFinished {
                summary: Summary::default(),
            },
        )];
        assert_eq!(written(&events, Colour::Never), "0 scenarios · 0 steps · 0 ms\n");
    }

    #[test]
    fn a_scenario_that_the_run_broke_off_is_unknown() {
        let text = written(&sample::failing_run("a.feature")[..2], Colour::Never);
        assert!(text.contains("✘ an order is charged (unknown)"), "{text}");
        assert!(text.contains("    the run ended before the scenario did\n"), "{text}");
    }
}
