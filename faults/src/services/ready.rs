//! The readiness of a service.

use momus_engine::event::Happening;
use momus_engine::failure::{Failure, in_words};
use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timing::{Timing, TimingKind};
use tokio::time::{Instant, sleep_until};

step! {
    /// Waits until the service is ready: its healthcheck passes, and it holds every partition that it consumes. It
    /// takes `eventually`, `within …` or both; when the service exits before, the step fails at once.
    ///
    /// ```gherkin
    /// When billing is killed
    /// And billing is started
    /// Then billing is ready within 10 seconds
    /// ```
    "{service} is {eventually}ready{within}", BlockShape::Nothing, check: says_how_long,
    timings: &[TimingKind::Now, TimingKind::Eventually];
    pub fn is_ready(world, service: String, timing: Timing; _block) {
        let limit = timing.lasts(world.deadline);
        let (sandbox, expected) = (world.sandbox()?, format!("{service} is ready"));
        let until = Instant::now() + limit;
        let ready = sandbox.ready(&service);
        tokio::pin!(ready);
        let judged = |held: bool, seen: &str| Happening::Expectation {
            expected: expected.clone(),
            seen: seen.to_owned(),
            held,
            looks: 1,
        };
        tokio::select! {
            biased;
            ready = &mut ready => {
                let seen = ready.as_ref().map_or_else(|failure| failure.message.as_str(), |()| "it is ready");
                world.timeline.record(judged(ready.is_ok(), seen));
                ready
            }
            () = sleep_until(until) => {
                // What the sandbox still waits for, in its own words.
                let seen = format!("still waiting for {}", world.timeline.open_waits().join("; and for "));
                world.timeline.record(judged(false, &seen));
                Err(Failure::expectation(format!("it was not ready within {}", in_words(limit)), &expected, seen))
            }
        }
    }
}

fn says_how_long(_mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    match values {
        [Value::Name { name, .. }, Value::Timing(Timing::Now)] => Err(format!(
            "becoming ready takes time, and this step gives it none; hint: `{name} is ready within 10 seconds`, \
             or `{name} is eventually ready`"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::testbed::{plan, run};

    #[tokio::test]
    async fn a_started_service_becomes_ready() {
        for ready in [
            "eventually ready",
            "ready within 10 seconds",
            "eventually ready within 10 s",
        ] {
            let ran = run(&format!(
                "* billing is killed\n* billing is started\n* billing is {ready}"
            ))
            .await;
            assert_eq!(ran.told(), "passed", "{ready}");
            assert_eq!(ran.sandbox.acts().last().map(String::as_str), Some("await billing"));
        }
    }

    #[tokio::test]
    async fn one_that_is_not_ready_in_time_fails_with_what_it_lacks() {
        let ran = run("* billing is paused\n* billing is ready within 50 ms").await;
        assert_eq!(
            ran.told(),
            "failed: it was not ready within 50 ms; seen: still waiting for billing to become ready: no answer"
        );
        assert_eq!(
            ran.expectations(),
            ["billing is ready: still waiting for billing to become ready: no answer (false)"]
        );
    }

    #[tokio::test]
    async fn one_that_exited_fails_at_once() {
        let ran = run("* billing is killed\n* billing is ready within 10 minutes").await;
        assert_eq!(ran.told(), "failed: billing exited before it was ready");
    }

    #[test]
    fn it_says_how_long_it_waits() {
        assert_eq!(
            plan("* billing is ready"),
            [
                "becoming ready takes time, and this step gives it none; hint: `billing is ready within 10 seconds`, \
              or `billing is eventually ready`"
            ]
        );
    }
}
