//! Probes: looks of the test client at services, and what these do about them. None of that is the mesh's own doing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::Activity;

/// The probes of one sandbox.
#[derive(Default)]
pub(super) struct Probes {
    /// The trace ids of all that were ever made.
    traces: BTreeSet<String>,
    /// The services that were ever probed.
    services: BTreeMap<String, Probed>,
}

/// A service that was probed.
#[derive(Default)]
struct Probed {
    /// How many probes are under way.
    open: usize,
    /// When the last one ended.
    ended: Option<Instant>,
}

impl Probes {
    /// Whether what a service does now may be for a probe: one is under way, or ended less than `settle` ago.
    fn may_be_for(&self, service: &str, settle: Option<Duration>) -> bool {
        self.services.get(service).is_some_and(|probed| {
            let lately = |ended: Instant| settle.is_some_and(|settle| ended.elapsed() < settle);
            probed.open > 0 || probed.ended.is_some_and(lately)
        })
    }
}

/// A probe under way, until this is dropped.
#[must_use = "the probe is over when this is dropped"]
pub struct Probe {
    activity: Activity,
    service: String,
}

impl Drop for Probe {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        if let Some(probed) = state.probes.services.get_mut(&self.service) {
            probed.open -= 1;
            probed.ended = Some(Instant::now());
        }
    }
}

impl Activity {
    /// A service is looked at: by the test client, or by another service for it. What carries the trace id (32
    /// hexadecimal digits) is the probe's from now on and for good.
    pub fn probe(&self, trace: Option<&str>, service: &str) -> Probe {
        let mut state = self.state();
        state.probes.traces.extend(trace.map(str::to_ascii_lowercase));
        state.probes.services.entry(service.to_owned()).or_default().open += 1;
        drop(state);
        Probe {
            activity: self.clone(),
            service: service.to_owned(),
        }
    }

    /// Whether what carries this trace id is a probe, or what a service does about one.
    pub fn is_probe(&self, trace: Option<&str>) -> bool {
        trace.is_some_and(|trace| self.state().probes.traces.contains(&trace.to_ascii_lowercase()))
    }

    /// Whether what a service does now may be for a probe: one is under way, or ended less than `settle` ago.
    pub fn may_be_for_probe(&self, service: &str) -> bool {
        let state = self.state();
        state.probes.may_be_for(service, state.settle)
    }

    /// A service did something that carries no trace and may as well be what it does about a probe: a read, a metric.
    ///
    /// While it is probed, and for one `settle` after that, this takes no verdict back, and `settle` counts from it
    /// nevertheless. At any other time it is an effect.
    pub fn effect_or_probe(&self, service: &str, what: impl Into<String>) {
        {
            let (mut state, what) = (self.state(), what.into());
            if state.probes.may_be_for(service, state.settle) {
                state.stirred(what);
            } else {
                state.effect(what);
            }
        }
        self.changed();
    }
}

#[cfg(test)]
mod tests {
    use super::super::Quiet;
    use super::*;

    const SETTLE: Duration = Duration::from_millis(300);
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn watched() -> Activity {
        Activity::new(Some(SETTLE))
    }

    #[tokio::test]
    async fn a_trace_is_the_probes_for_good() {
        let activity = watched();
        assert!(!activity.is_probe(Some(TRACE)));
        let probe = activity.probe(Some(TRACE), "shop");
        assert!(activity.is_probe(Some(&TRACE.to_ascii_uppercase())) && !activity.is_probe(None));
        drop(probe);
        assert!(activity.is_probe(Some(TRACE)) && !activity.is_probe(Some("00f067aa0ba902b700f067aa0ba902b7")));
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_be_for_a_probe_takes_no_verdict_back_and_delays_the_next() {
        let activity = watched();
        assert!(activity.rests_on(&activity.quiet()));
        let (one, other) = (activity.probe(Some(TRACE), "shop"), activity.probe(Some(TRACE), "shop"));
        activity.effect_or_probe("shop", "shop reads");
        drop(one);
        tokio::time::advance(SETTLE * 2).await;
        activity.effect_or_probe("shop", "shop reads");
        drop(other);
        tokio::time::advance(SETTLE / 2).await;
        activity.effect_or_probe("shop", "shop reads");
        assert_eq!(activity.disturbed(), None);
        let at = Some(Instant::now() + SETTLE);
        let why = "shop reads".into();
        assert_eq!(activity.quiet(), Quiet::NotYet { why, at });

        tokio::time::advance(SETTLE / 2).await;
        activity.effect_or_probe("shop", "shop reads late");
        assert_eq!(
            activity.disturbed().map(|effect| effect.what),
            Some("shop reads late".into())
        );
    }

    #[tokio::test]
    async fn what_another_service_does_is_an_effect() {
        let activity = watched();
        assert!(activity.rests_on(&activity.quiet()));
        let _probe = activity.probe(Some(TRACE), "shop");
        activity.effect_or_probe("billing", "billing reads");
        assert!(activity.disturbed().is_some());
    }
}
