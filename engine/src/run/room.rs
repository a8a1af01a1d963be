//! Fewer sandboxes at a time where the machine has no room for more: of ports, descriptors, memory, connections or disk.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::scenario::skipped;
use super::{Run, panicked, stopped};
use crate::event::Happening;
use crate::failure::{Failure, StepError};
use crate::outcome::Outcome;
use crate::sandbox::Sandbox;
use crate::timeline::Timeline;

/// What a message says where there was too little of something: the error numbers of Linux that mean it, and the SQLSTATEs of
/// PostgreSQL's class 53.
const EXHAUSTED: [&str; 11] = [
    "(os error 11)",  // EAGAIN: no process more
    "(os error 12)",  // ENOMEM
    "(os error 23)",  // ENFILE
    "(os error 24)",  // EMFILE
    "(os error 28)",  // ENOSPC
    "(os error 98)",  // EADDRINUSE
    "(os error 99)",  // EADDRNOTAVAIL
    "(os error 105)", // ENOBUFS
    "[SQLSTATE 53100]",
    "[SQLSTATE 53200]",
    "[SQLSTATE 53300]",
];

/// How many sandboxes there are.
#[derive(Default)]
pub(super) struct Room {
    open: watch::Sender<usize>,
    /// Whoever tries once more does so alone.
    turn: Mutex<()>,
    told: AtomicBool,
}

/// A sandbox that is there, or is being made, until this is dropped.
pub(super) struct Open(watch::Sender<usize>);

impl Room {
    fn take(&self) -> Open {
        self.open.send_modify(|open| *open += 1);
        Open(self.open.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

/// A sandbox that was made.
pub(super) struct Made {
    pub(super) sandbox: Arc<dyn Sandbox>,
    pub(super) open: Open,
    /// When its making began.
    pub(super) began: Instant,
}

/// Whether a sandbox could not be made for want of something that others hold.
pub(super) fn is_exhaustion(failure: &Failure) -> bool {
    failure.outcome == Outcome::Unknown && EXHAUSTED.iter().any(|said| failure.message.contains(said))
}

impl Run {
    /// Makes a sandbox. Where there is no room for it, it is made once another is gone; alone it has to be made.
    pub(super) async fn sandbox(&self, timeline: &Timeline) -> Result<Made, StepError> {
        let mut failure = match self.make(timeline).await {
            Err(failure) if is_exhaustion(&failure) => failure,
            made => return made,
        };
        let _turn = self.room.turn.lock().await;
        self.pool.give_up().await;
        loop {
            let mut open = self.room.open.subscribe();
            let others = *open.borrow_and_update();
            if others > 0 {
                self.tell_fewer(&failure).await;
                tokio::select! {
                    _ = open.wait_for(|open| *open < others) => {}
                    () = stopped(self.stop.clone()) => return Err(skipped("the run was stopped")),
                }
            }
            failure = match self.make(timeline).await {
                Err(failure) if is_exhaustion(&failure) && others > 0 => failure,
                Err(mut failure) if is_exhaustion(&failure) => {
                    failure
                        .hint
                        .get_or_insert("this machine has too little of it for one sandbox".to_owned());
                    return Err(failure);
                }
                made => return made,
            };
        }
    }

    /// Makes a sandbox, where there is room for it.
    pub(super) async fn make(&self, timeline: &Timeline) -> Result<Made, StepError> {
        let began = Instant::now();
        let until = began + self.settings.timeout;
        let open = self.room.take();
        let isolated = &self.plan.scenarios[timeline.scenario()].isolated;
        let made = AssertUnwindSafe(self.environment.sandbox(timeline.clone(), isolated)).catch_unwind();
        let made = tokio::select! {
            made = made => made.unwrap_or_else(|panic| Err(panicked(&*panic, "the environment")))?,
            () = stopped(self.stop.clone()) => return Err(skipped("the run was stopped")),
            failure = self.times_out(until, timeline, Outcome::Unknown) => return Err(failure),
        };
        Ok(Made {
            sandbox: made,
            open,
            began,
        })
    }

    async fn tell_fewer(&self, failure: &Failure) {
        if !self.room.told.swap(true, Ordering::Relaxed) {
            let text = format!("fewer scenarios at a time, for want of room: {}", failure.message);
            self.teller.tell(Happening::Notice { text }).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_room_is_told_from_other_errors() {
        let says = |message: &str| is_exhaustion(&Failure::unknown(message));
        let full = std::io::Error::from_raw_os_error(24);
        assert!(says(&format!("shop cannot be started: {full}")));
        assert!(says("sorry, too many clients already [SQLSTATE 53300]"));
        assert!(!says("shop ended with exit code 24 before all services were ready"));
        assert!(!is_exhaustion(&Failure::failed(format!("{full}"))));
    }
}
