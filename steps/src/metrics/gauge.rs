//! Gauges: what they stand at.

use momus_engine::count::Standing;
use momus_engine::eventually::{Look, Verdict};
use momus_engine::failure::{Failure, StepError};
use momus_engine::quantity::Quantity;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timing::Timing;

use super::check_agent;
use super::sent::{Sent, not_sent};
use super::source::{Source, check_source};
use crate::selection::{Judgement, Selection};

step! {
    /// Judges what a gauge stands at: the last value that was sent. Where several services send it, or one with several
    /// tags, each of these is a gauge of its own; the table says which is meant, by `tag NAME` and `service`.
    ///
    /// `never` fails, too, where the gauge was not sent once. That it stood at a value for a moment and has left it,
    /// `metric … has … values` tells.
    ///
    /// ```gherkin
    /// When I send POST "/orders" to shop
    /// Then metric orders.open is eventually exactly 0 within 5 seconds
    ///   | tag currency | EUR |
    /// And metric orders.open is never at least 100
    ///   | tag currency | EUR |
    /// ```
    "metric {metric} is {eventually}{quantity}{within}", BlockShape::Optional(check_source),
    check: check_agent, telemetry: momus_engine::activity::Telemetry::Metrics;
    pub fn gauge(world, metric: String, timing: Timing, quantity: Quantity; block) {
        let selection = Selection::read(world, &block)?;
        let mut expected = vec![format!("metric {metric} is {quantity}")];
        expected.extend(selection.lines().into_iter().map(|line| format!("  {line}")));
        // What was seen last, where the gauge was not.
        let mut unseen = None;
        let mut judge = || {
            let gauges = Gauges::of(&Sent::of_kind(&world.timeline, &metric, "g")?, &selection);
            let value = gauges.only(&metric)?;
            let seen = match gauges.series.is_empty() {
                true => not_sent(&world.timeline, &metric),
                false => gauges.told(&metric),
            };
            unseen = value.is_none().then(|| seen.clone());
            Ok(Look {
                verdict: match value.map(|value| quantity.judge(value)) {
                    Some(Standing::Held) => Verdict::Held,
                    Some(Standing::HeldSoFar) => Verdict::HeldSoFar,
                    Some(Standing::TooFew | Standing::TooMany) | None => Verdict::NotYet,
                },
                seen,
                // In thousandths: a gauge has fractions.
                distance: value.map_or(u64::MAX, |value| (quantity.distance(value) * 1_000.0) as u64),
            })
        };
        let look = || {
            let look = judge();
            async { look }
        };
        world.expect(timing, &expected.join("\n"), look).await?;
        let Some(seen) = unseen else { return Ok(()) };
        let message = format!("metric {metric} was not sent, as far as it is selected: what it never is cannot be told");
        Err(Failure::expectation(message, format!("never: {}", expected.join("\n")), seen))
    }
}

/// What gauges of one name stand at, by who sends them and with which tags.
struct Gauges {
    series: Vec<(Source, f64, Judgement)>,
}

impl Gauges {
    fn of(sent: &[Sent], selection: &Selection) -> Self {
        let mut series: Vec<(Source, f64, Judgement)> = Vec::new();
        for sent in sent {
            let Some(value) = sent.numbers().last() else { continue };
            match series.iter_mut().find(|(source, ..)| *source == sent.source) {
                Some((_, stands, _)) => *stands = value,
                None => series.push((sent.source.clone(), value, sent.source.judge(selection))),
            }
        }
        Self { series }
    }

    /// What the one that is selected stands at.
    ///
    /// # Errors
    /// When several are selected.
    fn only(&self, metric: &str) -> Result<Option<f64>, StepError> {
        let selected = self.series.iter().filter(|(.., judgement)| judgement.selected());
        let selected: Vec<_> = selected.collect();
        match selected.as_slice() {
            [] => Ok(None),
            [(_, value, _)] => Ok(Some(*value)),
            several => {
                let lines = several.iter().map(|(source, value, _)| format!("{value}: {source}"));
                let message = format!(
                    "{} gauges are selected of metric {metric}, and this step is about one",
                    several.len()
                );
                Err(Failure::failed(message)
                    .hint("a row `tag NAME` or `service` in the table says which is meant")
                    .output(lines))
            }
        }
    }

    fn told(&self, metric: &str) -> String {
        let lines = self.series.iter().flat_map(|(source, value, judgement)| {
            let line = match judgement.selected() {
                true => format!("metric {metric} is {value}: {source}"),
                false => format!("other, at {value}: {source}"),
            };
            std::iter::once(line).chain(judgement.misses.iter().map(|miss| format!("  {miss}")))
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use momus_engine::step::Block;

    use crate::metrics::testing::{sends, without_agent};
    use crate::testing::{Scenario, plan, steady, table};

    /// A scenario of a mesh that settles at once.
    fn scenario() -> Scenario {
        let scenario = Scenario::begin();
        let activity = scenario.world.timeline.activity();
        activity.settles_in(Some(Duration::from_millis(1)));
        scenario
    }

    #[tokio::test]
    async fn the_last_value_of_the_gauge_that_is_meant_is_judged() {
        let mut scenario = scenario();
        let timeline = scenario.world.timeline.clone();
        sends(&timeline, "shop", "orders.open:7|g|#currency:EUR");
        sends(&timeline, "shop", "orders.open:-2.5|g|#currency:EUR");
        sends(&timeline, "shop", "orders.open:+3|g|#currency:USD");
        for (text, currency) in [
            ("metric orders.open is exactly -2.5", "EUR"),
            ("metric orders.open is eventually at most 0", "EUR"),
            ("metric orders.open is -3 to -2", "EUR"),
            ("metric orders.open is never at least 7", "EUR"),
            ("metric orders.open is exactly 3 for 20 ms", "USD"),
        ] {
            scenario.passes(text, table(&[["tag currency", currency]])).await;
        }
    }

    #[tokio::test]
    async fn a_gauge_that_stands_elsewhere_or_nowhere_is_told() {
        let mut scenario = scenario();
        let timeline = scenario.world.timeline.clone();
        let rows = || table(&[["tag currency", "EUR"]]);
        let mut all = vec![scenario.fails("metric orders.open is exactly 0", Block::Nothing).await];
        sends(&timeline, "shop", "orders.open:3|g|#currency:USD");
        all.push(
            scenario
                .fails("metric orders.open is eventually exactly 0", rows())
                .await,
        );
        all.push(scenario.fails("metric orders.open is never at least 100", rows()).await);
        sends(&timeline, "shop", "orders.open:2|g|#currency:EUR");
        all.push(
            scenario
                .fails("metric orders.open is eventually exactly 0", rows())
                .await,
        );
        all.push(scenario.fails("metric orders.open is never at least 2", rows()).await);
        insta::assert_snapshot!(steady(&all.join("\n\n")), @r#"
        Failed: it does not hold
        expected:
          metric orders.open is exactly 0
        seen:
          metric orders.open was not sent, nor any other

        Failed: it did not come to hold, and the mesh is quiet: nothing more comes (after TIME)
        expected:
          metric orders.open is exactly 0
            tag currency: "EUR"
        seen:
          other, at 3: shop #currency:USD
            tag currency: expected "EUR", was "USD"

        Failed: metric orders.open was not sent, as far as it is selected: what it never is cannot be told
        expected:
          never: metric orders.open is at least 100
            tag currency: "EUR"
        seen:
          other, at 3: shop #currency:USD
            tag currency: expected "EUR", was "USD"

        Failed: it did not come to hold, and the mesh is quiet: nothing more comes (after TIME)
        expected:
          metric orders.open is exactly 0
            tag currency: "EUR"
        seen:
          other, at 3: shop #currency:USD
            tag currency: expected "EUR", was "USD"
          metric orders.open is 2: shop #currency:EUR

        Failed: it came to hold, after TIME
        expected:
          never: metric orders.open is at least 2
            tag currency: "EUR"
        seen:
          other, at 3: shop #currency:USD
            tag currency: expected "EUR", was "USD"
          metric orders.open is 2: shop #currency:EUR
        "#);
    }

    #[tokio::test]
    async fn of_several_gauges_none_is_meant() {
        let mut scenario = scenario();
        let timeline = scenario.world.timeline.clone();
        sends(&timeline, "shop", "orders.open:3|g|#currency:USD");
        sends(&timeline, "shop", "orders.open:0|g|#currency:EUR");
        let several = scenario
            .fails("metric orders.open is eventually exactly 0", Block::Nothing)
            .await;
        sends(&timeline, "shop", "orders.placed:1|c");
        let other = scenario
            .fails("metric orders.placed is exactly 1", Block::Nothing)
            .await;
        insta::assert_snapshot!([several, other].join("\n\n"), @r"
        Failed: 2 gauges are selected of metric orders.open, and this step is about one
        hint: a row `tag NAME` or `service` in the table says which is meant
        output: 3: shop #currency:USD
        output: 0: shop #currency:EUR

        Failed: shop sends the counter orders.placed, and this step is about gauges
        hint: `metric orders.placed rises by …` tells of counters
        ");
    }

    #[test]
    fn what_cannot_be_asked_of_a_gauge_is_told_while_planning() {
        let errors = plan("    * metric orders.open is exactly 0\n      | currency | EUR |");
        let without = without_agent("metric orders.open is exactly 0");
        insta::assert_snapshot!(format!("{}\n\n{without}", errors.unwrap_err()), @r"
        4:9 | | currency | EUR |
        a metric has no place `currency`
        hint: a metric has `tag NAME`, `service`

        no service of the mesh has the address of a metrics agent; hint: give one `${edge.statsd.host}` and `${edge.statsd.port}` in its environment
        ");
    }
}
