//! The timeline as NDJSON: one event a line.

use std::io::{self, Write};

use crate::reporter::Reporter;

/// How many bytes of lines are kept back at the most.
const KEPT_BACK: usize = 64 * 1024;

/// Writes every event as one line of JSON, in the order in which the run tells them; `TIMELINE.md` documents the lines.
///
/// Lines are written whole, many in one write: a run that is killed leaves a file that ends with a whole line.
pub struct Timeline<W> {
    out: W,
    lines: Vec<u8>,
}

impl<W: Write> Timeline<W> {
    /// A timeline that is written to `out`, which should not buffer.
    pub fn new(out: W) -> Self {
        Self { out, lines: Vec::new() }
    }
}

impl<W: Write> Reporter for Timeline<W> {
    fn lines(&mut self, lines: &[u8]) -> io::Result<()> {
        self.lines.extend_from_slice(lines);
        match self.lines.len() > KEPT_BACK {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.out.write_all(&self.lines);
        self.lines.clear();
        written
    }

    fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        self.out.flush()
    }
}

#[cfg(test)]
mod documented;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::report;
    use crate::sample;

    #[test]
    fn every_event_is_one_line_of_json_that_says_what_happened_and_when() {
        let mut out = Vec::new();
        let events = sample::failing_run("a.feature");
        report(Timeline::new(&mut out), &events);
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
