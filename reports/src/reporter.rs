//! What every report is: a reader of events, and of the scenarios that they make up.

use std::cell::OnceCell;
use std::io;

use momus_engine::event::Event;

use crate::scenarios::Finished;

/// A report of a run, made of its events alone.
pub trait Reporter {
    /// Takes the next event; events come in the order in which they happened.
    ///
    /// # Errors
    /// Where the report cannot be written.
    fn event(&mut self, told: &Told<'_>) -> io::Result<()>;

    /// Takes a scenario whose tries are all over, behind the event that it ends with. One that began and did not end
    /// comes when the run does.
    ///
    /// # Errors
    /// Where the report cannot be written.
    fn scenario(&mut self, _finished: &Finished) -> io::Result<()> {
        Ok(())
    }

    /// Takes a try that failed and that another is to follow, behind the event that it ends with.
    ///
    /// # Errors
    /// Where the report cannot be written.
    fn failed_try(&mut self, _failed: &Finished) -> io::Result<()> {
        Ok(())
    }

    /// Writes what is kept back; called when nothing else is to be told at the moment. Many events come between two calls
    /// where much happens, and each write costs.
    ///
    /// # Errors
    /// Where the report cannot be written.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Writes what is still to be written; called once, after the last event, however the run ended.
    ///
    /// # Errors
    /// Where the report cannot be written.
    fn finish(&mut self) -> io::Result<()>;
}

/// An event as reports take it.
pub struct Told<'e> {
    /// The event.
    pub event: &'e Event,
    line: OnceCell<Vec<u8>>,
}

impl<'e> Told<'e> {
    pub(crate) fn new(event: &'e Event) -> Self {
        Self {
            event,
            line: OnceCell::new(),
        }
    }

    /// The event as a line of NDJSON, made once for all who write it.
    ///
    /// # Errors
    /// When it cannot be serialised.
    pub(crate) fn line(&self) -> io::Result<&[u8]> {
        if let Some(line) = self.line.get() {
            return Ok(line);
        }
        let mut line = Vec::with_capacity(USUAL_LINE);
        serde_json::to_writer(&mut line, self.event)?;
        line.push(b'\n');
        Ok(self.line.get_or_init(|| line))
    }
}

/// How many bytes most lines have at the most.
const USUAL_LINE: usize = 512;
