//! A fault in force: what it is called, whether it struck, and how it is healed.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::watch;

use crate::event::{FaultPhase, Happening};
use crate::mesh::nearest;
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

    /// The fault's name, without the article.
    pub fn fault(&self) -> &str {
        &self.fault
    }

    /// How often it struck so far.
    pub fn count(&self) -> u64 {
        *self.count.borrow()
    }
}

/// Undoes a fault. The text says why it could not be.
pub type Heal = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// A fault in force.
pub struct Injection {
    /// Its name, as `the … has struck` and `the … is healed` take it, without the article: `cut between shop and billing`.
    pub fault: String,
    /// What it touched.
    pub strikes: Strikes,
    /// It has struck when it struck so often, and fails its scenario when it struck fewer times.
    pub at_least: u64,
    /// Whether it may strike fewer times than that, or nothing at all (`… if it is reached`).
    pub if_reached: bool,
    /// How it is undone; `None` once it is, and of a fault that is over as soon as it struck.
    pub heal: Option<Heal>,
}

/// The faults of one scenario, in the order of their injection.
#[derive(Default)]
pub struct Injections {
    all: Vec<Injection>,
}

impl Injections {
    /// Injects a fault that must strike so often: `put` puts it in force, with its strikes, and tells how it is undone.
    pub fn inject(
        &mut self,
        timeline: &Timeline,
        fault: impl Into<String>,
        at_least: u64,
        put: impl FnOnce(Strikes) -> Option<Heal>,
    ) -> &mut Injection {
        let fault = fault.into();
        // Told before it can strike.
        timeline.record(Happening::Fault {
            fault: fault.clone(),
            phase: FaultPhase::Injected,
        });
        let strikes = Strikes::new(fault.clone(), timeline.clone());
        let heal = put(strikes.clone());
        self.all.push_mut(Injection {
            fault,
            strikes,
            at_least,
            if_reached: false,
            heal,
        })
    }

    /// The injections of that name, in their order.
    pub fn named<'f>(&'f self, fault: &'f str) -> impl Iterator<Item = &'f Injection> {
        self.all.iter().filter(move |injection| injection.fault == fault)
    }

    /// The names of those that are in force.
    pub fn in_force(&self) -> impl Iterator<Item = &str> {
        let in_force = self.all.iter().filter(|injection| injection.heal.is_some());
        in_force.map(|injection| injection.fault.as_str())
    }

    /// Takes note that the faults of that name are in force no more although nobody heals them.
    pub fn end(&mut self, timeline: &Timeline, fault: &str) {
        for injection in self.all.iter_mut().filter(|injection| injection.fault == fault) {
            if injection.heal.take().is_some() {
                timeline.record(Happening::Fault {
                    fault: fault.to_owned(),
                    phase: FaultPhase::Healed,
                });
            }
        }
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

/// What to tell of the name of a fault that no step injects, `; hint: …` included.
pub fn not_injected<'f>(fault: &str, injected: impl Iterator<Item = &'f str> + Clone) -> String {
    let hint = match nearest(fault, injected.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let names: Vec<String> = injected.map(|name| format!("`{name}`")).collect();
            if names.is_empty() {
                "no step before it injects any fault".to_owned()
            } else {
                format!("the steps before it inject {}", names.join(", "))
            }
        }
    };
    format!("no step before this one injects the {fault}; hint: {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::Clock;

    fn healed_by(error: Option<&'static str>) -> Option<Heal> {
        Some(Box::new(move || {
            Box::pin(std::future::ready(error.map_or(Ok(()), |error| Err(error.to_owned()))))
        }))
    }

    fn phases(timeline: &Timeline) -> Vec<(String, FaultPhase)> {
        let events = timeline.drain().into_iter();
        let phases = events.filter_map(|event| match event.happening {
            Happening::Fault { fault, phase } => Some((fault, phase)),
            _ => None,
        });
        phases.collect()
    }

    #[tokio::test]
    async fn the_last_injected_is_healed_first_and_each_once() {
        let timeline = Timeline::new(Clock::start(), 0, "s0");
        let mut injections = Injections::default();
        injections.inject(&timeline, "cut", 1, |strikes| {
            strikes.strike();
            healed_by(None)
        });
        injections.inject(&timeline, "kill", 1, |_| None);
        injections.inject(&timeline, "pause", 1, |_| healed_by(Some("it is gone")));
        assert_eq!(injections.in_force().collect::<Vec<_>>(), ["cut", "pause"]);
        let errors = injections.heal(&timeline, |_| true).await;
        assert_eq!(
            errors,
            Err(vec!["the pause could not be healed: it is gone".to_owned()])
        );
        assert_eq!(injections.heal(&timeline, |_| true).await, Ok(0));
        let phase = |fault: &str, phase| (fault.to_owned(), phase);
        let expected = [
            phase("cut", FaultPhase::Injected),
            phase("cut", FaultPhase::Struck),
            phase("kill", FaultPhase::Injected),
            phase("pause", FaultPhase::Injected),
            phase("cut", FaultPhase::Healed),
        ];
        assert_eq!(phases(&timeline), expected);
    }

    #[tokio::test]
    async fn what_ended_by_itself_is_not_healed() {
        let timeline = Timeline::new(Clock::start(), 0, "s0");
        let mut injections = Injections::default();
        injections.inject(&timeline, "pause", 1, |_| healed_by(Some("it is gone")));
        injections.end(&timeline, "pause");
        assert_eq!(injections.heal(&timeline, |_| true).await, Ok(0));
        assert_eq!(phases(&timeline).len(), 2);
    }
}
