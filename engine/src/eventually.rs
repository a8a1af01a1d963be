//! Looking until something holds: again whenever something happened, and never longer than the deadline.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::event::Happening;
use crate::failure::{Failure, StepError, in_words};
use crate::timeline::Timeline;
use crate::timing::Timing;

/// At the least so often is looked again, for what leaves no trace on the wire.
const AT_LEAST_EACH: Duration = Duration::from_millis(250);

/// What one look told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whether it holds.
    pub verdict: Verdict,
    /// What was seen, as a failure shows it.
    pub seen: String,
    /// How far what was seen is from what is expected; 0 is there. Chooses what came nearest.
    pub distance: u64,
}

/// What one look says of an expectation that may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds, for good.
    Held,
    /// It holds now, and what may still come can break it: judged again at the deadline.
    HeldSoFar,
    /// It does not hold yet.
    NotYet,
    /// It can hold no more.
    Impossible,
}

/// Looks until the expectation is judged, and records that on the timeline.
///
/// `Timing::Now` looks once. `Timing::Eventually` looks again when something happened and at least each 250 ms: a
/// verdict of `Held` or `Impossible` ends it, `HeldSoFar` must still hold at the deadline.
///
/// # Errors
/// The failed expectation, with the last observation, how many were made and what came nearest; or the first error
/// of `look` itself.
pub async fn expect<F, L>(
    timeline: &Timeline,
    timing: Timing,
    deadline: Duration,
    expected: &str,
    mut look: F,
) -> Result<(), StepError>
where
    F: FnMut() -> L,
    L: Future<Output = Result<Look, StepError>>,
{
    let waits = match timing {
        Timing::Now => Duration::ZERO,
        Timing::Eventually { within } => within.unwrap_or(deadline),
    };
    let until = Instant::now() + waits;
    let mut bell = timeline.bell();
    let wait = timeline.wait_for(format!("{expected} (not looked at yet)"));
    let mut nearest: Option<Look> = None;
    let mut looks = 0;
    let last = loop {
        // Marked before the look, so that what happens during it is not missed.
        bell.mark_unchanged();
        let begun = Instant::now();
        let now = look().await?;
        looks += 1;
        wait.say(format!("{expected} (seen last: {})", now.seen));
        if nearest.as_ref().is_none_or(|nearest| now.distance < nearest.distance) {
            nearest = Some(now.clone());
        }
        if matches!(now.verdict, Verdict::Held | Verdict::Impossible) || begun >= until {
            break now;
        }
        // Whatever rings first: an event, the deadline, or the least that is owed to what rings no bell.
        let again = until.min(Instant::now() + AT_LEAST_EACH);
        drop(timeout_at(again, bell.changed()).await);
    };
    let held = matches!(last.verdict, Verdict::Held | Verdict::HeldSoFar);
    timeline.record(Happening::Expectation {
        expected: expected.into(),
        seen: last.seen.clone(),
        held,
        looks,
    });
    if held {
        return Ok(());
    }
    let message = match (timing, last.verdict) {
        (Timing::Now, _) => "it does not hold".to_owned(),
        (Timing::Eventually { .. }, Verdict::Impossible) => "it can hold no more".to_owned(),
        (Timing::Eventually { .. }, _) => format!("it did not come to hold within {}", in_words(waits)),
    };
    let mut failure = Failure::expectation(message, expected, last.seen.clone());
    failure.nearest = nearest
        .filter(|nearest| nearest.seen != last.seen)
        .map(|nearest| nearest.seen);
    failure.looks = Some(looks);
    Err(failure)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::timeline::Clock;

    const WITHIN_A_MINUTE: Timing = Timing::Eventually {
        within: Some(Duration::from_secs(60)),
    };
    const SOON: Timing = Timing::Eventually {
        within: Some(Duration::from_millis(60)),
    };

    fn timeline() -> Timeline {
        Timeline::new(Clock::start(), 0, "sandbox")
    }

    fn saw(verdict: Verdict, seen: u64) -> Result<Look, StepError> {
        Ok(Look {
            verdict,
            seen: format!("{seen} records"),
            distance: 3u64.abs_diff(seen),
        })
    }

    async fn judge(timeline: &Timeline, timing: Timing, looks: &[(Verdict, u64)]) -> Result<(), StepError> {
        let next = Cell::new(0);
        expect(timeline, timing, Duration::from_secs(60), "3 records", || {
            let (verdict, seen) = looks[next.get().min(looks.len() - 1)];
            next.set(next.get() + 1);
            async move { saw(verdict, seen) }
        })
        .await
    }

    #[tokio::test]
    async fn now_looks_once() {
        let failure = judge(&timeline(), Timing::Now, &[(Verdict::NotYet, 1), (Verdict::Held, 3)])
            .await
            .unwrap_err();
        assert_eq!((failure.looks, failure.seen.as_deref()), (Some(1), Some("1 records")));
    }

    #[tokio::test]
    async fn an_event_wakes_it_and_a_lower_bound_ends_it() {
        let timeline = timeline();
        let (seen, ringer) = (Cell::new(0), timeline.clone());
        let waiting = expect(&timeline, WITHIN_A_MINUTE, Duration::ZERO, "3 records", || {
            seen.set(seen.get() + 1);
            let seen = seen.get();
            ringer.ring();
            async move { saw(if seen == 3 { Verdict::Held } else { Verdict::NotYet }, seen) }
        });
        tokio::time::timeout(Duration::from_millis(200), waiting)
            .await
            .expect("the bell rang")
            .expect("it held");
        assert_eq!(seen.get(), 3);
    }

    #[tokio::test]
    async fn an_upper_bound_is_judged_at_the_deadline() {
        judge(&timeline(), SOON, &[(Verdict::HeldSoFar, 3)])
            .await
            .expect("it held to the end");
        let broken = judge(&timeline(), SOON, &[(Verdict::HeldSoFar, 3), (Verdict::Impossible, 4)])
            .await
            .unwrap_err();
        assert_eq!(broken.message, "it can hold no more");
        assert_eq!(broken.nearest.as_deref(), Some("3 records"));
    }

    #[tokio::test]
    async fn a_failure_tells_the_last_look_and_the_nearest() {
        let timeline = timeline();
        let failure = judge(&timeline, SOON, &[(Verdict::NotYet, 2), (Verdict::NotYet, 0)])
            .await
            .unwrap_err();
        assert_eq!(failure.message, "it did not come to hold within 60 ms");
        assert_eq!(
            (failure.seen.as_deref(), failure.nearest.as_deref()),
            (Some("0 records"), Some("2 records"))
        );
        let judged = timeline.drain();
        assert!(matches!(&judged[0].happening, Happening::Expectation { held: false, looks, .. } if *looks >= 2));
    }
}
