//! A scenario's timeline: everything that happens in it, in order, and the bell that wakes who waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tokio::sync::watch;

use crate::activity::Activity;
use crate::event::{Event, Happening};
use crate::masks::{Learned, Masks};

/// The clock of a run: wall time and time since the run began.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { began: Instant::now() }
    }

    /// An event that happens now.
    pub fn event(
        &self,
        scenario: Option<usize>,
        sandbox: Option<Arc<str>>,
        trace: Option<String>,
        happening: Happening,
    ) -> Event {
        Event {
            at: jiff::Timestamp::now(),
            elapsed: self.began.elapsed(),
            scenario,
            sandbox,
            trace,
            happening,
        }
    }

    /// Time since the run began.
    pub fn elapsed(&self) -> std::time::Duration {
        self.began.elapsed()
    }
}

static NEXT_WAIT: AtomicU64 = AtomicU64::new(0);

/// Something that is waited for, told when the scenario's time runs out.
#[must_use = "the wait is over when this is dropped"]
pub struct OpenWait {
    timeline: Timeline,
    number: u64,
}

impl OpenWait {
    /// Says anew what is waited for, such as with what was seen last.
    pub fn say(&self, what: impl Into<String>) {
        let mut waits = self.timeline.waits();
        if let Some((_, said)) = waits.iter_mut().find(|(number, _)| *number == self.number) {
            *said = what.into();
        }
    }
}

impl Drop for OpenWait {
    fn drop(&mut self) {
        self.timeline.waits().retain(|(number, _)| *number != self.number);
    }
}

/// A scenario's timeline: a cheap handle, shared by the runner, the steps, the proxies and the stand-ins.
///
/// What is recorded is kept until the scenario ends; then the runner hands it to the reporters in one piece.
#[derive(Clone)]
pub struct Timeline {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    scenario: usize,
    sandbox: Arc<str>,
    events: Mutex<Vec<Event>>,
    recorded: watch::Sender<u64>,
    waits: Mutex<Vec<(u64, String)>>,
    masks: Arc<Masks>,
    learned: Mutex<Learned>,
    activity: Activity,
}

impl Timeline {
    /// An empty timeline of the scenario with this index in the plan and of the sandbox with this id.
    pub fn new(clock: Clock, scenario: usize, sandbox: impl Into<Arc<str>>) -> Self {
        Self::masked(clock, scenario, sandbox, Arc::default())
    }

    /// The same, in a run that masks something.
    pub fn masked(clock: Clock, scenario: usize, sandbox: impl Into<Arc<str>>, masks: Arc<Masks>) -> Self {
        let shared = Shared {
            clock,
            scenario,
            sandbox: sandbox.into(),
            events: Mutex::default(),
            recorded: watch::Sender::new(0),
            waits: Mutex::default(),
            masks,
            learned: Mutex::default(),
            // Until somebody watches it, nobody can tell.
            activity: Activity::new(None),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The index of its scenario in the plan.
    pub fn scenario(&self) -> usize {
        self.shared.scenario
    }

    /// The sandbox's id.
    pub fn sandbox(&self) -> &str {
        &self.shared.sandbox
    }

    /// What is going on in the sandbox.
    pub fn activity(&self) -> &Activity {
        &self.shared.activity
    }

    /// The time since the run began.
    pub fn elapsed(&self) -> Duration {
        self.shared.clock.elapsed()
    }

    /// The time since the run began that a time of the wall clock is; what was before is at the beginning.
    pub fn elapsed_at(&self, time: jiff::Timestamp) -> Duration {
        let before_now = jiff::Timestamp::now().duration_since(time);
        match Duration::try_from(before_now) {
            Ok(before) => self.elapsed().saturating_sub(before),
            // The other clock is ahead of this one.
            Err(_) => self.elapsed() + before_now.unsigned_abs(),
        }
    }

    /// Records that something happens now, and wakes everyone who waits for something to happen, unless it is the test
    /// client's own doing ([`Happening::is_own`]).
    pub fn record(&self, happening: Happening) {
        self.record_traced(None, happening);
    }

    /// Records something that carries a W3C trace id.
    pub fn record_traced(&self, trace: Option<String>, happening: Happening) {
        let shared = &self.shared;
        let wakes = !happening.is_own();
        {
            let mut events = self.events();
            events.push(shared.clock.event(
                Some(shared.scenario),
                Some(Arc::clone(&shared.sandbox)),
                trace,
                happening,
            ));
        }
        if wakes {
            self.ring();
        }
    }

    /// Wakes everyone who waits, without an event: something changed that leaves no line of its own
    /// (bytes of a fetch that passed a proxy, for one).
    pub fn ring(&self) {
        // Whoever begins to wait looks first: without a waiter there is nobody to be woken.
        if self.shared.recorded.receiver_count() > 0 {
            self.shared.recorded.send_modify(|count| *count += 1);
        }
    }

    /// A receiver that changes whenever something happens that is not the test client's own doing.
    pub fn bell(&self) -> watch::Receiver<u64> {
        self.shared.recorded.subscribe()
    }

    /// A copy of what has happened so far.
    pub fn snapshot(&self) -> Vec<Event> {
        self.events().clone()
    }

    /// Looks at what has happened so far, without copying it.
    pub fn look<T>(&self, look: impl FnOnce(&[Event]) -> T) -> T {
        look(&self.events())
    }

    /// Takes everything that has happened so far.
    pub fn drain(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events())
    }

    /// Notes what a message has at secret places that no event tells as such: a failure that tells the message is told
    /// without it.
    pub fn saw<'h>(&self, headers: impl IntoIterator<Item = (&'h str, &'h str)>, body: Option<&Json>) {
        let mut learned = self.shared.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.message(&self.shared.masks, headers, body);
    }

    /// Whether the run has secret places in bodies: else nobody needs to read one for [`Timeline::saw`].
    pub fn has_secrets_in_bodies(&self) -> bool {
        self.shared.masks.has_secrets_in_bodies()
    }

    /// Takes what was noted so far.
    pub(crate) fn learned(&self) -> Learned {
        std::mem::take(&mut *self.shared.learned.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes that something is waited for, in words, until what this returns is dropped.
    pub fn wait_for(&self, what: impl Into<String>) -> OpenWait {
        let number = NEXT_WAIT.fetch_add(1, Ordering::Relaxed);
        self.waits().push((number, what.into()));
        OpenWait {
            timeline: self.clone(),
            number,
        }
    }

    /// What is waited for at this moment, in words.
    pub fn open_waits(&self) -> Vec<String> {
        self.waits().iter().map(|(_, what)| what.clone()).collect()
    }

    fn waits(&self) -> MutexGuard<'_, Vec<(u64, String)>> {
        self.shared.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn events(&self) -> MutexGuard<'_, Vec<Event>> {
        self.shared.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_the_wall_clock_is_one_of_the_run() {
        let timeline = Timeline::new(Clock::start(), 0, "s0");
        timeline.record(Happening::Notice { text: String::new() });
        let event = &timeline.snapshot()[0];
        let difference = timeline.elapsed_at(event.at).abs_diff(event.elapsed);
        assert!(difference < Duration::from_millis(5), "{difference:?}");
        let before = event.at - Duration::from_secs(3600);
        assert_eq!(timeline.elapsed_at(before), Duration::ZERO);
        assert!(timeline.elapsed_at(event.at + Duration::from_secs(3600)) > Duration::from_secs(3590));
    }
}
