//! How many lines of a kind a service logs.

use momus_engine::activity::Telemetry;
use momus_engine::count::Count;
use momus_engine::step;
use momus_engine::step::{Block, BlockError, BlockShape};
use momus_engine::timing::Timing;

use super::line::Line;
use crate::counted::{Counted, Lasting};
use crate::selection::{Parts, Places, Selection, check};

const LINE: Places = Places {
    of: "a line of a log",
    json: true,
    headers: false,
    query: false,
    parts: Parts::Fields(&["level", "message", "logger"]),
};

step! {
    /// Counts the lines that a service has logged since the scenario began, its start included, those that the table selects:
    /// `level` (`trace`, `debug`, `info`, `warn`, `error`, `fatal`), `message`, `logger`, `$…` places of a line that is JSON,
    /// and its fields by their dotted names (`trace.id`), be they written with dots or nested.
    ///
    /// Lines are read in the format that the mesh file tells: `logs: ecs`, `logs: json`, `logs: plain`, or a pattern of plain
    /// lines, whose groups are their fields: `logs: { plain: '(?<level>[A-Z]+) (?<message>.*)' }`. A line without a format, or
    /// one that is not in it, is its own `message`, and has nothing else: `#regex` and `#contains` select such.
    ///
    /// ```gherkin
    /// When I send POST "/orders" to shop
    /// Then billing eventually logs exactly 1 line
    ///   | level      | info               |
    ///   | message    | #regex invoice .*  |
    ///   | event.kind | event              |
    ///   | $.order.id | o-1                |
    /// ```
    "{service} {eventually}logs {count} line(s){only}{within}", BlockShape::Optional(check_line),
    telemetry: Telemetry::Logs;
    pub fn lines(world, service: String, timing: Timing, count: Count, only: bool; block) {
        let selection = Selection::read(world, &block)?;
        let counted = Counted {
            what: &format!("lines in the log of {service}"),
            count,
            only,
            lasting: Lasting::Grows,
            selection: &selection,
        };
        counted.expect(world, timing, || async { Ok(Line::of(world, &service)) }).await
    }
}

fn check_line(block: &Block) -> Result<(), BlockError> {
    check(&LINE, block)
}

#[cfg(test)]
mod tests {
    use momus_engine::step::Block;

    use crate::logs::testing::{line, logs};
    use crate::testing::{Scenario, plan, table};

    #[tokio::test]
    async fn lines_are_selected_by_every_place_that_they_have() {
        let mut scenario = Scenario::begin();
        logs(&scenario, "shop", &line("info", "order 7 placed"));
        logs(&scenario, "shop", &line("warn", "no bank"));
        logs(&scenario, "shop", "Traceback (most recent call last):");
        logs(&scenario, "billing", &line("info", "order 7 placed"));
        for (text, rows) in [
            ("shop logs exactly 3 lines", &[][..]),
            (
                "shop logs exactly 1 line",
                &[["level", "info"], ["message", "order 7 placed"]],
            ),
            (
                "shop eventually logs a line",
                &[["message", "#contains Traceback"], ["level", "#absent"]],
            ),
            (
                "shop logs exactly 2 lines",
                &[["logger", "shop.till"], ["log.logger", "shop.till"]],
            ),
            (
                "shop logs exactly 2 lines",
                &[["order.id", "7"], ["$.order.id", "7"], ["$['log.level']", "#string"]],
            ),
            ("billing logs exactly 1 line, and no other", &[["level", "info"]]),
            ("shop logs no lines", &[["level", "error"]]),
        ] {
            let block = if rows.is_empty() { Block::Nothing } else { table(rows) };
            scenario.passes(text, block).await;
        }
    }

    #[tokio::test]
    async fn what_is_not_logged_is_told_with_what_comes_nearest() {
        let mut scenario = Scenario::begin();
        let text = "billing logs exactly 1 line";
        let rows = || table(&[["level", "error"], ["order.id", "\"7\""], ["$.error", "#present"]]);
        let mut all = vec![scenario.fails(text, rows()).await];
        logs(&scenario, "billing", "panic");
        all.push(scenario.fails(text, rows()).await);
        logs(&scenario, "billing", &line("warn", "no bank"));
        all.push(scenario.fails(text, rows()).await);
        logs(&scenario, "billing", &line("warn", "no bank"));
        all.push(
            scenario
                .fails("billing eventually logs 1 line", table(&[["level", "warn"]]))
                .await,
        );
        insta::assert_snapshot!(all.join("\n\n"), @r#"
        Failed: it does not hold
        expected:
          lines in the log of billing: exactly 1
            level: "error"
            order.id: "7"
            $.error: #present
        seen:
          lines in the log of billing: none at all

        Failed: it does not hold
        expected:
          lines in the log of billing: exactly 1
            level: "error"
            order.id: "7"
            $.error: #present
        seen:
          lines in the log of billing: 0, and 1 other
          the nearest other: panic
            level: expected "error", was absent: this line is not JSON
            order.id: expected "7", was absent: this line is not JSON
            $.error: expected #present, was absent: this line is not JSON

        Failed: it does not hold
        expected:
          lines in the log of billing: exactly 1
            level: "error"
            order.id: "7"
            $.error: #present
        seen:
          lines in the log of billing: 0, and 2 other
          the nearest other: warn: no bank
            level: expected "error", was "warn"
            order.id: expected the text "7", was the number 7
            $.error: expected #present, was absent

        Failed: it can no longer hold
        expected:
          lines in the log of billing: exactly 1
            level: "warn"
        seen:
          lines in the log of billing: 2, and 1 other
            warn: no bank
            warn: no bank
        "#);
    }

    #[test]
    fn what_no_line_has_is_told_while_planning() {
        let errors = plan(
            "    * shop logs a line
      | levle | error |
    * bank logs a line",
        );
        insta::assert_snapshot!(errors.unwrap_err(), @r"
        4:9 | | levle | error |
        a line of a log has no place `levle`
        hint: did you mean `level`?
        5:7 | * bank logs a line
        `bank` is a partner, and here stands a service
        ");
    }
}
