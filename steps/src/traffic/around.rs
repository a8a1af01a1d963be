//! What happened in the mesh around the time at which requests failed.

use std::time::Duration;

use momus_engine::event::{Event, FaultPhase, Happening, ServiceState};
use momus_engine::sandbox::CLIENT;
use momus_engine::timeline::Timeline;

use super::log::Sent;
use crate::ledger::way::since;

/// So long before a request what happened may be why it failed.
const BEFORE: Duration = Duration::from_secs(1);
/// So much is told.
const TOLD: usize = 8;

/// What happened around these requests, a line each.
pub(super) fn around(timeline: &Timeline, requests: &[&Sent]) -> Vec<String> {
    let (Some(first), Some(last)) = (requests.first(), requests.iter().map(|sent| sent.at + sent.took).max()) else {
        return Vec::new();
    };
    let (from, until) = (first.at.saturating_sub(BEFORE), last);
    let mut happened: Vec<(Duration, String, usize)> = Vec::new();
    timeline.look(|events| {
        let between = events
            .iter()
            .filter(|event| event.elapsed >= from && event.elapsed <= until);
        for (event, what) in between.filter_map(|event| Some((event, told(event)?))) {
            match happened.iter_mut().find(|(_, known, _)| *known == what) {
                Some((_, _, times)) => *times += 1,
                None => happened.push((event.elapsed, what, 1)),
            }
        }
    });
    if happened.is_empty() {
        return vec!["around then nothing else happened that the test client saw".to_owned()];
    }
    let more = happened.len().saturating_sub(TOLD);
    // What is nearest to the first of them is most likely why.
    happened.sort_by_key(|(at, ..)| at.abs_diff(first.at));
    happened.truncate(TOLD);
    happened.sort_by_key(|(at, ..)| *at);
    let mut lines = vec!["around then:".to_owned()];
    lines.extend(happened.into_iter().map(|(at, what, times)| match times {
        1 => format!("  {}  {what}", since(at)),
        several => format!("  {}  {what} ({several} times)", since(at)),
    }));
    if more > 0 {
        lines.push(format!("  … and {more} more"));
    }
    lines
}

/// What may be why a request fails, in words.
fn told(event: &Event) -> Option<String> {
    match &event.happening {
        Happening::Service { service, state } => Some(format!("{service} {}", in_words(state))),
        Happening::Fault { fault, phase } => Some(format!(
            "the {fault} {}",
            match phase {
                FaultPhase::Injected => "is injected",
                FaultPhase::Struck => "struck",
                FaultPhase::Healed => "is healed",
            }
        )),
        Happening::Connection {
            caller,
            dependency,
            what,
        } if caller != CLIENT && what.starts_with("re") => Some(format!("{caller} → {dependency} connection {what}")),
        Happening::Response {
            caller,
            dependency,
            method,
            path,
            status,
            ..
        } if caller != CLIENT && status.is_none_or(|status| status >= 500) => {
            let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            Some(format!("{caller} → {dependency} {method} {path} {status}"))
        }
        Happening::Log {
            service,
            level,
            message,
            ..
        } if level.as_deref().is_some_and(is_grave) => Some(format!("{service} logs {message}")),
        _ => None,
    }
}

fn is_grave(level: &str) -> bool {
    ["error", "fatal", "critical"]
        .iter()
        .any(|grave| level.eq_ignore_ascii_case(grave))
}

fn in_words(state: &ServiceState) -> String {
    match state {
        ServiceState::Started => "started".to_owned(),
        ServiceState::Ready => "is ready".to_owned(),
        ServiceState::Stopping => "is told to stop".to_owned(),
        ServiceState::Killed => "is killed".to_owned(),
        ServiceState::Paused => "is paused".to_owned(),
        ServiceState::Resumed => "is resumed".to_owned(),
        ServiceState::Left => "is left running for another sandbox".to_owned(),
        ServiceState::Reused => "is reused".to_owned(),
        ServiceState::NotReusable { .. } => "is not reusable".to_owned(),
        ServiceState::Exited { status, .. } => format!("ended with {status}"),
    }
}

#[cfg(test)]
mod tests {
    use momus_engine::timeline::Clock;

    use super::*;

    #[test]
    fn what_is_nearest_to_the_first_failure_is_told() {
        let timeline = Timeline::new(Clock::start(), 0, "s0");
        for number in 0..10 {
            timeline.record(Happening::Service {
                service: format!("service-{number}"),
                state: ServiceState::Ready,
            });
        }
        let failed = Sent {
            line: "GET /orders".into(),
            at: timeline.elapsed(),
            took: Duration::from_secs(1),
            came: None,
        };
        for _ in 0..2 {
            timeline.record(Happening::Fault {
                fault: "cut between shop and billing".into(),
                phase: FaultPhase::Struck,
            });
        }
        let lines = around(&timeline, &[&failed]);
        assert_eq!(lines.len(), 10, "{lines:?}");
        assert!(lines[1].ends_with("service-3 is ready"), "{lines:?}");
        assert!(
            lines[8].ends_with("the cut between shop and billing struck (2 times)"),
            "{lines:?}"
        );
        assert_eq!(lines[9], "  … and 3 more");
        assert!(around(&timeline, &[]).is_empty());
    }
}
