//! Whether a service logs a text.

use momus_engine::activity::Telemetry;
use momus_engine::eventually::{Look, Verdict};
use momus_engine::failure::Failure;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timing::Timing;

use super::line::Line;
use crate::selection::Subject;

/// So many of the lines are shown that came last.
const SHOWN: usize = 3;

step! {
    /// Expects a line with this text in it among those that a service has logged since the scenario began, its start
    /// included: in its message, or in the name or value of a field.
    ///
    /// Where the service logged nothing at all, what it never logs cannot be told, and `never` fails.
    ///
    /// ```gherkin
    /// When I send POST "/orders" to shop
    ///   | $.card | 4111222233334444 |
    /// Then billing eventually logs "charged" within 5 seconds
    /// And billing never logs "4111222233334444"
    /// ```
    "{service} {eventually}logs {text}{within}", BlockShape::Nothing, telemetry: Telemetry::Logs;
    pub fn text(world, service: String, timing: Timing, text: String; _block) {
        let text = world.text(&text)?;
        let expected = format!("{service} logs \"{text}\"");
        let look = || async {
            let lines = Line::of(world, &service);
            let found = lines.iter().find(|line| line.tells(&text));
            Ok(Look {
                verdict: if found.is_some() { Verdict::Held } else { Verdict::NotYet },
                seen: match found {
                    Some(line) => format!("{service} logs {}", line.shown()),
                    None => others(&service, &lines),
                },
                distance: u64::from(found.is_none()),
            })
        };
        world.expect(timing, &expected, look).await?;
        match Line::of(world, &service).is_empty() {
            false => Ok(()),
            true => {
                let message = format!("{service} logged nothing: what it never logs cannot be told");
                Err(Failure::expectation(message, format!("never: {expected}"), others(&service, &[])))
            }
        }
    }
}

fn others(service: &str, lines: &[Line]) -> String {
    if lines.is_empty() {
        return format!("lines in the log of {service}: none at all");
    }
    let last = lines.iter().skip(lines.len().saturating_sub(SHOWN));
    let last = last.map(|line| format!("\n  {}", line.shown())).collect::<String>();
    format!(
        "lines in the log of {service}: {} without it, the last of them{last}",
        lines.len()
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use momus_engine::step::Block;

    use crate::logs::testing::{line, logs};
    use crate::testing::{Scenario, steady};

    #[tokio::test]
    async fn a_text_is_found_wherever_it_stands() {
        let mut scenario = Scenario::begin();
        scenario
            .world
            .timeline
            .activity()
            .settles_in(Some(Duration::from_millis(1)));
        logs(&scenario, "shop", &line("info", "order 7 placed"));
        logs(&scenario, "shop", "Traceback");
        for text in [
            r#"shop logs "order 7""#,
            r#"shop eventually logs "Trace""#,
            r#"shop logs "shop.till""#,
            r#"shop logs "7""#,
            r#"shop never logs "order 8""#,
        ] {
            scenario.passes(text, Block::Nothing).await;
        }
    }

    #[tokio::test]
    async fn a_text_that_is_missing_or_too_much_is_told() {
        let mut scenario = Scenario::begin();
        scenario
            .world
            .timeline
            .activity()
            .settles_in(Some(Duration::from_millis(1)));
        let mut all = Vec::new();
        all.push(scenario.fails(r#"shop never logs "card""#, Block::Nothing).await);
        for number in 1..=4 {
            logs(&scenario, "shop", &line("info", &format!("order {number}")));
        }
        all.push(
            scenario
                .fails(r#"shop eventually logs "order 5""#, Block::Nothing)
                .await,
        );
        all.push(scenario.fails(r#"shop never logs "order 2""#, Block::Nothing).await);
        insta::assert_snapshot!(steady(&all.join("\n\n")), @r#"
        Failed: shop logged nothing: what it never logs cannot be told
        expected:
          never: shop logs "card"
        seen:
          lines in the log of shop: none at all

        Failed: it did not come to hold, and the mesh is quiet: nothing more comes (after TIME)
        expected:
          shop logs "order 5"
        seen:
          lines in the log of shop: 4 without it, the last of them
            info: order 2
            info: order 3
            info: order 4

        Failed: it came to hold, after TIME
        expected:
          never: shop logs "order 2"
        seen:
          shop logs info: order 2
        "#);
    }
}
