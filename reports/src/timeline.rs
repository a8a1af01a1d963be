//! The timeline as NDJSON: one event a line.

use std::io::{self, Write};

use momus_engine::event::{Event, Happening};

use crate::reporter::Reporter;

/// How many bytes of lines are kept back at the most.
const KEPT_BACK: usize = 64 * 1024;

/// Writes every event as one line of JSON, in the order in which the run tells them; `TIMELINE.md` documents the lines.
///
/// Lines are written whole, many in one write, at the end of each scenario and at every event of the run itself: a run
/// that is killed leaves a file that ends with a whole line.
pub struct Timeline<W> {
    out: W,
    lines: Vec<u8>,
}

impl<W: Write> Timeline<W> {
    /// A timeline that is written to `out`, which should not buffer.
    pub fn new(out: W) -> Self {
        Self { out, lines: Vec::new() }
    }

    fn write(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        self.out.write_all(&lines)
    }
}

impl<W: Write> Reporter for Timeline<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        serde_json::to_writer(&mut self.lines, event)?;
        self.lines.push(b'\n');
        let ended = matches!(event.happening, Happening::ScenarioFinished { .. });
        if ended || event.scenario.is_none() || self.lines.len() > KEPT_BACK {
            self.write()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.write()?;
        self.out.flush()
    }
}

#[cfg(test)]
mod documented;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn every_event_is_one_line_of_json_that_says_what_happened_and_when() {
        let mut out = Vec::new();
        let mut timeline = Timeline::new(&mut out);
        let events = sample::failing_run("a.feature");
        for event in &events {
            timeline.event(event).unwrap();
        }
        timeline.finish().unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), events.len());
        let response = lines.iter().find(|line| line["event"] == "response").unwrap();
        assert_eq!(response["at"], "2026-11-24T08:00:01.203Z");
        assert_eq!(response["elapsed_ms"], 1203.0);
        assert_eq!(response["scenario"], 1);
        assert_eq!(response["status"], 503);
        assert_eq!(response["took_ms"], 12.0);
        assert_eq!(lines.last().unwrap()["event"], "run_finished");
    }
}
