//! What is going on in a sandbox, as seen on its wires: effects, what is under way, and what cannot be told. A sandbox in
//! which nothing is going on is quiet, and what it shows then is what it will show.

mod probe;
mod telemetry;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

pub use self::probe::Probe;
use self::probe::Probes;
pub use self::telemetry::Telemetry;

/// What is going on in one sandbox: a cheap handle, held by its proxies and stand-ins.
///
/// An *effect* is what changes something or is about to: a record produced, a statement or store request that is not a
/// read, a call to a service or partner. What is *under way* can still have one: a request without its response, a
/// transaction, a group that is behind, bytes that a fault holds.
#[derive(Clone)]
pub struct Activity {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// Nothing that a service does stays hidden for longer than this; none where a service does not say.
    settle: Option<Duration>,
    effects: u64,
    /// What `settle` counts from: the last effect, or a later sign that one may come.
    last: Option<Effect>,
    under_way: BTreeMap<u64, (Instant, String)>,
    next: u64,
    /// What cannot be told, and why.
    hidden: BTreeSet<String>,
    /// Whether a verdict rests on the sandbox being quiet, and nobody has driven it since.
    rests: bool,
    /// The first effect in that time.
    disturbed: Option<Effect>,
    probes: Probes,
    /// What counts of what services tell of themselves.
    counted: BTreeSet<Telemetry>,
}

impl State {
    /// `settle` counts from now on.
    fn stirred(&mut self, what: String) {
        self.last = Some(Effect {
            at: Instant::now(),
            what,
        });
    }

    /// Something changed something just now.
    fn effect(&mut self, what: String) {
        self.effects += 1;
        self.stirred(what);
        if self.rests && self.disturbed.is_none() {
            self.disturbed.clone_from(&self.last);
        }
    }

    fn quiet(&self) -> Quiet {
        if let Some(why) = self.hidden.first() {
            return Quiet::Hidden { why: why.clone() };
        }
        let Some(settle) = self.settle else {
            return Quiet::Hidden {
                why: "a service of the mesh has no `settle`".into(),
            };
        };
        if let Some((since, what)) = self.under_way.values().min_by_key(|(since, _)| *since) {
            let for_long = crate::failure::in_words(since.elapsed());
            return Quiet::NotYet {
                why: format!("{what} ({for_long})"),
                at: None,
            };
        }
        match &self.last {
            Some(last) if last.at.elapsed() < settle => Quiet::NotYet {
                why: last.what.clone(),
                at: Some(last.at + settle),
            },
            _ => Quiet::Yes { effects: self.effects },
        }
    }
}

/// Something that changed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// When it was seen.
    pub at: Instant,
    /// What it was, in words: `billing → kafka  Produce invoices.v1`.
    pub what: String,
}

/// Something under way, until this is dropped.
#[must_use = "it is under way until this is dropped"]
pub struct UnderWay {
    activity: Activity,
    number: u64,
}

/// Whether a sandbox is quiet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// Nothing is going on. The number of effects so far: while it stays the same, nothing has happened since.
    Yes {
        /// How many effects there were.
        effects: u64,
    },
    /// Something is going on.
    NotYet {
        /// What.
        why: String,
        /// When it is quiet if nothing else happens; none where that depends on something that is under way.
        at: Option<Instant>,
    },
    /// It can never be told.
    Hidden {
        /// Why.
        why: String,
    },
}

impl Activity {
    /// Nothing is going on yet, in a sandbox whose services settle in this time; none where one does not say.
    pub fn new(settle: Option<Duration>) -> Self {
        let state = State {
            settle,
            ..State::default()
        };
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                changed: watch::Sender::new(0),
            }),
        }
    }

    /// From now on services settle in this time; with none it is never quiet.
    pub fn settles_in(&self, settle: Option<Duration>) {
        {
            let mut state = self.state();
            state.settle = settle;
            state.stirred("the services, ready less than `settle` ago".into());
        }
        self.changed();
    }

    /// The longest time that something stays hidden.
    pub fn settle(&self) -> Option<Duration> {
        self.state().settle
    }

    /// Something changed something just now.
    pub fn effect(&self, what: impl Into<String>) {
        self.state().effect(what.into());
        self.changed();
    }

    /// Something happened that is no effect, and that may have one soon: `settle` counts from now.
    pub fn stirs(&self, what: impl Into<String>) {
        self.state().stirred(what.into());
        self.changed();
    }

    /// How many effects there were.
    pub fn effects(&self) -> u64 {
        self.state().effects
    }

    /// Something begins that can still have an effect; it is over when what this returns is dropped. An effect that it
    /// ends with is told before that.
    ///
    /// What lasts for longer than `settle` is no mere look at whether there is something to do: `settle` counts from
    /// its end.
    pub fn begins(&self, what: impl Into<String>) -> UnderWay {
        let number = {
            let mut state = self.state();
            state.next += 1;
            let number = state.next;
            state.under_way.insert(number, (Instant::now(), what.into()));
            number
        };
        UnderWay {
            activity: self.clone(),
            number,
        }
    }

    /// From now on it cannot be told whether the sandbox is quiet.
    pub fn is_hidden(&self, why: impl Into<String>) {
        {
            let (mut state, why) = (self.state(), why.into());
            if state.rests {
                state.disturbed.get_or_insert_with(|| Effect {
                    at: Instant::now(),
                    what: why.clone(),
                });
            }
            state.hidden.insert(why);
        }
        self.changed();
    }

    /// A verdict is to rest on the sandbox being quiet as it was told: whether it still is. From then on an effect disturbs.
    pub fn rests_on(&self, quiet: &Quiet) -> bool {
        let mut state = self.state();
        let still = matches!(quiet, Quiet::Yes { .. }) && state.quiet() == *quiet;
        state.rests |= still;
        still
    }

    /// The scenario drives the sandbox: that it was quiet before is over, and `settle` counts from now.
    pub fn is_driven(&self) {
        {
            let mut state = self.state();
            state.rests = false;
            state.disturbed = None;
            state.stirred("the scenario itself, less than `settle` ago".into());
        }
        self.changed();
    }

    /// Whether a verdict rests on the sandbox being quiet, nobody having driven it since.
    pub fn rests(&self) -> bool {
        self.state().rests
    }

    /// The effect that disturbed the quiet that a verdict rests on, if one did.
    pub fn disturbed(&self) -> Option<Effect> {
        self.state().disturbed.clone()
    }

    /// A receiver that changes whenever the sandbox may have become quiet, or may be so later than was told.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// Whether the sandbox is quiet at this moment.
    pub fn quiet(&self) -> Quiet {
        self.state().quiet()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        // Whoever begins to wait looks first: without a waiter there is nobody to be woken.
        if self.shared.changed.receiver_count() > 0 {
            self.shared.changed.send_modify(|count| *count += 1);
        }
    }
}

impl UnderWay {
    /// Says anew what is under way.
    pub fn say(&self, what: impl Into<String>) {
        if let Some((_, said)) = self.activity.state().under_way.get_mut(&self.number) {
            *said = what.into();
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        {
            let mut state = self.activity.state();
            let Some((since, what)) = state.under_way.remove(&self.number) else {
                return;
            };
            if state.settle.is_some_and(|settle| since.elapsed() >= settle) {
                state.stirred(what);
            }
        }
        self.activity.changed();
    }
}

#[cfg(test)]
mod tests;
