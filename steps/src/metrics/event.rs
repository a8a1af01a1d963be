//! The events that services send to the metrics agent.

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

const EVENT: Places = Places {
    of: "an event",
    json: false,
    headers: false,
    query: false,
    parts: Parts::Tagged(&[
        "title",
        "text",
        "alert_type",
        "priority",
        "host",
        "source_type_name",
        "aggregation_key",
    ]),
};

step! {
    /// Counts the events (DogStatsD's, for an operator to see) that a service has sent to the metrics agent since the scenario
    /// began, its start included, those that the table selects: `title`, `text`, `alert_type`, `priority`, `host`,
    /// `source_type_name`, `aggregation_key`, and `tag NAME`.
    ///
    /// ```gherkin
    /// When I send POST "/orders" to shop
    /// Then shop eventually sends exactly 1 event to statsd
    ///   | title      | sold out |
    ///   | alert_type | warning  |
    ///   | tag item   | tea      |
    /// ```
    "{service} {eventually}sends {count} event(s) to statsd{only}{within}", BlockShape::Optional(check_event),
    check: check_agent, telemetry: Telemetry::Metrics;
    pub fn event(world, service: String, timing: Timing, count: Count, only: bool; block) {
        let selection = Selection::read(world, &block)?;
        let counted = Counted {
            what: &format!("events that {service} sent to statsd"),
            count,
            only,
            lasting: Lasting::Grows,
            selection: &selection,
        };
        counted.expect(world, timing, || async { Ok(all(&world.timeline, &service)) }).await
    }
}

fn check_event(block: &Block) -> Result<(), BlockError> {
    check(&EVENT, block)
}

fn all(timeline: &Timeline, of: &str) -> Vec<Told> {
    timeline.look(|events| {
        let sent = events.iter().filter_map(|event| match &event.happening {
            Happening::AgentEvent {
                service,
                title,
                text,
                fields,
                tags,
            } if service == of => {
                let first = [("title".to_owned(), title.clone()), ("text".to_owned(), text.clone())];
                Some(Told {
                    source: Source::new(service, tags),
                    texts: first.into_iter().chain(fields.iter().cloned()).collect(),
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
        for (service, title) in [("shop", "sold out"), ("billing", "sold out"), ("shop", "open")] {
            scenario.world.timeline.record(Happening::AgentEvent {
                service: service.into(),
                title: title.into(),
                text: "no tea".into(),
                fields: vec![("alert_type".into(), "warning".into())],
                tags: vec!["item:tea".into()],
            });
        }
        scenario
    }

    #[tokio::test]
    async fn events_are_selected_by_every_place_that_they_have() {
        let mut scenario = scenario();
        scenario
            .passes("shop sends exactly 2 events to statsd", Block::Nothing)
            .await;
        let rows = [
            ["title", "sold out"],
            ["text", "no tea"],
            ["alert_type", "warning"],
            ["tag item", "tea"],
        ];
        scenario
            .passes("shop eventually sends exactly 1 event to statsd", table(&rows))
            .await;
        scenario
            .passes("shop sends no event to statsd", table(&[["priority", "#present"]]))
            .await;
    }

    #[tokio::test]
    async fn events_that_are_missing_or_too_much_are_told() {
        let mut scenario = scenario();
        let rows = [["title", "closed"], ["host", "web"], ["tag item", "tea"]];
        let none = scenario.fails("billing sends an event to statsd", table(&rows)).await;
        let many = scenario
            .fails("shop eventually sends 1 event to statsd", Block::Nothing)
            .await;
        insta::assert_snapshot!([none, many].join("\n\n"), @r#"
        Failed: it does not hold
        expected:
          events that billing sent to statsd: at least 1
            title: "closed"
            host: "web"
            tag item: "tea"
        seen:
          events that billing sent to statsd: 0, and 1 other
          the nearest other: sold out, no tea: billing #item:tea
            title: expected "closed", was "sold out"
            host: expected "web", was absent

        Failed: it can no longer hold
        expected:
          events that shop sent to statsd: exactly 1
        seen:
          events that shop sent to statsd: 2
            sold out, no tea: shop #item:tea
            open, no tea: shop #item:tea
        "#);
    }

    #[test]
    fn what_cannot_be_asked_is_told_while_planning() {
        let errors =
            plan("    * shop sends an event to statsd\n      | titel | open |\n    * billing sends an event to statsd");
        let without = without_agent("shop sends an event to statsd");
        insta::assert_snapshot!(format!("{}\n\n{without}", errors.unwrap_err()), @r"
        4:9 | | titel | open |
        an event has no place `titel`
        hint: did you mean `title`?
        5:5 | * billing sends an event to statsd
        billing has no address of a metrics agent
        hint: give it `${edge.statsd.host}` and `${edge.statsd.port}` in its environment

        shop has no address of a metrics agent; hint: give it `${edge.statsd.host}` and `${edge.statsd.port}` in its environment
        ");
    }
}
