//! The way of events to the reporters.

use tokio::sync::mpsc;

use crate::event::{Event, Happening};
use crate::timeline::Clock;

/// The way of events to the reporters: a bounded channel, so that a slow reporter slows the run and not its memory.
#[derive(Clone)]
pub struct Teller {
    clock: Clock,
    reporters: mpsc::Sender<Vec<Event>>,
}

impl Teller {
    /// A teller, and where what it tells comes out.
    pub fn new(clock: Clock) -> (Self, mpsc::Receiver<Vec<Event>>) {
        const PIECES: usize = 64;
        let (reporters, receiver) = mpsc::channel(PIECES);
        (Self { clock, reporters }, receiver)
    }

    /// The clock of the run.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Tells something of the run as a whole.
    pub async fn tell(&self, happening: Happening) {
        self.tell_all(vec![self.clock.event(None, None, None, happening)]).await;
    }

    /// Tells what is being done at this moment; left out when the reporters are behind.
    pub fn progress(&self, text: impl Into<String>) {
        let happening = Happening::Progress { text: text.into() };
        drop(
            self.reporters
                .try_send(vec![self.clock.event(None, None, None, happening)]),
        );
    }

    /// Tells what has happened in a scenario.
    pub(super) async fn tell_all(&self, events: Vec<Event>) {
        // Reporters that are gone have told their error themselves.
        drop(self.reporters.send(events).await);
    }
}
