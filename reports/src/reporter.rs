//! What every report is: a reader of events.

use std::io;

use momus_engine::event::Event;

/// A report of a run, made of its events alone.
pub trait Reporter {
    /// Takes the next event; events come in the order in which they happened.
    ///
    /// # Errors
    /// Where the report cannot be written.
    fn event(&mut self, event: &Event) -> io::Result<()>;

    /// Writes what is still to be written; called once, after the last event, however the run ended.
    ///
    /// # Errors
    /// Where the report cannot be written.
    fn finish(&mut self) -> io::Result<()>;
}
