//! The kill of a service.

use momus_engine::step;
use momus_engine::step::BlockShape;

use super::{pause, service};

step! {
    /// Kills the service and every process that it started (SIGKILL): nothing that it holds is flushed, nobody is
    /// told. Its callers find nobody listening.
    ///
    /// Its name is `kill of SERVICE`. It strikes at once, and nothing heals it: the service stays dead until it is
    /// started. Of a service that does not run it is an error.
    ///
    /// ```gherkin
    /// When billing is killed
    /// And billing is started
    /// Then billing is ready within 10 seconds
    /// ```
    "{service} is killed", BlockShape::Nothing, injects: |values| name(service(values));
    pub fn is_killed(world, service: String; _block) {
        world.sandbox()?.kill(&service).await?;
        world.injections.end(&world.timeline, &pause::name(&service));
        world.injections.inject(&world.timeline, name(&service), 1, |strikes| {
            strikes.strike();
            None
        });
        Ok(())
    }
}

fn name(service: &str) -> String {
    format!("kill of {service}")
}

#[cfg(test)]
mod tests {
    use crate::testbed::run;

    #[tokio::test]
    async fn it_strikes_at_once_and_the_service_stays_dead() {
        let ran = run("
            * billing is killed
            * the kill of billing has struck
        ")
        .await;
        assert_eq!(ran.told(), "passed");
        assert_eq!(ran.faults(), ["kill of billing injected", "kill of billing struck"]);
        assert_eq!(ran.sandbox.acts(), ["kill billing"]);
    }

    #[tokio::test]
    async fn it_can_be_killed_again_once_it_was_started() {
        let ran = run("
            * billing is killed
            * billing is started
            * billing is killed
        ")
        .await;
        assert_eq!(ran.told(), "passed");
        assert_eq!(ran.sandbox.acts(), ["kill billing", "start billing", "kill billing"]);
    }

    #[tokio::test]
    async fn of_a_service_that_does_not_run_it_is_an_error() {
        let ran = run("
            * billing is killed
            * billing is killed
        ")
        .await;
        assert_eq!(ran.told(), "failed: billing does not run");
        assert_eq!(ran.faults().len(), 2, "{:?}", ran.faults());
    }

    #[tokio::test]
    async fn the_kill_of_a_paused_service_ends_its_pause() {
        let ran = run("
            * billing is paused
            * billing is killed
        ")
        .await;
        assert_eq!(ran.told(), "passed");
        assert_eq!(ran.sandbox.acts(), ["pause billing", "kill billing"]);
        assert!(
            ran.faults().contains(&"pause of billing healed".to_owned()),
            "{:?}",
            ran.faults()
        );
    }
}
