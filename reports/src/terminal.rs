//! What a person sees while a run goes on.

mod colour;
mod failure;
mod status;

use std::collections::HashSet;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use momus_engine::event::{Event, Happening};
use momus_engine::failure::{Failure, in_words};
use momus_engine::masks::Masks;
use momus_engine::outcome::{Outcome, Summary};

pub use colour::Colour;
use colour::{DIM, YELLOW};
pub use status::{Line, Status};

use crate::again::Again;
use crate::explanation;
use crate::feature_files::FeatureFiles;
use crate::happening_line::{counted, in_one_line};
use crate::reporter::Reporter;
use crate::scenarios::Finished;

/// Writes a line for each scenario that ends, each failure with what explains it, and the counts last.
pub struct Terminal<W> {
    out: W,
    /// Whole lines that are not written yet.
    pending: String,
    colour: Colour,
    status: Status,
    again: Again,
    files: FeatureFiles,
    /// Notices that have been told.
    told: HashSet<String>,
    /// What has been told to be done.
    worked_at: HashSet<String>,
    /// Failures of no step that have been drawn: what keeps every scenario from starting is told whole once.
    drawn: Vec<Failure>,
}

impl Terminal<io::Stdout> {
    /// Standard output, coloured as the environment says and with a status line where it and standard error are a
    /// terminal.
    pub fn on_stdout(again: Again) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let colour = Colour::chosen(|name| std::env::var(name).ok(), is_terminal);
        let status = Status::chosen(is_terminal && io::stderr().is_terminal());
        Self::new(io::stdout(), colour, status, again)
    }
}

impl<W: Write> Terminal<W> {
    /// A terminal that is written to `out`; each failure ends with the command that runs its scenario again.
    pub fn new(out: W, colour: Colour, status: Status, again: Again) -> Self {
        Self {
            out,
            pending: String::new(),
            colour,
            status,
            again,
            files: FeatureFiles::default(),
            told: HashSet::new(),
            worked_at: HashSet::new(),
            drawn: Vec::new(),
        }
    }

    /// The same terminal, which shows no line of a feature file without these masks.
    pub fn masking(mut self, masks: Arc<Masks>) -> Self {
        self.files = FeatureFiles::masked(masks);
        self
    }

    /// Notes whole lines, to be written in one piece with the next ones.
    fn lines(&mut self, lines: &[String]) {
        for line in lines {
            self.pending.push_str(line);
            self.pending.push('\n');
        }
    }

    fn ended(&mut self, finished: &Finished) {
        let place = &finished.place;
        let told = match finished.outcome {
            Outcome::Passed => String::new(),
            Outcome::Failed if finished.earlier.is_empty() => String::new(),
            Outcome::Failed => format!(" (tried {} times)", finished.attempt),
            Outcome::Flaky => format!(" (flaky: passed at try {})", finished.attempt),
            Outcome::Skipped => {
                let why = finished.failure().and_then(|failure| failure.message.lines().next());
                format!(" (skipped{})", why.map(|why| format!(": {why}")).unwrap_or_default())
            }
            other @ (Outcome::Refused | Outcome::Unknown | Outcome::Undefined | Outcome::Ambiguous) => {
                format!(" ({})", other.word())
            }
        };
        let (mark, style) = match finished.outcome {
            Outcome::Passed => ("✔", failure::style(Outcome::Passed)),
            Outcome::Flaky => ("~", failure::style(Outcome::Flaky)),
            Outcome::Skipped => ("-", DIM),
            other @ (Outcome::Failed
            | Outcome::Refused
            | Outcome::Unknown
            | Outcome::Undefined
            | Outcome::Ambiguous) => ("✘", failure::style(other)),
        };
        let where_and_how_long = format!("{}:{} · {}", place.file, place.line, in_words(finished.took));
        let mut lines = vec![format!(
            "{} {}{told}  {}",
            self.colour.paint(style, mark),
            finished.name(),
            self.colour.paint(DIM, &where_and_how_long)
        )];
        if finished.did_not_pass() || finished.outcome == Outcome::Flaky {
            let again = self.again.command(place);
            let own = finished.own_failure.as_ref().filter(|_| finished.step().is_none());
            if let Some(own) = own.filter(|own| self.drawn.contains(own)) {
                lines.push(format!(
                    "    as above: {}",
                    own.message.lines().next().unwrap_or_default()
                ));
            } else {
                lines.extend(failure::lines(finished, &mut self.files, &again, self.colour));
                self.drawn.extend(own.cloned());
            }
        }
        self.lines(&lines);
    }

    /// A try that failed, whose failure is drawn once all tries are over.
    fn failed(&mut self, failed: &Finished) {
        let mark = self.colour.paint(failure::style(failed.outcome), "✘");
        let place = format!(
            "{}:{} · {}",
            failed.place.file,
            failed.place.line,
            in_words(failed.took)
        );
        let place = self.colour.paint(DIM, &place);
        let mut lines = vec![format!("{mark} {} (failed, to be tried again)  {place}", failed.name())];
        lines.extend(explanation::in_one_line(failed).map(|why| format!("    {why}")));
        self.lines(&lines);
    }
}

impl<W: Write> Reporter for Terminal<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.again.event(event);
        match &event.happening {
            Happening::RunStarted { scenarios, .. } => {
                self.status.begin(*scenarios);
                let line = in_one_line(event);
                // The time tells nothing in the first line.
                let line = line.split_once("  ").map_or(line.as_str(), |(_, line)| line).to_owned();
                self.lines(&[line]);
            }
            Happening::Notice { text } => {
                if self.told.insert(text.clone()) {
                    let title = self.colour.paint(YELLOW, "notice:");
                    self.lines(&[format!("{title} {text}")]);
                }
            }
            Happening::Progress { text } => {
                // Line by line a person reads what is being done, not each line that a compiler writes.
                let what = text.split(": ").next().unwrap_or(text);
                if !self.status.now(text.clone()) && self.worked_at.insert(what.to_owned()) {
                    self.lines(&[self.colour.paint(DIM, what)]);
                }
            }
            Happening::ServerReady { server, version, took } => {
                let text = format!("{server}: {version} ({})", in_words(*took));
                self.lines(&[self.colour.paint(DIM, &text)]);
            }
            Happening::RunFinished { summary } => {
                self.status.end();
                self.lines(&[in_counts(summary, self.colour)]);
            }
            // Drawn where the file was read.
            Happening::FileError { .. }
            | Happening::ScenarioStarted { .. }
            | Happening::SandboxReady { .. }
            | Happening::SandboxClaimed { .. }
            | Happening::StepStarted { .. }
            | Happening::StepFinished { .. }
            | Happening::Request { .. }
            | Happening::Response { .. }
            | Happening::Connection { .. }
            | Happening::Beyond { .. }
            | Happening::KafkaCall { .. }
            | Happening::DatabaseSession { .. }
            | Happening::Statement { .. }
            | Happening::Record { .. }
            | Happening::Rows { .. }
            | Happening::Objects { .. }
            | Happening::PartnerCall { .. }
            | Happening::Log { .. }
            | Happening::Metric { .. }
            | Happening::AgentEvent { .. }
            | Happening::ServiceCheck { .. }
            | Happening::Service { .. }
            | Happening::Fault { .. }
            | Happening::Expectation { .. }
            | Happening::ScenarioFinished { .. } => {}
        }
        Ok(())
    }

    fn scenario(&mut self, finished: &Finished) -> io::Result<()> {
        self.status.scenario_done();
        self.ended(finished);
        Ok(())
    }

    fn failed_try(&mut self, failed: &Finished) -> io::Result<()> {
        self.failed(failed);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let text = std::mem::take(&mut self.pending);
        let out = &mut self.out;
        self.status.aside(|| {
            out.write_all(text.as_bytes())?;
            out.flush()
        })
    }

    fn finish(&mut self) -> io::Result<()> {
        self.status.end();
        self.flush()?;
        self.out.flush()
    }
}

/// `42 scenarios: 41 passed, 1 failed · 512 steps · 9.8 s`.
pub(crate) fn in_counts(summary: &Summary, colour: Colour) -> String {
    let counts: Vec<_> = summary
        .counts()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(outcome, count)| colour.paint(failure::style(outcome), &format!("{count} {}", outcome.word())))
        .collect();
    let colon = if counts.is_empty() { "" } else { ": " };
    format!(
        "{}{colon}{} · {} · {}",
        counted(summary.scenarios(), "scenario"),
        counts.join(", "),
        counted(summary.steps, "step"),
        in_seconds(Duration::from_millis(summary.took_ms))
    )
}

/// `9.8 s`, `2 min 3.4 s`.
fn in_seconds(took: Duration) -> String {
    let tenths = (took.as_millis() + 50) / 100;
    let (minutes, tenths) = (tenths / 600, tenths % 600);
    let seconds = format!("{}.{} s", tenths / 10, tenths % 10);
    if minutes == 0 {
        seconds
    } else {
        format!("{minutes} min {seconds}")
    }
}

#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod tries;
