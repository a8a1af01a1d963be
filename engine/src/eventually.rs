//! Looking until something holds, or for as long as it must: again whenever something happened, and never longer than the
//! deadline, nor than until the mesh is quiet.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::activity::Quiet;
use crate::event::Happening;
use crate::failure::{Failure, StepError, in_words};
use crate::timeline::Timeline;
use crate::timing::Timing;

/// At the least so often is looked again, for what leaves no trace on the wire.
const AT_LEAST_EACH: Duration = Duration::from_millis(250);
/// Within so long what has come is read.
const DELIVERY: Duration = Duration::from_millis(10);
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

/// How an expectation is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// When it must hold.
    pub timing: Timing,
    /// How soon one look may follow another.
    pub pace: Pace,
    /// How long is waited where the timing does not say.
    pub deadline: Duration,
    /// Whether it ends once the mesh is quiet; else the deadline counts.
    pub early: bool,
    /// When it ends at the latest, after one look at least.
    pub ends: Option<Instant>,
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
    /// It holds now, and what may still come can break it: judged again when the mesh is quiet, or at the deadline.
    HeldSoFar,
    /// It does not hold yet.
    NotYet,
    /// It can no longer hold.
    Impossible,
}

impl Verdict {
    /// What a look at a thing says of the expectation that the timing makes of it.
    fn under(self, timing: Timing) -> Self {
        match (timing, self) {
            (Timing::Now | Timing::Eventually { .. }, verdict) => verdict,
            (Timing::Never { .. }, Verdict::Held | Verdict::HeldSoFar) => Verdict::Impossible,
            (Timing::Never { .. }, Verdict::NotYet) => Verdict::HeldSoFar,
            (Timing::Never { .. }, Verdict::Impossible) => Verdict::Held,
            (Timing::For(_), Verdict::Held | Verdict::HeldSoFar) => Verdict::HeldSoFar,
            (Timing::For(_), Verdict::NotYet | Verdict::Impossible) => Verdict::Impossible,
        }
    }
}

/// Why looking ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The last look told all.
    Judged,
    /// Its time was over.
    Deadline,
    /// The mesh was quiet before the last look and after it.
    Quiet,
}

/// Looks until the expectation is judged, and records that on the timeline.
///
/// `Timing::Now` looks once. The others look again when something happened, as soon as the pace allows, and at least each
/// 250 ms. `Eventually` ends with a verdict of `Held` or `Impossible`; `HeldSoFar` and `NotYet` are judged once the mesh is
/// quiet, else at the deadline. `Never` is the contrary of that, and `For` must hold at every look.
///
/// # Errors
/// The failed expectation, with the last observation, how many were made and what came nearest; or the first error
/// of `look` itself.
pub async fn expect<F, L>(timeline: &Timeline, patience: Patience, expected: &str, mut look: F) -> Result<(), StepError>
where
    F: FnMut() -> L,
    L: Future<Output = Result<Look, StepError>>,
{
    let Patience {
        timing,
        pace,
        deadline,
        early,
        ends,
    } = patience;
    let early = early && matches!(timing, Timing::Eventually { .. } | Timing::Never { .. });
    let began = Instant::now();
    let until = began + timing.lasts(deadline);
    let until = ends.map_or(until, |ends| until.min(ends));
    let waits = until.saturating_duration_since(began);
    let expected = match timing {
        Timing::Never { .. } => format!("never: {expected}"),
        Timing::Now | Timing::Eventually { .. } | Timing::For(_) => expected.to_owned(),
    };
    let activity = timeline.activity();
    let (mut bell, mut changes) = (timeline.bell(), activity.changes());
    let wait = timeline.wait_for(format!("{expected} (not looked at yet)"));
    let mut nearest: Option<Look> = None;
    let mut before: Option<String> = None;
    let mut pause = FIRST_PAUSE;
    let mut looks = 0;
    let (last, end) = loop {
        // Marked before the look, so that what happens during it is not missed.
        bell.mark_unchanged();
        changes.mark_unchanged();
        let (was, effects) = (activity.quiet(), activity.effects());
        let begun = Instant::now();
        let mut now = look().await?;
        now.verdict = now.verdict.under(timing);
        looks += 1;
        wait.say(format!("{expected} (seen last: {})", now.seen));
        if nearest.as_ref().is_none_or(|nearest| now.distance < nearest.distance) {
            nearest = Some(now.clone());
        }
        if matches!(now.verdict, Verdict::Held | Verdict::Impossible) {
            break (now, End::Judged);
        }
        if begun >= until {
            break (now, End::Deadline);
        }
        if early && matches!(was, Quiet::Yes { .. }) && was == activity.quiet() {
            // What came before the look may still wait to be read, in a process that was held up: now it is.
            sleep_until(Instant::now() + DELIVERY).await;
            if activity.rests_on(&was) {
                break (now, End::Quiet);
            }
        }
        // Whatever comes first: an event, an effect, quiet, the deadline, or the least that is owed to what tells nothing.
        let looked = Instant::now();
        loop {
            let quiet = match activity.quiet() {
                Quiet::NotYet { at: Some(at), .. } if early => at,
                Quiet::Yes { .. } if early => looked,
                Quiet::Yes { .. } | Quiet::NotYet { .. } | Quiet::Hidden { .. } => until,
            };
            let again = until.min(looked + AT_LEAST_EACH).min(quiet);
            tokio::select! {
                biased;
                _ = timeout_at(again, bell.changed()) => break,
                // What only delays quiet is nothing to look at.
                _ = changes.changed(), if early => if activity.effects() != effects { break },
            }
        }
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
    // Who wonders what it was waited for reads it there.
    let seen = match activity.quiet() {
        Quiet::NotYet { why, .. } if early && held && end == End::Deadline => {
            format!(
                "{} (looked until the deadline, for something was going on: {why})",
                last.seen
            )
        }
        _ => last.seen.clone(),
    };
    timeline.record(Happening::Expectation {
        expected: expected.clone(),
        seen,
        held,
        looks,
    });
    if held {
        return Ok(());
    }
    let after = in_words(began.elapsed());
    let message = match (timing, last.verdict, end) {
        (Timing::Now, ..) => "it does not hold".to_owned(),
        (Timing::Never { .. }, ..) => format!("it came to hold, after {after}"),
        (Timing::For(throughout), ..) => {
            format!("it did not hold for {}: it ceased after {after}", in_words(throughout))
        }
        (Timing::Eventually { .. }, Verdict::Impossible, _) => "it can no longer hold".to_owned(),
        (Timing::Eventually { .. }, _, End::Quiet) => {
            format!("it did not come to hold, and the mesh is quiet: nothing more comes (after {after})")
        }
        (Timing::Eventually { .. }, _, End::Judged | End::Deadline) => {
            format!("it did not come to hold within {}", in_words(waits))
        }
    };
    let mut failure = Failure::expectation(message, expected, last.seen.clone());
    failure.nearest = nearest
        .filter(|nearest| nearest.seen != last.seen && matches!(timing, Timing::Eventually { .. }))
        .map(|nearest| nearest.seen);
    // Of one look the number tells nothing.
    failure.looks = (timing != Timing::Now).then_some(looks);
    if let (Quiet::NotYet { why, .. }, Timing::Eventually { .. }, End::Deadline) = (activity.quiet(), timing, end) {
        failure.hint = Some(format!("something was going on to the last: {why}"));
    }
    Err(failure)
}

#[cfg(test)]
mod tests;
