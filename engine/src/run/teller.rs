//! The way of events to the reporters.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::event::{Event, Happening};
use crate::masks::{Learned, Masks};
use crate::piece::Piece;
use crate::timeline::Clock;

/// What comes out at the reporters' end of the channel.
#[derive(Debug)]
pub enum Told {
    /// Things that happened, in order; those of one scenario in one piece.
    Events(Piece),
    /// To be answered when everything told before is reported: what it speaks of (the services' logs) goes after that.
    Reported(oneshot::Sender<()>),
}

/// The way of events to the reporters: a bounded channel, so that a slow reporter slows the run and not its memory.
#[derive(Clone)]
pub struct Teller {
    clock: Clock,
    masks: Arc<Masks>,
    reporters: mpsc::Sender<Told>,
}

impl Teller {
    /// A teller, and where what it tells comes out.
    pub fn new(clock: Clock) -> (Self, mpsc::Receiver<Told>) {
        const PIECES: usize = 64;
        let (reporters, receiver) = mpsc::channel(PIECES);
        (
            Self {
                clock,
                masks: Arc::default(),
                reporters,
            },
            receiver,
        )
    }

    /// The same teller, which tells nothing that these mask.
    pub fn masking(self, masks: Arc<Masks>) -> Self {
        Self { masks, ..self }
    }

    /// What it does not tell.
    pub(super) fn masks(&self) -> &Arc<Masks> {
        &self.masks
    }

    /// The clock of the run.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Tells something of the run as a whole.
    pub async fn tell(&self, happening: Happening) {
        self.tell_all(
            vec![self.clock.event(None, None, None, happening)],
            &mut Learned::default(),
        )
        .await;
    }

    /// Tells what is being done at this moment; left out when the reporters are behind.
    pub fn progress(&self, text: impl Into<String>) {
        let happening = Happening::Progress { text: text.into() };
        let mut events = vec![self.clock.event(None, None, None, happening)];
        self.masks.events(&mut events, &mut Learned::default());
        drop(self.reporters.try_send(Told::Events(Piece::new(events))));
    }

    /// Tells what has happened, without what must not be told: it leaves the engine here and nowhere else.
    pub(super) async fn tell_all(&self, mut events: Vec<Event>, learned: &mut Learned) {
        self.masks.events(&mut events, learned);
        for event in &mut events {
            if let Happening::ScenarioFinished { learned: told, .. } = &mut event.happening {
                *told = Arc::new(std::mem::take(learned));
            }
        }
        // Reporters that are gone have told their error themselves.
        drop(self.reporters.send(Told::Events(Piece::new(events))).await);
    }

    /// Returns when everything told so far is reported, or the reporters are gone.
    pub(super) async fn reported(&self) {
        let (sender, reported) = oneshot::channel();
        if self.reporters.send(Told::Reported(sender)).await.is_ok() {
            drop(reported.await);
        }
    }
}
