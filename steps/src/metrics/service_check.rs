//! The service checks that services send to the metrics agent.

use momus_engine::activity::Telemetry;
use momus_engine::count::Count;
use momus_engine::event::Happening;
use momus_engine::step;
use momus_engine::step::{Block, BlockError, BlockShape};
use momus_engine::timeline::Timeline;
use momus_engine::timing::Timing;

use super::check_agent;
use super::source::Source;
use super::told::Told;
use crate::counted::{Counted, Lasting};
use crate::selection::{Parts, Places, Selection, check};

const CHECK: Places = Places {
    of: "a service check",
    json: false,
    headers: false,
    query: false,
    parts: Parts::Tagged(&["name", "status", "message", "host"]),
};

step! {
    /// Counts the service checks (DogStatsD's) that a service has sent to the metrics agent since the scenario began, its start
    /// included, those that the table selects: `name`, `status` (`ok`, `warning`, `critical`, `unknown`), `message`, `host`,
    /// and `tag NAME`.
    ///
    /// ```gherkin
    /// When I send POST "/orders" to shop
    /// Then shop eventually sends a service check to statsd
    ///   | name   | till.open |
    ///   | status | ok        |
    /// ```
    "{service} {eventually}sends {count} service check(s) to statsd{only}{within}", BlockShape::Optional(check_check),
    check: check_agent, telemetry: Telemetry::Metrics;
    pub fn service_check(world, service: String, timing: Timing, count: Count, only: bool; block) {
        let selection = Selection::read(world, &block)?;
        let counted = Counted {
            what: &format!("service checks that {service} sent to statsd"),
            count,
            only,
            lasting: Lasting::Grows,
            selection: &selection,
        };
        counted.expect(world, timing, || async { Ok(all(&world.timeline, &service)) }).await
    }
}

fn check_check(block: &Block) -> Result<(), BlockError> {
    check(&CHECK, block)
}

fn all(timeline: &Timeline, of: &str) -> Vec<Told> {
    timeline.look(|events| {
        let sent = events.iter().filter_map(|event| match &event.happening {
            Happening::ServiceCheck {
                service,
                name,
                status,
                message,
                host,
                tags,
            } if service == of => {
                let text = |name: &str, text: &Option<String>| Some((name.to_owned(), text.clone()?));
                let texts = [
                    Some(("name".to_owned(), name.clone())),
                    Some(("status".to_owned(), status.clone())),
                    text("message", message),
                    text("host", host),
                ];
                Some(Told {
                    source: Source::new(service, tags),
                    texts: texts.into_iter().flatten().collect(),
                })
            }
            _ => None,
        });
        sent.collect()
    })
}

#[cfg(test)]
mod tests {
    use momus_engine::event::Happening;
    use momus_engine::step::Block;

    use crate::metrics::testing::without_agent;
    use crate::testing::{Scenario, plan, table};

    fn scenario() -> Scenario {
        let scenario = Scenario::begin();
        for (service, status) in [("shop", "ok"), ("billing", "ok"), ("shop", "critical")] {
            scenario.world.timeline.record(Happening::ServiceCheck {
                service: service.into(),
                name: "till.open".into(),
                status: status.into(),
                message: (status == "critical").then(|| "no key".to_owned()),
                host: None,
                tags: vec!["till:1".into()],
            });
        }
        scenario
    }

    #[tokio::test]
    async fn service_checks_are_selected_by_every_place_that_they_have() {
        let mut scenario = scenario();
        scenario
            .passes("shop sends exactly 2 service checks to statsd", Block::Nothing)
            .await;
        let rows = [
            ["name", "till.open"],
            ["status", "critical"],
            ["message", "no key"],
            ["tag till", "1"],
        ];
        scenario
            .passes("shop eventually sends exactly 1 service check to statsd", table(&rows))
            .await;
        let rows = table(&[["status", "ok"], ["message", "#absent"]]);
        scenario
            .passes("billing sends a service check to statsd, and no other", rows)
            .await;
    }

    #[tokio::test]
    async fn service_checks_that_are_missing_or_too_much_are_told() {
        let mut scenario = scenario();
        let rows = table(&[["status", "warning"], ["tag shop", "1"]]);
        let none = scenario.fails("billing sends a service check to statsd", rows).await;
        let critical = table(&[["status", "critical"]]);
        let many = scenario
            .fails("shop eventually sends no service check to statsd", critical)
            .await;
        insta::assert_snapshot!([none, many].join("\n\n"), @r#"
        Failed: it does not hold
        expected:
          service checks that billing sent to statsd: at least 1
            status: "warning"
            tag shop: 1
        seen:
          service checks that billing sent to statsd: 0, and 1 other
          the nearest other: till.open, ok: billing #till:1
            status: expected "warning", was "ok"
            tag shop: expected 1, was absent: the tags are till:1

        Failed: it can no longer hold
        expected:
          service checks that shop sent to statsd: none
            status: "critical"
        seen:
          service checks that shop sent to statsd: 1, and 1 other
            till.open, critical: shop #till:1
        "#);
    }

    #[test]
    fn what_cannot_be_asked_is_told_while_planning() {
        let errors = plan("    * shop sends a service check to statsd\n      | state | ok |");
        let without = without_agent("shop sends a service check to statsd");
        insta::assert_snapshot!(format!("{}\n\n{without}", errors.unwrap_err()), @r"
        4:9 | | state | ok |
        a service check has no place `state`
        hint: did you mean `status`?

        shop has no address of a metrics agent; hint: give it `${edge.statsd.host}` and `${edge.statsd.port}` in its environment
        ");
    }
}
