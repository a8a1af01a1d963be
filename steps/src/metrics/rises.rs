//! Counters: by how much they rise.

use momus_engine::count::Standing;
use momus_engine::eventually::{Look, Verdict};
use momus_engine::quantity::Quantity;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timing::Timing;

use super::check_agent;
use super::sent::{Sent, not_sent};
use super::source::{Source, check_source};
use crate::selection::{Judgement, Selection};

step! {
    /// Adds up what a counter has counted since the scenario began, the start of its services included, where the table
    /// selects it: `tag NAME`, and `service`, which sent it; without a table, all of it.
    ///
    /// What was sent at a sample rate counts for all that it stands for: 1 at a rate of 0.1 is 10. A metric that was not
    /// sent has not risen. Metrics come a moment after what they count, so `eventually` is the rule.
    ///
    /// ```gherkin
    /// When I send POST "/orders" to shop
    /// Then metric orders.placed eventually rises by exactly 1
    ///   | tag currency | EUR |
    /// ```
    "metric {metric} {eventually}rises by {quantity}{within}", BlockShape::Optional(check_source),
    check: check_agent, telemetry: momus_engine::activity::Telemetry::Metrics;
    pub fn rises(world, metric: String, timing: Timing, quantity: Quantity; block) {
        let selection = Selection::read(world, &block)?;
        let mut expected = vec![format!("metric {metric} rises by {quantity}")];
        expected.extend(selection.lines().into_iter().map(|line| format!("  {line}")));
        let look = || async {
            let counts = Counts::of(&Sent::of_kind(&world.timeline, &metric, "c")?, &selection);
            let seen = match counts.series.is_empty() {
                true => not_sent(&world.timeline, &metric),
                false => counts.told(&metric),
            };
            Ok(Look {
                verdict: counts.verdict(quantity),
                seen,
                // In thousandths: a counter may count fractions.
                distance: (quantity.distance(counts.risen()) * 1_000.0) as u64,
            })
        };
        world.expect(timing, &expected.join("\n"), look).await
    }
}

/// What a counter has counted, by who sent it and with which tags.
struct Counts {
    series: Vec<(Source, f64, Judgement)>,
    /// Whether it was ever taken back.
    falls: bool,
}

impl Counts {
    fn of(sent: &[Sent], selection: &Selection) -> Self {
        let mut counts = Self {
            series: Vec::new(),
            falls: false,
        };
        for sent in sent {
            let count: f64 = sent.numbers().map(|number| number / sent.rate).sum();
            counts.falls |= sent.numbers().any(|number| number < 0.0);
            match counts.series.iter_mut().find(|(source, ..)| *source == sent.source) {
                Some((_, counted, _)) => *counted += count,
                None => {
                    let judgement = sent.source.judge(selection);
                    counts.series.push((sent.source.clone(), count, judgement));
                }
            }
        }
        counts
    }

    /// By how much it has risen where it is selected.
    fn risen(&self) -> f64 {
        let selected = self.series.iter().filter(|(.., judgement)| judgement.selected());
        selected.fold(0.0, |sum, (_, count, _)| sum + count)
    }

    fn verdict(&self, quantity: Quantity) -> Verdict {
        match quantity.judge(self.risen()) {
            Standing::Held if !self.falls => Verdict::Held,
            Standing::Held | Standing::HeldSoFar => Verdict::HeldSoFar,
            Standing::TooMany if !self.falls => Verdict::Impossible,
            Standing::TooMany | Standing::TooFew => Verdict::NotYet,
        }
    }

    fn told(&self, metric: &str) -> String {
        let mut lines = vec![format!("metric {metric} has risen by {}", self.risen())];
        for (source, count, judgement) in &self.series {
            if judgement.selected() {
                lines.push(format!("  by {count}: {source}"));
            } else {
                lines.push(format!("other, by {count}: {source}"));
                lines.extend(judgement.misses.iter().map(|miss| format!("  {miss}")));
            }
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use momus_engine::step::Block;

    use crate::metrics::testing::{sends, without_agent};
    use crate::testing::{Scenario, plan, table};

    #[tokio::test]
    async fn what_was_counted_is_added_up() {
        let mut scenario = Scenario::begin();
        let timeline = scenario.world.timeline.clone();
        scenario
            .passes("metric orders.placed rises by exactly 0", Block::Nothing)
            .await;
        sends(&timeline, "shop", "orders.placed:1:2|c|#currency:EUR,vip");
        sends(&timeline, "shop", "orders.placed:1|c|@0.1|#vip,currency:EUR");
        sends(&timeline, "billing", "orders.placed:0.5|c|#currency:USD");
        sends(&timeline, "shop", "orders.lost:1|c");
        for (text, rows) in [
            ("metric orders.placed rises by exactly 13.5", &[][..]),
            (
                "metric orders.placed eventually rises by exactly 13",
                &[["tag currency", "EUR"]],
            ),
            (
                "metric orders.placed eventually rises by at least 13",
                &[["tag vip", "#present"]],
            ),
            (
                "metric orders.placed rises by 0.5",
                &[["service", "billing"], ["tag vip", "#absent"]],
            ),
            ("metric orders.placed never rises by at least 14", &[]),
            ("metric orders.placed rises by at most 13", &[["service", "shop"]]),
        ] {
            let block = if rows.is_empty() { Block::Nothing } else { table(rows) };
            scenario
                .world
                .timeline
                .activity()
                .settles_in(Some(std::time::Duration::from_millis(1)));
            scenario.passes(text, block).await;
        }
    }

    #[tokio::test]
    async fn what_rises_later_is_waited_for_and_one_too_many_ends_the_wait() {
        let mut scenario = Scenario::begin();
        let timeline = scenario.world.timeline.clone();
        let counts = async {
            for _ in 0..2 {
                while timeline.open_waits().is_empty() {
                    tokio::task::yield_now().await;
                }
                sends(&timeline, "shop", "orders.placed:1|c");
            }
        };
        let waits = scenario.passes("metric orders.placed eventually rises by at least 2", Block::Nothing);
        tokio::join!(waits, counts);
        let twice = scenario
            .fails("metric orders.placed eventually rises by exactly 1", Block::Nothing)
            .await;
        insta::assert_snapshot!(twice, @r"
        Failed: it can no longer hold
        expected:
          metric orders.placed rises by exactly 1
        seen:
          metric orders.placed has risen by 2
            by 2: shop
        ");
    }

    #[tokio::test]
    async fn what_did_not_rise_is_told_with_what_did() {
        let mut scenario = Scenario::begin();
        let timeline = scenario.world.timeline.clone();
        let rows = || table(&[["tag currency", "EUR"], ["service", "shop"]]);
        let mut all = Vec::new();
        let text = "metric orders.placed rises by exactly 1";
        all.push(scenario.fails(text, rows()).await);
        sends(&timeline, "shop", "orders.lost:1|c");
        sends(&timeline, "billing", "invoices:1|c");
        all.push(scenario.fails(text, rows()).await);
        sends(&timeline, "shop", "orders.placed:2|c|#currency:USD");
        sends(&timeline, "billing", "orders.placed:1|c");
        all.push(scenario.fails(text, rows()).await);
        all.push(
            scenario
                .fails("metric orders.placed eventually rises by at most 2", Block::Nothing)
                .await,
        );
        insta::assert_snapshot!(all.join("\n\n"), @r#"
        Failed: it does not hold
        expected:
          metric orders.placed rises by exactly 1
            tag currency: "EUR"
            service: "shop"
        seen:
          metric orders.placed was not sent, nor any other

        Failed: it does not hold
        expected:
          metric orders.placed rises by exactly 1
            tag currency: "EUR"
            service: "shop"
        seen:
          metric orders.placed was not sent; those that were are invoices, orders.lost

        Failed: it does not hold
        expected:
          metric orders.placed rises by exactly 1
            tag currency: "EUR"
            service: "shop"
        seen:
          metric orders.placed has risen by 0
          other, by 2: shop #currency:USD
            tag currency: expected "EUR", was "USD"
          other, by 1: billing
            tag currency: expected "EUR", was absent: there are no tags
            service: expected "shop", was "billing"

        Failed: it can no longer hold
        expected:
          metric orders.placed rises by at most 2
        seen:
          metric orders.placed has risen by 3
            by 2: shop #currency:USD
            by 1: billing
        "#);
    }

    #[tokio::test]
    async fn a_metric_of_another_type_is_told() {
        let mut scenario = Scenario::begin();
        sends(&scenario.world.timeline, "shop", "orders.open:1|g|#shop:3");
        let failure = scenario
            .fails("metric orders.open eventually rises by exactly 1", Block::Nothing)
            .await;
        insta::assert_snapshot!(failure, @r"
        Failed: shop #shop:3 sends the gauge orders.open, and this step is about counters
        hint: `metric orders.open is …` tells of gauges
        ");
    }

    #[test]
    fn what_cannot_be_asked_of_a_counter_is_told_while_planning() {
        let errors = plan(
            "    * metric orders.placed rises by 4 to 2
    * metric orders.placed rises by exactly 1
      | tga currency | EUR |
    * metric orders.placed rises by exactly 1
      | value | 2 |",
        );
        let without = without_agent("metric orders.placed rises by exactly 1");
        insta::assert_snapshot!(format!("{}\n\n{without}", errors.unwrap_err()), @r"
        3:5 | * metric orders.placed rises by 4 to 2
        `4 to 2` is an empty range
        hint: the smaller number comes first, `2 to 4`
        5:9 | | tga currency | EUR |
        a metric has no place `tga currency`
        hint: a metric has `tag NAME`, `service`
        7:9 | | value | 2 |
        a metric has no place `value`
        hint: a metric has `tag NAME`, `service`

        no service of the mesh has the address of a metrics agent; hint: give one `${edge.statsd.host}` and `${edge.statsd.port}` in its environment
        ");
    }
}
