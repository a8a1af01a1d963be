//! Verdicts that rest on the mesh being quiet: watched a little longer, and taken back when it was not.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::activity::{Activity, Effect, Quiet};
use crate::failure::{Failure, StepError, in_words};
use crate::outcome::Outcome;
use crate::timeline::Timeline;

/// Watches a scenario whose verdict rests on quiet for one more `settle` of its mesh; `stopped` cuts that short.
///
/// # Errors
/// Unknown, when something happened in that time, or began and lasts; else the scenario's own failure.
pub(super) async fn quiet_lasts(
    result: Result<(), StepError>,
    timeline: &Timeline,
    stopped: impl Future<Output = ()>,
) -> Result<(), StepError> {
    let activity = timeline.activity();
    let judged = match &result {
        Ok(()) => true,
        Err(failure) => failure.outcome == Outcome::Failed,
    };
    let Some(settle) = activity.settle().filter(|_| judged && activity.rests()) else {
        return result;
    };
    tokio::select! {
        watched = lasts_for(activity, settle) => watched.and(result),
        () = stopped => still_quiet(activity).and(result),
    }
}

async fn lasts_for(activity: &Activity, settle: Duration) -> Result<(), StepError> {
    let mut changes = activity.changes();
    let until = Instant::now() + settle;
    let mut at_last = until;
    loop {
        changes.mark_unchanged();
        still_quiet(activity)?;
        // What is under way by then may be a mere look at whether there is something to do: that is soon over.
        if let Quiet::NotYet { why, at: None } = activity.quiet()
            && Instant::now() >= until
        {
            if Instant::now() >= until + settle {
                return Err(disturbed_by(activity, &why));
            }
            at_last = until + settle;
        } else if Instant::now() >= until {
            return Ok(());
        }
        drop(timeout_at(at_last, changes.changed()).await);
    }
}

/// Whether nothing has happened since a verdict that rests on quiet.
///
/// # Errors
/// Unknown, when something has.
pub(super) fn still_quiet(activity: &Activity) -> Result<(), StepError> {
    match activity.disturbed() {
        None => Ok(()),
        Some(Effect { what, .. }) => Err(disturbed_by(activity, &what)),
    }
}

fn disturbed_by(activity: &Activity, what: &str) -> StepError {
    let settle = in_words(activity.settle().unwrap_or_default());
    Failure::unknown(format!(
        "the mesh was held quiet, for nothing had happened for {settle}, and then came {what}"
    ))
    .hint("a service hides what it does for longer than its `settle` in the mesh file says: raise it")
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::timeline::Clock;

    const SETTLE: Duration = Duration::from_millis(300);

    /// A timeline on which a verdict rests.
    async fn resting() -> Timeline {
        let timeline = Timeline::new(Clock::start(), 0, "s1");
        timeline.activity().settles_in(Some(SETTLE));
        tokio::time::advance(SETTLE).await;
        assert!(timeline.activity().rests_on(&timeline.activity().quiet()));
        timeline
    }

    async fn watched(timeline: &Timeline) -> (String, Duration) {
        let began = Instant::now();
        let result = quiet_lasts(Ok(()), timeline, pending()).await;
        (
            result.err().map(|failure| failure.message).unwrap_or_default(),
            began.elapsed(),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_watched_for_one_settle_and_an_effect_in_that_time_makes_it_unknown() {
        let timeline = resting().await;
        assert_eq!(watched(&timeline).await, (String::new(), SETTLE));
        let activity = timeline.activity().clone();
        tokio::spawn(async move {
            tokio::time::sleep_until(Instant::now() + SETTLE / 3).await;
            activity.effect("shop → bank  POST /charges");
        });
        let (why, after) = watched(&timeline).await;
        let expected =
            "the mesh was held quiet, for nothing had happened for 300 ms, and then came shop → bank  POST /charges";
        assert_eq!((why.as_str(), after), (expected, SETTLE / 3));
    }

    #[tokio::test(start_paused = true)]
    async fn what_began_in_that_time_and_lasts_makes_it_unknown_and_a_look_does_not() {
        let timeline = resting().await;
        let (activity, read) = (timeline.activity().clone(), timeline.activity().begins("a read"));
        tokio::spawn(async move {
            tokio::time::sleep_until(Instant::now() + SETTLE + SETTLE / 3).await;
            drop(read);
        });
        assert_eq!(watched(&timeline).await, (String::new(), SETTLE + SETTLE / 3));
        let _transaction = activity.begins("a transaction of shop on orders-db");
        let (why, after) = watched(&timeline).await;
        assert!(
            why.ends_with("and then came a transaction of shop on orders-db (600 ms)"),
            "{why}"
        );
        assert_eq!(after, SETTLE * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_becomes_hidden_in_that_time_makes_it_unknown() {
        let timeline = resting().await;
        timeline
            .activity()
            .is_hidden("what passes between shop and bank is neither HTTP/1.1 nor HTTP/2");
        let (why, _) = watched(&timeline).await;
        assert!(
            why.ends_with("and then came what passes between shop and bank is neither HTTP/1.1 nor HTTP/2"),
            "{why}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_verdict_that_does_not_rest_on_quiet_is_not_watched() {
        let timeline = resting().await;
        timeline.activity().is_driven();
        assert_eq!(watched(&timeline).await, (String::new(), Duration::ZERO));
    }
}
