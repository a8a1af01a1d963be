//! Events on their way to the reports, with the lines of the timeline that they are.

use crate::event::Event;

/// How many bytes the line of an event has as a rule.
const USUAL_LINE: usize = 256;

/// Events that follow one another, and the same as NDJSON: who makes a piece writes its lines, for there are many who make
/// pieces, and one who reports them.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The events, in order.
    pub events: Vec<Event>,
    /// A line for each of them, its newline included.
    pub lines: Vec<u8>,
}

impl Piece {
    /// A piece of these events.
    pub fn new(events: Vec<Event>) -> Self {
        let mut lines = Vec::with_capacity(events.len() * USUAL_LINE);
        for event in &events {
            let begun = lines.len();
            match serde_json::to_writer(&mut lines, event) {
                Ok(()) => lines.push(b'\n'),
                // Nothing in an event is what JSON has not.
                Err(_) => lines.truncate(begun),
            }
        }
        Self { events, lines }
    }
}
