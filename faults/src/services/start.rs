//! The start of a service.

use momus_engine::step;
use momus_engine::step::BlockShape;

step! {
    /// Starts the service that was killed, and goes on at once: `SERVICE is ready within …` waits for it. Of a service
    /// that runs it is an error.
    ///
    /// ```gherkin
    /// When billing is killed
    /// And billing is started
    /// Then billing is ready within 10 seconds
    /// ```
    "{service} is started", BlockShape::Nothing;
    pub fn is_started(world, service: String; _block) {
        world.sandbox()?.start(&service).await
    }
}

#[cfg(test)]
mod tests {
    use crate::testbed::run;

    #[tokio::test]
    async fn a_killed_service_is_started() {
        let ran = run("* billing is killed\n* billing is started").await;
        assert_eq!(ran.told(), "passed");
        assert_eq!(ran.sandbox.acts(), ["kill billing", "start billing"]);
    }

    #[tokio::test]
    async fn one_that_runs_is_not() {
        let ran = run("* billing is started").await;
        assert_eq!(ran.told(), "failed: billing runs already");
    }
}
