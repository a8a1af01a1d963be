//! Waiting until a fault has struck.

use momus_engine::eventually::{Look, Verdict};
use momus_engine::failure::Failure;
use momus_engine::injection::Injections;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timing::{Timing, TimingKind};

step! {
    /// Waits until the fault has struck, the run's deadline or `within …` at the longest: one that is there for the
    /// first 2 requests has struck when it met both. Without this step, a scenario may end before the fault met
    /// anything, and fails for that.
    ///
    /// The fault is named as its own sentence says (`cut between shop and billing`, `kill of billing`); of several
    /// with one name, all must have struck.
    ///
    /// ```gherkin
    /// Given nothing passes between shop and kafka
    /// When I send POST "/orders" to shop
    /// Then the cut between shop and kafka has struck within 5 seconds
    /// ```
    "the {fault} has struck{within}", BlockShape::Nothing, timings: &[TimingKind::Now, TimingKind::Eventually];
    pub fn has_struck(world, fault: String, timing: Timing; _block) {
        let timing = match timing {
            Timing::Now => Timing::Eventually { within: None },
            within => within,
        };
        if world.injections.named(&fault).next().is_none() {
            return Err(Failure::failed(format!("no step before this one injected the {fault}")));
        }
        let expected = format!("the {fault} has struck");
        let injections = &world.injections;
        world.expect(timing, &expected, || std::future::ready(Ok(look(injections, &fault)))).await
    }
}

/// How far the faults of that name have come.
fn look(injections: &Injections, fault: &str) -> Look {
    let (mut struck, mut wanted, mut missing, mut over) = (0, 0, 0, false);
    for injection in injections.named(fault) {
        let (count, least) = (injection.strikes.count(), injection.at_least.max(1));
        let lacks = least.saturating_sub(count);
        struck += count;
        wanted += least;
        missing += lacks;
        over |= lacks > 0 && injection.heal.is_none();
    }
    let verdict = match (missing, over) {
        (0, _) => Verdict::Held,
        (_, true) => Verdict::Impossible,
        (_, false) => Verdict::NotYet,
    };
    let seen = match struck {
        0 => "it struck nothing".to_owned(),
        1 if missing == 0 => "it struck once".to_owned(),
        _ if missing == 0 => format!("it struck {struck} times"),
        _ => format!("it struck {struck} of {wanted} times"),
    };
    Look {
        verdict,
        seen: if over { format!("{seen}, and is healed") } else { seen },
        distance: missing,
    }
}

#[cfg(test)]
mod tests {
    use crate::testbed::{plan, run};

    #[tokio::test]
    async fn it_waits_until_the_fault_has_struck() {
        let ran = run("
            * nothing passes between shop and billing
            * shop will ask billing GET '/'
            * the cut between shop and billing has struck
        ")
        .await;
        assert_eq!(ran.told(), "passed");
        assert_eq!(
            ran.expectations(),
            ["the cut between shop and billing has struck: it struck once (true)"]
        );
    }

    #[tokio::test]
    async fn a_fault_that_meets_nothing_fails_it() {
        let ran = run("
            * nothing passes between shop and billing
            * the cut between shop and billing has struck within 50 ms
        ")
        .await;
        assert_eq!(
            ran.told(),
            "failed: it did not come to hold within 50 ms; seen: it struck nothing"
        );
    }

    #[tokio::test]
    async fn a_healed_fault_can_strike_no_more() {
        let ran = run("
            * nothing passes between shop and billing
            * every fault is healed
            * shop asks billing GET '/'
            * the cut between shop and billing has struck within 10 minutes
        ")
        .await;
        assert_eq!(
            ran.told(),
            "failed: it can no longer hold; seen: it struck nothing, and is healed"
        );
    }

    #[tokio::test]
    async fn of_several_with_one_name_all_must_have_struck() {
        let ran = run("
            * the first POST '/charges' from billing to bank is answered 503
            * the first GET '/charges' from billing to bank is answered 503
            * billing asks bank POST '/charges'
            * the answer 503 from billing to bank has struck within 50 ms
        ")
        .await;
        assert_eq!(
            ran.told(),
            "failed: it did not come to hold within 50 ms; seen: it struck 1 of 2 times"
        );
    }

    #[test]
    fn a_fault_that_no_step_injects_is_told_while_planning() {
        assert_eq!(
            plan("* nothing passes between shop and billing\n* the cut between shop and biling has struck"),
            ["no step before this one injects the cut between shop and biling; \
              hint: did you mean `cut between shop and billing`?"]
        );
        assert_eq!(
            plan("* billing is killed\n* billing is paused\n* the flood is healed"),
            ["no step before this one injects the flood; \
              hint: the steps before it inject `kill of billing`, `pause of billing`"]
        );
    }
}
