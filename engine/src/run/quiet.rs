//! Verdicts that rest on the mesh being quiet: watched a little longer, and taken back when it was not.

use std::future::Future;

use crate::activity::{Activity, Effect};
use crate::failure::{Failure, StepError, in_words};
use crate::outcome::Outcome;
use crate::timeline::Timeline;

/// Watches a scenario whose verdict rests on quiet for one more `settle` of its mesh; `stopped` cuts that short.
///
/// # Errors
/// Unknown, when something happened in that time; else the scenario's own failure.
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
    let until = tokio::time::Instant::now() + settle;
    let mut changes = activity.changes();
    let disturbed = async { while activity.disturbed().is_none() && changes.changed().await.is_ok() {} };
    tokio::select! {
        () = disturbed => {}
        () = tokio::time::sleep_until(until) => {}
        () = stopped => {}
    }
    still_quiet(activity).and(result)
}

/// Whether nothing has happened since a verdict that rests on quiet.
///
/// # Errors
/// Unknown, when something has.
pub(super) fn still_quiet(activity: &Activity) -> Result<(), StepError> {
    match activity.disturbed() {
        None => Ok(()),
        Some(Effect { what, .. }) => {
            let settle = in_words(activity.settle().unwrap_or_default());
            Err(Failure::unknown(format!(
                "the mesh was held quiet, for nothing had happened for {settle}, and then came {what}"
            ))
            .hint("a service hides what it does for longer than its `settle` in the mesh file says: raise it"))
        }
    }
}
