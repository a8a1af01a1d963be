//! The values that were sent of a metric, one by one.

use momus_engine::count::Count;
use momus_engine::step;
use momus_engine::step::{Block, BlockError, BlockShape};
use momus_engine::timeline::Timeline;
use momus_engine::timing::Timing;
use serde_json::Value as Json;

use super::check_agent;
use super::sent::Sent;
use super::source::Source;
use crate::counted::{Counted, Lasting};
use crate::selection::{Parts, Place, Places, Selection, Subject, Typing, check};

const VALUE: Places = Places {
    of: "a value of a metric",
    json: false,
    headers: false,
    query: false,
    parts: Parts::Tagged(&["value", "service"]),
};

step! {
    /// Counts the values that were sent of a metric since the scenario began, the start of its services included, those
    /// that the table selects: `value`, `tag NAME`, and `service`, which sent it. It is for timings (in milliseconds),
    /// histograms, distributions and sets, and for the values that a gauge or a counter has been sent with.
    ///
    /// The members of a set are texts, and each counts once for each service and its tags. Every other value counts as often
    /// as it was sent, whatever its sample rate.
    ///
    /// ```gherkin
    /// When I send 5 POST "/orders" to shop
    /// Then metric orders.took eventually has exactly 5 values, and no other
    ///   | value        | #number 0..200 |
    ///   | tag currency | EUR            |
    /// ```
    "metric {metric} {eventually}has {count} value(s){only}{within}", BlockShape::Optional(check_value),
    check: check_agent, telemetry: momus_engine::activity::Telemetry::Metrics;
    pub fn has(world, metric: String, timing: Timing, count: Count, only: bool; block) {
        let selection = Selection::read(world, &block)?;
        let counted = Counted {
            what: &format!("values of metric {metric}"),
            count,
            only,
            lasting: Lasting::Grows,
            selection: &selection,
        };
        counted.expect(world, timing, || async { Ok(Value::all(&world.timeline, &metric)) }).await
    }
}

fn check_value(block: &Block) -> Result<(), BlockError> {
    check(&VALUE, block)
}

/// A value of a metric.
#[derive(Debug, PartialEq)]
struct Value {
    source: Source,
    value: Json,
}

impl Value {
    fn all(timeline: &Timeline, metric: &str) -> Vec<Self> {
        let mut all = Vec::new();
        for sent in Sent::all(timeline, metric) {
            let of = |value| Self {
                source: sent.source.clone(),
                value,
            };
            if sent.kind == "s" {
                let member = of(sent.value.clone().into());
                if !all.contains(&member) {
                    all.push(member);
                }
            } else {
                all.extend(sent.numbers().map(|number| of(json(number))));
            }
        }
        all
    }
}

/// A number without a fraction is a whole one.
fn json(number: f64) -> Json {
    let whole = number as i64;
    if whole as f64 == number {
        whole.into()
    } else {
        number.into()
    }
}

impl Subject for Value {
    fn read(&self, place: &Place) -> Vec<Json> {
        match place {
            Place::Part(part) if part == "value" => vec![self.value.clone()],
            place => self.source.read(place),
        }
    }

    fn shown(&self) -> String {
        format!("{}: {}", self.value, self.source)
    }

    fn typing(&self, place: &Place) -> Typing {
        match place {
            Place::Part(part) if part == "value" && self.value.is_number() => Typing::Number,
            place => self.source.typing(place),
        }
    }

    fn absence(&self, place: &Place) -> String {
        self.source.absence(place)
    }
}

#[cfg(test)]
mod tests {
    use momus_engine::step::Block;

    use crate::metrics::testing::{sends, without_agent};
    use crate::testing::{Scenario, plan, table};

    fn scenario() -> Scenario {
        let scenario = Scenario::begin();
        for line in [
            "orders.took:12.5:300|ms|#currency:EUR",
            "orders.took:7|ms|@0.5",
            "orders.size:2|h",
            "orders.size:2|h",
            "orders.weight:0.5|d",
            "buyers:7|s",
            "buyers:7|s",
            "buyers:ada|s",
        ] {
            sends(&scenario.world.timeline, "shop", line);
        }
        sends(&scenario.world.timeline, "billing", "buyers:7|s");
        scenario
    }

    #[tokio::test]
    async fn values_of_every_type_are_counted() {
        let mut scenario = scenario();
        for (text, rows) in [
            ("metric orders.took has exactly 3 values", &[][..]),
            (
                "metric orders.took has exactly 2 values",
                &[["value", "#number 0..100"]],
            ),
            (
                "metric orders.took eventually has a value",
                &[["value", "12.50"], ["tag currency", "EUR"]],
            ),
            (
                "metric orders.took has exactly 3 values, and no other",
                &[["service", "shop"]],
            ),
            ("metric orders.size has exactly 2 values", &[["value", "2"]]),
            (
                "metric orders.weight has exactly 1 value",
                &[["value", "#number 0.4..0.6"]],
            ),
            ("metric buyers has exactly 3 values", &[]),
            ("metric buyers has exactly 2 values", &[["value", "7"]]),
            ("metric buyers has exactly 1 value", &[["value", "ada"]]),
            ("metric orders.lost has no values", &[]),
        ] {
            let block = if rows.is_empty() { Block::Nothing } else { table(rows) };
            scenario.passes(text, block).await;
        }
    }

    #[tokio::test]
    async fn what_is_missing_or_too_much_is_told() {
        let mut scenario = scenario();
        let rows = || table(&[["value", "#number 0..200"]]);
        let slow = scenario
            .fails("metric orders.took has exactly 3 values, and no other", rows())
            .await;
        let rows = table(&[["value", "8"], ["tag currency", "EUR"]]);
        let none = scenario.fails("metric orders.took has a value", rows).await;
        let many = scenario
            .fails("metric buyers eventually has exactly 1 value", Block::Nothing)
            .await;
        insta::assert_snapshot!([slow, none, many].join("\n\n"), @r#"
        Failed: it does not hold
        expected:
          values of metric orders.took: exactly 3, and no other
            value: #number 0..200
        seen:
          values of metric orders.took: 2, and 1 other
          other: 300: shop #currency:EUR
            value: expected #number 0..200, was 300

        Failed: it does not hold
        expected:
          values of metric orders.took: at least 1
            value: 8
            tag currency: "EUR"
        seen:
          values of metric orders.took: 0, and 3 other
          the nearest other: 300: shop #currency:EUR
            value: expected 8, was 300

        Failed: it can no longer hold
        expected:
          values of metric buyers: exactly 1
        seen:
          values of metric buyers: 3
            "7": shop
            "ada": shop
            "7": billing
        "#);
    }

    #[test]
    fn what_no_value_has_is_told_while_planning() {
        let errors = plan("    * metric orders.took has a value\n      | vlaue | 3 |");
        let without = without_agent("metric orders.took has a value");
        insta::assert_snapshot!(format!("{}\n\n{without}", errors.unwrap_err()), @r"
        4:9 | | vlaue | 3 |
        a value of a metric has no place `vlaue`
        hint: did you mean `value`?

        no service of the mesh has the address of a metrics agent; hint: give one `${edge.statsd.host}` and `${edge.statsd.port}` in its environment
        ");
    }
}
