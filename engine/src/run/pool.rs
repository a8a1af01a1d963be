//! Sandboxes made ahead for the scenarios that come next: while others run, what the next ones wait for is made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::join_all;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;

use super::Run;
use super::room::{Made, is_exhaustion};
use crate::failure::{Failure, StepError};
use crate::timeline::Timeline;

/// The sandboxes that are made ahead.
pub(super) struct Pool {
    /// One for each that is made or waits; closed once no more are to be made.
    places: Arc<Semaphore>,
    state: Mutex<State>,
    demand: watch::Sender<Demand>,
    /// Held while what waits is closed: who finds his gone does not make another of its name before.
    closing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// By the scenario that each is for.
    waiting: BTreeMap<usize, Ahead>,
    /// The scenarios of this round that began, and need none any more.
    begun: BTreeSet<usize>,
}

/// What scenarios that run want.
#[derive(Default)]
struct Demand {
    /// How many wait for a sandbox: they go first.
    wanting: usize,
    /// Whether one was had: where none can be made, none is made ahead.
    had: bool,
}

/// A sandbox that is made for a scenario which has not begun.
pub(super) struct Ahead {
    /// Its timeline, and the scenario's.
    pub(super) timeline: Timeline,
    making: JoinHandle<Result<Made, StepError>>,
    _place: OwnedSemaphorePermit,
}

impl Ahead {
    /// Waits until it is made.
    ///
    /// # Errors
    /// Why it could not be made.
    pub(super) async fn made(self) -> Result<Made, StepError> {
        self.making.await.unwrap_or_else(|error| {
            let failure = Failure::unknown(format!("the making of a sandbox came to no end: {error}"));
            Err(failure.hint("this is a defect of Momus: please report it"))
        })
    }

    /// Closes it unused; what is still being made is given up.
    pub(super) async fn give_up(self) {
        self.making.abort();
        self.close().await;
    }

    /// Closes it unused, once it is made.
    async fn close(self) {
        if let Ok(made) = self.made().await {
            // What could not be removed is named when the run ends.
            drop(made.sandbox.close().await);
        }
    }
}

/// A scenario that waits for a sandbox, until this is dropped.
pub(super) struct Wanting<'p>(&'p Pool);

impl Wanting<'_> {
    /// It has one.
    pub(super) fn has_one(self) {
        self.0.demand.send_modify(|demand| demand.had = true);
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        self.0.demand.send_modify(|demand| demand.wanting -= 1);
    }
}

impl Pool {
    /// A pool of so many sandboxes at the most.
    pub(super) fn of(size: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(size.min(Semaphore::MAX_PERMITS))),
            state: Mutex::default(),
            demand: watch::Sender::default(),
            closing: tokio::sync::Mutex::default(),
        }
    }

    /// What was made for this scenario, which begins now.
    pub(super) fn take(&self, scenario: usize) -> Option<Ahead> {
        let mut state = self.state();
        state.begun.insert(scenario);
        state.waiting.remove(&scenario)
    }

    /// A scenario waits for a sandbox: as long as it does, none is begun ahead.
    pub(super) fn want(&self) -> Wanting<'_> {
        self.demand.send_modify(|demand| demand.wanting += 1);
        Wanting(self)
    }

    /// A round of scenarios is over: closes what none of them took.
    pub(super) async fn end_round(&self) {
        let State { waiting, begun: _ } = std::mem::take(&mut *self.state());
        join_all(waiting.into_values().map(Ahead::give_up)).await;
    }

    /// Makes no more, and closes what waits: somebody else needs the room.
    pub(super) async fn give_up(&self) {
        let _closing = self.closing.lock().await;
        let waiting = {
            let mut state = self.state();
            self.places.close();
            std::mem::take(&mut state.waiting)
        };
        // The room is there once they are gone.
        join_all(waiting.into_values().map(Ahead::close)).await;
    }

    /// Returns when nothing is being closed.
    pub(super) async fn closed(&self) {
        drop(self.closing.lock().await);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    /// Makes sandboxes ahead for these scenarios, in their order, as the pool has places.
    pub(super) async fn fill_pool(self: Arc<Self>, due: Vec<usize>, attempt: usize) {
        let mut demand = self.pool.demand.subscribe();
        // The first begin at once.
        for scenario in due.into_iter().skip(self.settings.parallel) {
            let Ok(place) = Arc::clone(&self.pool.places).acquire_owned().await else {
                return;
            };
            let spare = demand
                .wait_for(|demand| demand.had && demand.wanting == 0)
                .await
                .is_ok();
            if !spare || self.skips().is_some() {
                return;
            }
            let mut state = self.pool.state();
            if self.pool.places.is_closed() {
                return;
            }
            if state.begun.contains(&scenario) {
                continue;
            }
            let timeline = self.begin(scenario, attempt);
            let making = tokio::spawn(Arc::clone(&self).make_ahead(timeline.clone()));
            let ahead = Ahead {
                timeline,
                making,
                _place: place,
            };
            state.waiting.insert(scenario, ahead);
        }
    }

    async fn make_ahead(self: Arc<Self>, timeline: Timeline) -> Result<Made, StepError> {
        let made = self.make(&timeline).await;
        if made.as_ref().is_err_and(|failure| is_exhaustion(failure)) {
            self.pool.places.close();
        }
        made
    }
}
