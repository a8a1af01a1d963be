//! Healing, before the scenario ends.

use momus_engine::failure::{Failure, StepError};
use momus_engine::injection::Injection;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::world::World;

step! {
    /// Heals the fault: it strikes no more, and what it held back passes. Of one that is not in force it is an error:
    /// one that is healed already, or is over as soon as it struck, as a kill is.
    ///
    /// The fault is named as its own sentence says (`cut between shop and billing`); all of that name are healed.
    /// When a scenario ends, every fault in force is healed by itself, the last one first.
    ///
    /// ```gherkin
    /// Given connections from billing to bank are refused
    /// When the refusal from billing to bank is healed
    /// ```
    "the {fault} is healed", BlockShape::Nothing;
    pub fn is_healed(world, fault: String; _block) {
        if heal(world, |injection| injection.fault == fault).await? > 0 {
            return Ok(());
        }
        let in_force: Vec<String> = world.injections.in_force().map(|name| format!("`{name}`")).collect();
        let failure = Failure::failed(format!("the {fault} is not in force"));
        Err(if in_force.is_empty() {
            failure.hint("no fault is in force any more")
        } else {
            failure.hint(format!("in force: {}", in_force.join(", ")))
        })
    }
}

step! {
    /// Heals every fault in force, the last one first. Where none is, it is an error. A killed service is not
    /// brought back by it, but by `SERVICE is started`.
    ///
    /// ```gherkin
    /// Given nothing passes between shop and billing
    /// And connections from billing to bank are refused
    /// When every fault is healed
    /// ```
    "every fault is healed", BlockShape::Nothing;
    pub fn every_fault_is_healed(world; _block) {
        if heal(world, |_| true).await? > 0 {
            return Ok(());
        }
        Err(Failure::failed("no fault is in force, so there is nothing to heal")
            .hint("a killed service is brought back by `… is started`"))
    }
}

/// Heals what `which` selects of what is in force, and tells how many that were.
pub(crate) async fn heal(world: &mut World, which: impl Fn(&Injection) -> bool) -> Result<usize, StepError> {
    let healed = world.injections.heal(&world.timeline, which).await;
    healed.map_err(|errors| Failure::unknown(errors.join("; ")))
}

#[cfg(test)]
mod tests {
    use crate::testbed::run;

    #[tokio::test]
    async fn one_is_healed_and_the_others_stay() {
        let ran = run("
            * nothing passes between shop and billing
            * connections from billing to bank are refused
            * shop asks billing GET '/'
            * the cut between shop and billing has struck
            * the cut between shop and billing is healed
            * billing answers shop 200
            * billing asks bank POST '/charges'
            * billing is reset by bank
        ")
        .await;
        assert_eq!(ran.told(), "passed");
    }

    #[tokio::test]
    async fn all_are_healed_the_last_one_first() {
        let ran = run("
            * billing is paused
            * shop is paused
            * every fault is healed
        ")
        .await;
        assert_eq!(ran.told(), "passed");
        assert_eq!(
            ran.sandbox.acts(),
            ["pause billing", "pause shop", "resume shop", "resume billing"]
        );
    }

    #[tokio::test]
    async fn what_is_not_in_force_cannot_be_healed() {
        for (steps, told) in [
            (
                "* billing is paused\n* billing is resumed\n* the pause of billing is healed",
                "failed: the pause of billing is not in force; hint: no fault is in force any more",
            ),
            (
                "* billing is paused\n* shop is killed\n* the kill of shop is healed",
                "failed: the kill of shop is not in force; hint: in force: `pause of billing`",
            ),
            (
                "* shop is killed\n* every fault is healed",
                "failed: no fault is in force, so there is nothing to heal; hint: a killed service is brought back by `… is started`",
            ),
        ] {
            let ran = run(steps).await;
            assert_eq!(ran.told_with_hint(), told);
        }
    }
}
