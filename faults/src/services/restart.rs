//! The restart of a service.

use momus_engine::step;
use momus_engine::step::BlockShape;

use super::pause;

step! {
    /// Restarts the service as a rollout does: SIGTERM, its exit (SIGKILL after its `stop_grace_period`), its start,
    /// and it is ready again. Of a service that does not run it is an error.
    ///
    /// ```gherkin
    /// When billing is restarted
    /// ```
    "{service} is restarted", BlockShape::Nothing;
    pub fn is_restarted(world, service: String; _block) {
        world.sandbox()?.restart(&service).await?;
        world.injections.end(&world.timeline, &pause::name(&service));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::testbed::run;

    #[tokio::test]
    async fn a_service_is_restarted_also_a_paused_one() {
        let ran = run("* billing is restarted\n* billing is paused\n* billing is restarted").await;
        assert_eq!(ran.told(), "passed");
        assert_eq!(
            ran.sandbox.acts(),
            ["restart billing", "pause billing", "restart billing"]
        );
    }

    #[tokio::test]
    async fn one_that_does_not_run_is_not() {
        let ran = run("* billing is killed\n* billing is restarted").await;
        assert_eq!(ran.told(), "failed: billing does not run");
    }
}
