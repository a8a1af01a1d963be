//! The timeline as NDJSON: one event a line.

use std::io::{self, Write};

use momus_engine::event::Event;

use crate::reporter::Reporter;

/// Writes every event as one line of JSON, in the order in which it happened.
///
/// Each line is an object with `at` (RFC 3339, UTC), `elapsed_ms` (since the run began), `event` (the kind of the
/// happening in snake case) and the happening's own fields; `scenario` (index in the plan), `sandbox` and `trace`
/// (W3C trace id) stand there where the event has them. Durations are milliseconds in fields that end in `_ms`.
/// New kinds and fields may be added: readers ignore those that they do not know.
pub struct Timeline<W> {
    out: W,
}

impl<W: Write> Timeline<W> {
    /// A timeline that is written to `out`; each line is one write, so `out` should buffer.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Reporter for Timeline<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.out.write_all(&line)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

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
