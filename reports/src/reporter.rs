//! What every report is: a reader of events, and of the scenarios that they make up.

use std::io;

use momus_engine::event::Event;

use crate::scenarios::Finished;

/// A report of a run, made of its events alone.
pub trait Reporter {
    /// Takes the next events as whole lines of NDJSON, before each of them comes by itself.
    ///
    /// # Errors
    /// Where the report cannot be written.
    fn lines(&mut self, _lines: &[u8]) -> io::Result<()> {
        Ok(())
    }

    /// Takes the next event; events come in the order in which they happened.
    ///
    /// # Errors
    /// Where the report cannot be written.
    fn event(&mut self, _event: &Event) -> io::Result<()> {
        Ok(())
    }

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
