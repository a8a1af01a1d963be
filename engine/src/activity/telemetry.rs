//! What services tell of themselves. It counts only where the scenario asks for it: a log line is nobody else's concern.

use super::Activity;

/// A kind of what services tell of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Telemetry {
    /// Lines of their logs.
    Logs,
    /// Metrics.
    Metrics,
}

impl Activity {
    /// From now on what services tell of this kind counts: a sentence of the scenario is about it.
    pub fn counts(&self, kind: Telemetry) {
        self.state().counted.insert(kind);
    }

    /// Whether what services tell of this kind counts.
    pub fn is_counted(&self, kind: Telemetry) -> bool {
        self.state().counted.contains(&kind)
    }

    /// A service told something of this kind, within a trace perhaps: an effect where that counts and is about no probe.
    pub fn tells(&self, kind: Telemetry, service: &str, trace: Option<&str>, what: impl Into<String>) {
        if !self.is_counted(kind) || self.is_probe(trace) {
            return;
        }
        match trace {
            Some(_) => self.effect(what),
            None => self.effect_or_probe(service, what),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_counts_where_the_scenario_asks_for_it_and_no_probe_does() {
        let activity = Activity::new(Some(Duration::from_millis(300)));
        let probed = "4bf92f3577b34da6a3ce929d0e0e4736";
        let _probe = activity.probe(Some(probed), "shop");
        let tell = |kind, service, trace| {
            let before = activity.effects();
            activity.tells(kind, service, trace, "it told something");
            activity.effects() - before
        };
        assert_eq!(tell(Telemetry::Logs, "billing", None), 0);
        activity.counts(Telemetry::Logs);
        assert_eq!(tell(Telemetry::Logs, "billing", None), 1);
        assert_eq!(tell(Telemetry::Metrics, "billing", None), 0);
        assert_eq!(tell(Telemetry::Logs, "billing", Some(probed)), 0);
        assert_eq!(tell(Telemetry::Logs, "shop", None), 0);
        assert_eq!(
            tell(Telemetry::Logs, "shop", Some("00f067aa0ba902b700f067aa0ba902b7")),
            1
        );
    }
}
