//! What is going on in a sandbox, as seen on its wires: effects, what is under way, and what cannot be told. A sandbox in
//! which nothing is going on is quiet, and what it shows then is what it will show.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

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
    last: Option<Effect>,
    under_way: BTreeMap<u64, (Instant, String)>,
    next: u64,
    /// What cannot be told, and why.
    hidden: BTreeSet<String>,
    /// Whether a verdict rests on the sandbox being quiet, and nobody has driven it since.
    rests: bool,
    /// The first effect in that time.
    disturbed: Option<Effect>,
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
        self.state().settle = settle;
        self.changed();
    }

    /// The longest time that something stays hidden.
    pub fn settle(&self) -> Option<Duration> {
        self.state().settle
    }

    /// Something changed something just now.
    pub fn effect(&self, what: impl Into<String>) {
        {
            let mut state = self.state();
            state.effects += 1;
            let effect = Effect {
                at: Instant::now(),
                what: what.into(),
            };
            if state.rests && state.disturbed.is_none() {
                state.disturbed = Some(effect.clone());
            }
            state.last = Some(effect);
        }
        self.changed();
    }

    /// Something begins that can still have an effect; it is over when what this returns is dropped.
    pub fn begins(&self, what: impl Into<String>) -> UnderWay {
        let number = {
            let mut state = self.state();
            state.next += 1;
            let number = state.next;
            state.under_way.insert(number, (Instant::now(), what.into()));
            number
        };
        self.changed();
        UnderWay {
            activity: self.clone(),
            number,
        }
    }

    /// From now on it cannot be told whether the sandbox is quiet.
    pub fn is_hidden(&self, why: impl Into<String>) {
        self.state().hidden.insert(why.into());
        self.changed();
    }

    /// A verdict rests on the sandbox being quiet.
    pub fn rests_on_quiet(&self) {
        self.state().rests = true;
    }

    /// Somebody drives the sandbox: that it was quiet before is over.
    pub fn is_driven(&self) {
        let mut state = self.state();
        state.rests = false;
        state.disturbed = None;
    }

    /// Whether a verdict rests on the sandbox being quiet, nobody having driven it since.
    pub fn rests(&self) -> bool {
        self.state().rests
    }

    /// The effect that disturbed the quiet that a verdict rests on, if one did.
    pub fn disturbed(&self) -> Option<Effect> {
        self.state().disturbed.clone()
    }

    /// A receiver that changes whenever something begins, ends or has an effect.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// Whether the sandbox is quiet at this moment.
    pub fn quiet(&self) -> Quiet {
        let state = self.state();
        if let Some(why) = state.hidden.first() {
            return Quiet::Hidden { why: why.clone() };
        }
        let Some(settle) = state.settle else {
            return Quiet::Hidden {
                why: "a service of the mesh has no `settle`".into(),
            };
        };
        if let Some((since, what)) = state.under_way.values().min_by_key(|(since, _)| *since) {
            let for_long = crate::failure::in_words(since.elapsed());
            return Quiet::NotYet {
                why: format!("{what} ({for_long})"),
                at: None,
            };
        }
        match &state.last {
            Some(last) if last.at.elapsed() < settle => Quiet::NotYet {
                why: last.what.clone(),
                at: Some(last.at + settle),
            },
            _ => Quiet::Yes { effects: state.effects },
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.shared.changed.send_modify(|count| *count += 1);
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
        self.activity.state().under_way.remove(&self.number);
        self.activity.changed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_millis(300);

    #[tokio::test(start_paused = true)]
    async fn it_is_quiet_once_the_last_effect_has_settled() {
        let activity = Activity::new(Some(SETTLE));
        assert_eq!(activity.quiet(), Quiet::Yes { effects: 0 });
        activity.effect("billing → kafka  Produce invoices.v1");
        let at = Instant::now() + SETTLE;
        assert_eq!(
            activity.quiet(),
            Quiet::NotYet {
                why: "billing → kafka  Produce invoices.v1".into(),
                at: Some(at),
            }
        );
        tokio::time::advance(SETTLE).await;
        assert_eq!(activity.quiet(), Quiet::Yes { effects: 1 });
    }

    #[tokio::test]
    async fn an_effect_after_a_verdict_that_rests_on_quiet_is_noted_until_somebody_drives() {
        let activity = Activity::new(Some(SETTLE));
        activity.effect("before");
        activity.rests_on_quiet();
        assert_eq!(activity.disturbed(), None);
        activity.effect("first");
        activity.effect("second");
        assert_eq!(activity.disturbed().map(|effect| effect.what), Some("first".into()));
        activity.is_driven();
        activity.effect("third");
        assert_eq!((activity.disturbed(), activity.rests()), (None, false));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_keeps_it_from_being_quiet_whatever_the_time() {
        let activity = Activity::new(Some(SETTLE));
        let transaction = activity.begins("a transaction of billing");
        tokio::time::advance(SETTLE * 100).await;
        assert_eq!(
            activity.quiet(),
            Quiet::NotYet {
                why: "a transaction of billing (30 s)".into(),
                at: None,
            }
        );
        drop(transaction);
        assert_eq!(activity.quiet(), Quiet::Yes { effects: 0 });
    }

    #[tokio::test]
    async fn what_is_hidden_can_never_be_told() {
        let unknown = Activity::new(None);
        assert!(matches!(unknown.quiet(), Quiet::Hidden { why } if why.contains("settle")));
        let encrypted = Activity::new(Some(SETTLE));
        encrypted.is_hidden("billing speaks TLS to bank");
        assert_eq!(
            encrypted.quiet(),
            Quiet::Hidden {
                why: "billing speaks TLS to bank".into()
            }
        );
    }

    #[tokio::test]
    async fn every_change_is_told() {
        let activity = Activity::new(Some(SETTLE));
        let mut changes = activity.changes();
        let begun = activity.begins("a request");
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        drop(begun);
        assert!(changes.has_changed().unwrap());
    }
}
