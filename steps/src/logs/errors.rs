//! Whether any service logs an error.

use std::collections::BTreeMap;

use momus_engine::activity::Telemetry;
use momus_engine::eventually::{Look, Verdict};
use momus_engine::failure::Failure;
use momus_engine::mesh::{LogFormat, Mesh};
use momus_engine::parameter::Value;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timing::Timing;
use regex::Regex;

use super::line::Line;
use crate::selection::Subject;

/// So many errors are shown one by one.
const SHOWN: usize = 5;

step! {
    /// Expects that no service logs a line of the level error or above, from its start until the mesh is quiet.
    ///
    /// The level of a line is read in the format that the mesh file tells: `logs: ecs`, `logs: json`, or a pattern of plain
    /// lines, `logs: { plain: '(?<level>[A-Z]+) (?<message>.*)' }`. A line without a level is no error. Where not one line of
    /// any service has a level, it fails: nothing can be told then.
    ///
    /// ```gherkin
    /// When I send POST "/orders" to shop
    /// Then no service ever logs an error
    /// ```
    "no service ever logs an error", BlockShape::Nothing, check: check_formats, drives: false, telemetry: Telemetry::Logs;
    pub fn errors(world; _block) {
        let expected = "a service logs an error";
        let look = || async {
            let lines = Line::all(world);
            let errors: Vec<&Line> = lines.iter().filter(|line| line.is_error()).collect();
            Ok(Look {
                verdict: if errors.is_empty() { Verdict::NotYet } else { Verdict::Held },
                seen: match errors.is_empty() {
                    true => counted(&lines),
                    false => told(&errors),
                },
                distance: u64::from(errors.is_empty()),
            })
        };
        world.expect(Timing::Never { within: None }, expected, look).await?;
        let lines = Line::all(world);
        match lines.iter().any(|line| line.level.is_some()) {
            true => Ok(()),
            false => {
                let message = "no line of any log has a level: whether a service logs an error cannot be told";
                Err(Failure::expectation(message, format!("never: {expected}"), counted(&lines))
                    .hint("`logs: ecs` or `logs: json` in the mesh file tells how a service writes its lines"))
            }
        }
    }
}

fn told(errors: &[&Line]) -> String {
    let shown = errors.iter().take(SHOWN);
    let mut lines: Vec<String> = shown
        .map(|line| format!("{} logs {}", line.service, line.shown()))
        .collect();
    if errors.len() > SHOWN {
        lines.push(format!("… and {} more", errors.len() - SHOWN));
    }
    lines.join("\n")
}

/// How many lines each service has logged, and how many of them have a level.
fn counted(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "no service has logged anything".to_owned();
    }
    let mut services: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for line in lines {
        let (all, levelled) = services.entry(&line.service).or_default();
        *all += 1;
        *levelled += usize::from(line.level.is_some());
    }
    let told = services
        .into_iter()
        .map(|(service, (all, levelled))| format!("lines of {service}: {all}, {levelled} of them with a level"));
    told.collect::<Vec<_>>().join("\n")
}

/// Where no service tells how it writes its lines, no line has a level.
fn check_formats(mesh: &Mesh, _values: &[Value]) -> Result<(), String> {
    let told = mesh.services.values().any(|service| {
        let ships = service.dependencies().contains(&"logs");
        let by_pattern = |pattern: &Regex| pattern.capture_names().flatten().any(|name| name == "level");
        ships
            || matches!(service.logs, Some(LogFormat::Ecs | LogFormat::Json))
            || service.log_pattern.as_ref().is_some_and(by_pattern)
    });
    if told {
        return Ok(());
    }
    Err("no service of the mesh tells the level of its log lines; hint: `logs: ecs` or `logs: json` in the mesh file says how a service writes them".into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use momus_engine::mesh::Mesh;
    use momus_engine::step::Block;

    use crate::logs::testing::{line, logs};
    use crate::testing::{Scenario, steady};

    const SENTENCE: &str = "no service ever logs an error";

    fn scenario() -> Scenario {
        let scenario = Scenario::begin();
        let activity = scenario.world.timeline.activity();
        activity.settles_in(Some(Duration::from_millis(1)));
        scenario
    }

    #[tokio::test]
    async fn lines_of_other_levels_and_of_none_are_no_errors() {
        let mut scenario = scenario();
        logs(&scenario, "shop", "ERROR in plain text");
        logs(&scenario, "shop", &line("info", "an error was coped with"));
        scenario.passes(SENTENCE, Block::Nothing).await;
        assert!(scenario.world.timeline.activity().rests());
    }

    #[tokio::test]
    async fn an_error_is_told_and_so_is_that_nothing_can_be_told() {
        let mut scenario = scenario();
        let mut all = vec![scenario.fails(SENTENCE, Block::Nothing).await];
        logs(&scenario, "shop", "ERROR in plain text");
        logs(&scenario, "billing", "started");
        all.push(scenario.fails(SENTENCE, Block::Nothing).await);
        logs(&scenario, "billing", &line("fatal", "no bank"));
        for number in 1..=5 {
            logs(&scenario, "shop", &line("error", &format!("order {number} lost")));
        }
        all.push(scenario.fails(SENTENCE, Block::Nothing).await);
        insta::assert_snapshot!(steady(&all.join("\n\n")), @r"
        Failed: no line of any log has a level: whether a service logs an error cannot be told
        expected:
          never: a service logs an error
        seen:
          no service has logged anything
        hint: `logs: ecs` or `logs: json` in the mesh file tells how a service writes its lines

        Failed: no line of any log has a level: whether a service logs an error cannot be told
        expected:
          never: a service logs an error
        seen:
          lines of billing: 1, 0 of them with a level
          lines of shop: 1, 0 of them with a level
        hint: `logs: ecs` or `logs: json` in the mesh file tells how a service writes its lines

        Failed: it came to hold, after TIME
        expected:
          never: a service logs an error
        seen:
          billing logs fatal: no bank
          shop logs error: order 1 lost
          shop logs error: order 2 lost
          shop logs error: order 3 lost
          shop logs error: order 4 lost
          … and 1 more
        ");
    }

    #[tokio::test]
    async fn an_error_that_comes_later_is_waited_for() {
        let mut scenario = Scenario::begin();
        logs(&scenario, "shop", &line("info", "started"));
        let timeline = scenario.world.timeline.clone();
        let later = momus_engine::event::Happening::Log {
            service: "shop".into(),
            level: Some("error".into()),
            message: "no bank".into(),
            document: None,
        };
        let comes = async {
            while !timeline
                .open_waits()
                .iter()
                .any(|wait| wait.contains("lines of shop: 1"))
            {
                tokio::task::yield_now().await;
            }
            timeline.record(later);
        };
        let (failure, ()) = tokio::join!(scenario.fails(SENTENCE, Block::Nothing), comes);
        assert!(failure.starts_with("Failed: it came to hold, after "), "{failure}");
    }

    #[test]
    fn a_mesh_whose_logs_have_no_levels_is_told_while_planning() {
        let check = |service: &str| {
            let mesh = format!("mesh: m\nservices: {{shop: {{command: [shop], {service}}}}}\n");
            let mesh = Mesh::parse(&mesh, Path::new("/m/mesh.yaml")).expect("it is well formed");
            super::check_formats(&mesh, &[])
        };
        assert_eq!(check("logs: json"), Ok(()));
        assert_eq!(check("logs: {plain: '^(?<level>[A-Z]+) (?<message>.*)'}"), Ok(()));
        assert_eq!(check("environment: {STORE: '${edge.logs.url}'}"), Ok(()));
        insta::assert_snapshot!(check("logs: plain").unwrap_err(), @"no service of the mesh tells the level of its log lines; hint: `logs: ecs` or `logs: json` in the mesh file says how a service writes them");
    }
}
