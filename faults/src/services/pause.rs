//! The pause of a service, and its end.

use momus_engine::failure::Failure;
use momus_engine::step;
use momus_engine::step::BlockShape;

use super::service;
use crate::heal::heal;

step! {
    /// Pauses the service (SIGSTOP): it does nothing, and its connections stay open. To those that it talks to it
    /// looks like a long stop of the garbage collector, or a machine that hangs.
    ///
    /// Its name is `pause of SERVICE`. It strikes at once. Healed, the service goes on where it stood; a kill or a
    /// restart ends the pause as well. Of a service that does not run, or is paused already, it is an error.
    ///
    /// ```gherkin
    /// When billing is paused
    /// And billing is resumed
    /// ```
    "{service} is paused", BlockShape::Nothing, injects: |values| name(service(values));
    pub fn is_paused(world, service: String; _block) {
        let (sandbox, fault) = (world.sandbox()?, name(&service));
        if world.injections.in_force().any(|other| other == fault) {
            return Err(Failure::failed(format!("{service} is paused already")));
        }
        sandbox.pause(&service).await?;
        world.injections.inject(&world.timeline, fault, 1, |strikes| {
            strikes.strike();
            Some(Box::new(move || {
                Box::pin(async move { sandbox.resume(&service).await.map_err(|failure| failure.message) })
            }))
        });
        Ok(())
    }
}

step! {
    /// Resumes the paused service (SIGCONT), as `the pause of SERVICE is healed` does. Of a service that is not paused
    /// it is an error.
    ///
    /// ```gherkin
    /// When billing is paused
    /// And billing is resumed
    /// ```
    "{service} is resumed", BlockShape::Nothing;
    pub fn is_resumed(world, service: String; _block) {
        let fault = name(&service);
        if heal(world, |injection| injection.fault == fault).await? == 0 {
            let failure = Failure::failed(format!("{service} is not paused"));
            return Err(failure.hint(format!("`{service} is paused` pauses it")));
        }
        Ok(())
    }
}

pub(super) fn name(service: &str) -> String {
    format!("pause of {service}")
}

#[cfg(test)]
mod tests {
    use momus_engine::outcome::Outcome;

    use crate::testbed::run;

    #[tokio::test]
    async fn a_paused_service_is_resumed_by_the_step() {
        let ran = run("
            * billing is paused
            * the pause of billing has struck
            * billing is resumed
        ")
        .await;
        assert_eq!(ran.told(), "passed");
        assert_eq!(ran.sandbox.acts(), ["pause billing", "resume billing"]);
        assert_eq!(
            ran.faults(),
            [
                "pause of billing injected",
                "pause of billing struck",
                "pause of billing healed"
            ]
        );
    }

    #[tokio::test]
    async fn a_paused_service_is_resumed_when_the_scenario_ends_passed_or_failed() {
        for (steps, outcome) in [
            ("* billing is paused", Outcome::Passed),
            ("* billing is paused\n* shop is resumed", Outcome::Failed),
        ] {
            let ran = run(steps).await;
            assert_eq!(ran.outcome, outcome);
            assert_eq!(ran.sandbox.acts(), ["pause billing", "resume billing"]);
        }
    }

    #[tokio::test]
    async fn a_service_is_paused_once_and_resumed_once() {
        for (steps, message) in [
            ("* billing is paused\n* billing is paused", "billing is paused already"),
            ("* billing is resumed", "billing is not paused"),
            ("* billing is killed\n* billing is paused", "billing does not run"),
        ] {
            assert_eq!(run(steps).await.told(), format!("failed: {message}"));
        }
    }

    #[tokio::test]
    async fn a_pause_that_cannot_be_healed_leaves_the_verdict_unknown() {
        let ran = run("
            * billing is paused
            * billing dies of itself
        ")
        .await;
        assert_eq!(
            ran.told(),
            "unknown: the pause of billing could not be healed: billing does not run"
        );
    }
}
