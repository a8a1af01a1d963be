//! What a topic holds.

use momus_engine::count::Count;
use momus_engine::step;
use momus_engine::step::{BlockShape, StepDefinition};
use momus_engine::timing::Timing;

use super::tail::tail;
use crate::counted::{Counted, Lasting};
use crate::selection::{Selection, check_record};

/// The sentences that count records.
pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![topic_has()]
}

step! {
    /// Counts the records of a topic that have what the table says; without a table, all of them.
    ///
    /// Places: `key`, `header NAME`, `partition`, `offset`, `$…` into a value that is JSON, `value` for one that is not.
    /// Headers and keys compare as texts, partitions and offsets as numbers; a record without a key or value has `null`
    /// there. Everything in the topic counts, from its beginning on, but for what transactions did not commit.
    ///
    /// `as NAME` keeps the one record of `exactly 1`: `${NAME.a.b}` reads its value, `${NAME:key}`, `${NAME:partition}`,
    /// `${NAME:offset}` and `${NAME:header x}` the rest.
    ///
    /// ```gherkin
    /// Then topic orders.v1 eventually has exactly 1 record, and no other within 5 seconds
    ///   | key            | customer-1   |
    ///   | header ce_type | order.placed |
    ///   | $.id           | #uuid        |
    /// ```
    "topic {topic} {eventually}has {count} record(s){as}{only}{within}", BlockShape::Optional(check_record);
    pub fn topic_has(world, topic: String, timing: Timing, count: Count, name: Option<String>, only: bool; block) {
        let selection = Selection::read(world, &block)?;
        let tail = tail(world, &topic)?;
        let counted = Counted {
            what: &format!("records in topic {topic}"),
            count,
            only,
            lasting: Lasting::Grows,
            selection: &selection,
        };
        let found = counted.expect_one(world, timing, || tail.look()).await?;
        if let (Some(name), Some(record)) = (name, found) {
            world.values.keep(name, record.kept(&topic));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use momus_engine::event::Happening;
    use momus_engine::step::Block;

    use crate::events::broker::{scenario, scenario_at, scenario_behind_an_edge};
    use crate::testing::{Scenario, doc_string, plan, table, told};

    async fn publish(scenario: &mut Scenario, rows: &[[&str; 2]]) {
        let text = "I publish a record to topic orders.v1";
        scenario.run(text, table(rows)).await.expect("it is acknowledged");
    }

    #[tokio::test]
    async fn the_table_selects_and_the_count_counts() {
        let (mut scenario, _cluster) = scenario();
        let run = "topic orders.v1 has no records";
        scenario.run(run, Block::Nothing).await.expect("it is empty");
        publish(&mut scenario, &[["key", "a"], ["$.n", "1"]]).await;
        publish(&mut scenario, &[["key", "b"], ["$.n", "2"], ["header x", "7"]]).await;
        for (text, rows) in [
            ("topic orders.v1 has exactly 2 records, and no other", &[][..]),
            ("topic orders.v1 has a record", &[["key", "a"], ["$.n", "1"]]),
            ("topic orders.v1 has exactly 1 record", &[["header x", "7"]]),
            (
                "topic orders.v1 eventually has at least 2 records",
                &[["$.n", "#number"]],
            ),
            ("topic orders.v1 has no record", &[["key", "c"]]),
        ] {
            let block = if rows.is_empty() { Block::Nothing } else { table(rows) };
            scenario
                .run(text, block)
                .await
                .unwrap_or_else(|failure| panic!("{text}: {failure:?}"));
        }
    }

    #[tokio::test]
    async fn the_one_record_is_kept() {
        let (mut scenario, _cluster) = scenario();
        for (key, n) in [("a", "1"), ("b", "2")] {
            let rows = [["key", key], ["$.n", n], ["header Kind", "order"], ["partition", "1"]];
            publish(&mut scenario, &rows).await;
        }
        let text = "topic orders.v1 eventually has exactly 1 record as second";
        scenario.run(text, table(&[["key", "b"]])).await.expect("it is there");
        let rows = [
            ["key", "${second:key}"],
            ["partition", "${second:partition}"],
            ["offset", "${second:offset}"],
            ["header Kind", "${second:header Kind}"],
            ["$.n", "${second.n}"],
        ];
        let text = "topic orders.v1 has exactly 1 record";
        scenario.run(text, table(&rows)).await.expect("it is the same");
    }

    #[tokio::test]
    async fn too_few_are_told_with_the_nearest() {
        let (mut scenario, _cluster) = scenario();
        publish(
            &mut scenario,
            &[["key", "a"], ["partition", "0"], ["$.n", "1"], ["header kind", "order"]],
        )
        .await;
        let pill = doc_string(None, "no JSON");
        scenario
            .run("I publish a record to topic orders.v1", pill)
            .await
            .expect("it is acknowledged");
        let rows = [["key", "a"], ["$.n", "2"], ["header ce_type", "order"]];
        let result = scenario.run("topic orders.v1 has exactly 1 record", table(&rows)).await;
        insta::assert_snapshot!(told(result), @r#"
        Failed: it does not hold
        expected:
          records in topic orders.v1: exactly 1
            key: "a"
            $.n: 2
            header ce_type: "order"
        seen:
          records in topic orders.v1: 0, and 2 other
          the nearest other: partition 0 offset 0, key a: {"n":1}
            $.n: expected 2, was 1
            header ce_type: expected "order", was absent: its headers are kind
        "#);
    }

    #[tokio::test]
    async fn a_value_that_is_not_json_says_so() {
        let (mut scenario, _cluster) = scenario();
        let pill = table(&[["key", "a"], ["partition", "1"], ["value", "{\"n\": 1"]]);
        scenario
            .run("I publish a record to topic orders.v1", pill)
            .await
            .expect("it is acknowledged");
        let rows = [["key", "a"], ["$.n", "1"]];
        let result = scenario.run("topic orders.v1 has a record", table(&rows)).await;
        insta::assert_snapshot!(told(result), @r#"
        Failed: it does not hold
        expected:
          records in topic orders.v1: at least 1
            key: "a"
            $.n: 1
        seen:
          records in topic orders.v1: 0, and 1 other
          the nearest other: partition 1 offset 0, key a: "{\"n\": 1"
            $.n: expected 1, was absent: the value is not JSON
        "#);
    }

    #[tokio::test]
    async fn one_too_many_is_told_at_once() {
        let (mut scenario, _cluster) = scenario();
        for n in ["1", "2"] {
            publish(&mut scenario, &[["key", "a"], ["partition", "0"], ["$.n", n]]).await;
        }
        let began = Instant::now();
        let text = "topic orders.v1 eventually has exactly 1 record, and no other within 60 seconds";
        let result = scenario.run(text, table(&[["$.n", "1"]])).await;
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
        insta::assert_snapshot!(told(result), @r#"
        Failed: it can no longer hold
        expected:
          records in topic orders.v1: exactly 1, and no other
            $.n: 1
        seen:
          records in topic orders.v1: 1, and 1 other
          other: partition 0 offset 1, key a: {"n":2}
            $.n: expected 1, was 2
        "#);
    }

    #[tokio::test]
    async fn what_comes_later_is_waited_for() {
        let (mut scenario, cluster) = scenario();
        let mut other = scenario_at(&cluster.bootstrap_servers());
        let timeline = scenario.world.timeline.clone();
        let later = async {
            while !timeline.open_waits().iter().any(|wait| wait.contains("none at all")) {
                tokio::task::yield_now().await;
            }
            publish(&mut other, &[["$.n", "1"]]).await;
        };
        let rows = table(&[["$.n", "1"]]);
        let (result, ()) = tokio::join!(scenario.run("topic orders.v1 eventually has a record", rows), later);
        result.expect("it comes");
    }

    #[tokio::test]
    async fn what_must_never_come_is_waited_for_and_told() {
        let (mut scenario, _cluster) = scenario();
        let text = "topic orders.v1 never has a record within 300 ms";
        scenario.run(text, Block::Nothing).await.expect("none comes");
        publish(&mut scenario, &[["key", "a"], ["partition", "0"], ["$.n", "1"]]).await;
        let told = told(scenario.run(text, Block::Nothing).await);
        assert!(told.starts_with("Failed: it came to hold, after "), "{told}");
        assert!(told.contains("\n  records in topic orders.v1: 1"), "{told}");
    }

    #[tokio::test]
    async fn looking_over_an_edge_does_not_spin() {
        let (mut scenario, _cluster) = scenario_behind_an_edge().await;
        publish(&mut scenario, &[["$.n", "1"]]).await;
        let text = "topic orders.v1 eventually has exactly 2 records within 600 ms";
        scenario.run(text, Block::Nothing).await.expect_err("there is one");
        let looks = scenario.world.timeline.look(|events| {
            let looks = events.iter().filter_map(|event| match event.happening {
                Happening::Expectation { looks, .. } => Some(looks),
                _ => None,
            });
            looks.sum::<u32>()
        });
        // One at the beginning, each 250 ms, at the deadline, and when the record was read.
        assert!((2..=7).contains(&looks), "{looks}");
    }

    #[test]
    fn names_and_places_are_checked_while_planning() {
        let steps = "
            Then topic order.v1 has a record
            Then topic orders.v1 has a record
              | kye | a |
            Then topic orders.v1 eventually has a record
              | $.id | #uid |
            Then topic orders.v1 has a record as order
            Then topic orders.v1 never has exactly 1 record as order";
        insta::assert_snapshot!(plan(steps).unwrap_err(), @r#"
        4:24 | Then topic order.v1 has a record
        the mesh has no topic `order.v1`
        hint: did you mean `orders.v1`?
        6:17 | | kye | a |
        a record has no place `kye`
        hint: did you mean `key`?
        8:24 | | $.id | #uid |
        there is no marker `#uid`
        hint: did you mean `#uuid`?
        9:13 | Then topic orders.v1 has a record as order
        `as order` keeps one thing, and this step may find another number of them
        hint: `exactly 1` finds one
        10:13 | Then topic orders.v1 never has exactly 1 record as order
        `as order` keeps what is found, and `never` says that it is not
        hint: keep it in a step that finds it
        "#);
    }
}
