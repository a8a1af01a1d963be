//! A fault in force: what it is called, whether it struck, and how it is healed.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::watch;

use crate::event::{FaultPhase, Happening};
use crate::timeline::Timeline;

/// Counts what an injection touched; a cheap handle that its rule holds and strikes.
#[derive(Clone)]
pub struct Strikes {
    fault: String,
    timeline: Timeline,
    count: watch::Sender<u64>,
}

impl Strikes {
    /// No strike yet of the fault with this name (as `the … has struck` takes it).
    pub fn new(fault: impl Into<String>, timeline: Timeline) -> Self {
        Self {
            fault: fault.into(),
            timeline,
            count: watch::Sender::new(0),
        }
    }

    /// The fault touched one more thing.
    pub fn strike(&self) {
        self.count.send_modify(|count| *count += 1);
        self.timeline.record(Happening::Fault {
            fault: self.fault.clone(),
            phase: FaultPhase::Struck,
        });
    }

    /// How often it struck so far.
    pub fn count(&self) -> u64 {
        *self.count.borrow()
    }
}

/// Undoes a fault. The text says why it could not be.
pub type Heal = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send>;

/// A fault in force.
pub struct Injection {
    /// Its name, as `the … has struck` and `the … is healed` take it, without the article: `cut between shop and billing`.
    pub fault: String,
    /// What it touched.
    pub strikes: Strikes,
    /// It fails its scenario when it struck fewer times than this.
    pub at_least: u64,
    /// How it is undone; `None` once it is.
    pub heal: Option<Heal>,
}

/// The faults of one scenario, in the order of their injection.
#[derive(Default)]
pub struct Injections {
    all: Vec<Injection>,
}

impl Injections {
    /// Takes note of a fault that is now in force.
    pub fn add(&mut self, timeline: &Timeline, injection: Injection) {
        timeline.record(Happening::Fault {
            fault: injection.fault.clone(),
            phase: FaultPhase::Injected,
        });
        self.all.push(injection);
    }

    /// The last injection of that name.
    pub fn find(&self, fault: &str) -> Option<&Injection> {
        self.all.iter().rev().find(|injection| injection.fault == fault)
    }

    /// All of them.
    pub fn all(&self) -> &[Injection] {
        &self.all
    }

    /// Undoes every fault that is in force and that `which` selects, the last one first.
    ///
    /// # Errors
    /// Every heal that failed, by the fault's name; the others are healed all the same.
    pub async fn heal(
        &mut self,
        timeline: &Timeline,
        which: impl Fn(&Injection) -> bool,
    ) -> Result<usize, Vec<String>> {
        let (mut healed, mut errors) = (0, Vec::new());
        for injection in self.all.iter_mut().rev().filter(|injection| which(injection)) {
            let Some(heal) = injection.heal.take() else { continue };
            match heal().await {
                Ok(()) => {
                    healed += 1;
                    timeline.record(Happening::Fault {
                        fault: injection.fault.clone(),
                        phase: FaultPhase::Healed,
                    });
                }
                Err(error) => errors.push(format!("the {} could not be healed: {error}", injection.fault)),
            }
        }
        if errors.is_empty() { Ok(healed) } else { Err(errors) }
    }
}
