//! Looking until something holds: again whenever something happened, and never longer than the deadline.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::event::Happening;
use crate::failure::{Failure, StepError, in_words};
use crate::timeline::Timeline;
use crate::timing::Timing;

/// At the least so often is looked again, for what leaves no trace on the wire.
const AT_LEAST_EACH: Duration = Duration::from_millis(250);
/// The first pause between two looks that the services notice.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// How soon one look may follow another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As soon as something happened: no service notices the look.
    Prompt,
    /// A service is asked, and what it does about that happens as well: a log line, a metric, a call of its own. So
    /// each look that sees what the look before it saw makes the pause before the next one twice as long, from 10 ms
    /// up to 250 ms.
    Patient,
}

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
/// `Timing::Now` looks once. `Timing::Eventually` looks again when something happened, as soon as the pace allows, and
/// at least each 250 ms: a verdict of `Held` or `Impossible` ends it, `HeldSoFar` must still hold at the deadline.
///
/// # Errors
/// The failed expectation, with the last observation, how many were made and what came nearest; or the first error
/// of `look` itself.
pub async fn expect<F, L>(
    timeline: &Timeline,
    (timing, pace): (Timing, Pace),
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
    let mut before: Option<String> = None;
    let mut pause = FIRST_PAUSE;
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
        let looked = Instant::now();
        drop(timeout_at(until.min(looked + AT_LEAST_EACH), bell.changed()).await);
        if pace == Pace::Patient {
            let sees_the_same = before.is_some_and(|before| before == now.seen);
            pause = if sees_the_same {
                AT_LEAST_EACH.min(pause * 2)
            } else {
                FIRST_PAUSE
            };
            sleep_until(until.min(looked + pause)).await;
            before = Some(now.seen);
        }
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
    // Of one look the number tells nothing.
    failure.looks = matches!(timing, Timing::Eventually { .. }).then_some(looks);
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
        let look = || {
            let (verdict, seen) = looks[next.get().min(looks.len() - 1)];
            next.set(next.get() + 1);
            async move { saw(verdict, seen) }
        };
        expect(
            timeline,
            (timing, Pace::Prompt),
            Duration::from_secs(60),
            "3 records",
            look,
        )
        .await
    }

    #[tokio::test]
    async fn now_looks_once() {
        let failure = judge(&timeline(), Timing::Now, &[(Verdict::NotYet, 1), (Verdict::Held, 3)])
            .await
            .unwrap_err();
        assert_eq!((failure.looks, failure.seen.as_deref()), (None, Some("1 records")));
    }

    #[tokio::test]
    async fn an_event_wakes_it_and_a_lower_bound_ends_it() {
        let timeline = timeline();
        let (seen, ringer) = (Cell::new(0), timeline.clone());
        let prompt = (WITHIN_A_MINUTE, Pace::Prompt);
        let waiting = expect(&timeline, prompt, Duration::ZERO, "3 records", || {
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
    #[tokio::test]
    async fn what_the_test_client_does_wakes_nobody() {
        let timeline = timeline();
        let mut bell = timeline.bell();
        let request = |caller: &str| Happening::Request {
            exchange: 1,
            caller: caller.into(),
            dependency: "shop".into(),
            method: "GET".into(),
            path: "/orders".into(),
        };
        timeline.record(request("client"));
        assert!(!bell.has_changed().expect("the timeline is there"));
        timeline.record(request("billing"));
        assert!(bell.has_changed().expect("the timeline is there"));
        bell.mark_unchanged();
        assert_eq!(timeline.snapshot().len(), 2);
    }

    /// How many looks are made within half a second of which each makes something happen.
    async fn looks(pace: Pace, see: impl Fn(u64) -> u64) -> u64 {
        let (timeline, looks) = (timeline(), Cell::new(0));
        let within = Some(Duration::from_millis(500));
        let look = || {
            looks.set(looks.get() + 1);
            timeline.ring();
            let seen = see(looks.get());
            async move { saw(Verdict::NotYet, seen) }
        };
        let waiting = expect(
            &timeline,
            (Timing::Eventually { within }, pace),
            Duration::ZERO,
            "3 records",
            look,
        );
        waiting.await.expect_err("it never holds");
        looks.get()
    }

    #[tokio::test]
    async fn looks_that_services_notice_come_less_often_while_nothing_changes() {
        // After 10, 20, 40, 80, 160 and 250 ms at the soonest; the last pause is cut short by the deadline.
        let unchanged = looks(Pace::Patient, |_| 0).await;
        assert!(unchanged <= 7, "{unchanged}");
        // Each 10 ms, on a machine with time to spare.
        let changing = looks(Pace::Patient, |look| look).await;
        assert!((10..=51).contains(&changing), "{changing}");
    }
}
