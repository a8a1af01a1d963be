//! Publishing records.

use std::collections::BTreeMap;

use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::step;
use momus_engine::step::{Block, BlockError, BlockShape, StepDefinition};
use momus_engine::values::Kept;
use momus_engine::world::World;
use serde_json::Value as Json;

use super::producer::{Outgoing, Stored, producer};
use crate::selection::build::{self, Built};
use crate::selection::{Expected, PUBLISHED};

/// The sentences that publish.
pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![publish_one(), publish_several()]
}

step! {
    /// Publishes a record and returns when every in-sync replica has it.
    ///
    /// The table builds the record: `key`, `header NAME`, `partition`, and its value: `$…` places make JSON, `value`
    /// is a text as it stands, `value | null` a record without a value (a tombstone). A doc string is the value as it
    /// stands, JSON or not. Without `partition` the key decides, as in Kafka's own producer.
    ///
    /// `as NAME` keeps it: `${NAME.a.b}` reads its value, `${NAME:key}`, `${NAME:partition}`, `${NAME:offset}` and
    /// `${NAME:header x}` the rest.
    ///
    /// ```gherkin
    /// When I publish a record to topic orders.v1 as order
    ///   | key            | ${uuid}      |
    ///   | header ce_type | order.placed |
    ///   | $.amount       | 12.50        |
    ///   | $.lines[0].sku | a-1          |
    /// ```
    "I publish a record to topic {topic}{as}", BlockShape::Required(check);
    pub fn publish_one(world, topic: String, name: Option<String>; block) {
        let record = read(world, &block)?;
        let stored = producer(world, &topic)?.publish(&topic, &record).await?;
        if let Some(name) = name {
            world.values.keep(name, kept(&topic, &record, stored));
        }
        Ok(())
    }
}

step! {
    /// Publishes several records, each after the one before is acknowledged.
    ///
    /// The table or doc string is filled in anew for each: `${uuid}` and `${fake.…}` are drawn again, and `${ordinal}`
    /// counts from 1.
    ///
    /// ```gherkin
    /// Given I publish 20 records to topic orders.v1
    ///   | key      | customer-1 |
    ///   | $.id     | ${uuid}    |
    ///   | $.number | ${ordinal} |
    /// ```
    "I publish {number} records to topic {topic}", BlockShape::Required(check), check: at_least_one;
    pub fn publish_several(world, number: u64, topic: String; block) {
        let producer = producer(world, &topic)?;
        for ordinal in 1..=number {
            world.values.count(Some(ordinal));
            let record = read(world, &block);
            world.values.count(None);
            producer.publish(&topic, &record?).await?;
        }
        Ok(())
    }
}

fn at_least_one(_mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    match values.first() {
        Some(Value::Number(0)) => Err("no record is published; hint: the number is at least 1".into()),
        _ => Ok(()),
    }
}

/// Tells while planning what is wrong with the record that a block builds.
fn check(block: &Block) -> Result<(), BlockError> {
    if matches!(block, Block::Text { .. }) {
        return Ok(());
    }
    build::check(&PUBLISHED, block)?;
    let rows = || block.rows().iter().enumerate();
    let at = |place: &str| rows().find(|(_, row)| row[0] == place).map(|(at, _)| at);
    let path = rows().find(|(_, row)| row[0].starts_with('$')).map(|(at, _)| at);
    match (at("value"), path) {
        (None, None) => return Err(BlockError::whole(NO_VALUE)),
        (Some(value), Some(path)) => return Err(BlockError::cell(value.max(path), 0, TWO_VALUES)),
        _ => {}
    }
    match at("partition") {
        Some(row) if !block.rows()[row][1].contains("${") => {
            let partition = partition(&block.rows()[row][1]);
            partition.map(drop).map_err(|message| BlockError::cell(row, 1, message))
        }
        _ => Ok(()),
    }
}

const NO_VALUE: &str = "this record has no value; hint: `$…` places make one of JSON, `value` is a text as it stands, \
                        and `value | null` says that there is none (a tombstone)";
const TWO_VALUES: &str =
    "this record has two values; hint: `$…` places make one of JSON, `value` is a text as it stands";

/// The record that a block builds, filled in.
fn read(world: &mut World, block: &Block) -> Result<Outgoing, StepError> {
    if let Block::Text { content, .. } = block {
        return Ok(Outgoing {
            key: None,
            headers: Vec::new(),
            partition: None,
            value: Some(world.text(content)?),
        });
    }
    let built = Built::read(world, block)?;
    let value = match (built.json, built.parts.get("value")) {
        (Some(json), None) => Some(json.to_string()),
        (None, Some(value)) => text(value),
        (None, None) => return Err(Failure::failed(NO_VALUE)),
        (Some(_), Some(_)) => return Err(Failure::failed(TWO_VALUES)),
    };
    let partition = built.parts.get("partition").map(|written| partition(&written.written));
    Ok(Outgoing {
        key: built.parts.get("key").and_then(text),
        headers: built
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
        partition: partition.transpose().map_err(Failure::failed)?,
        value,
    })
}

/// A value as the bytes of a record say it; `null` is none.
fn text(value: &Expected) -> Option<String> {
    (!value.json.is_null()).then(|| value.written.clone())
}

fn partition(written: &str) -> Result<i32, String> {
    let number = written.parse().ok().filter(|number| *number >= 0);
    number.ok_or_else(|| format!("`{written}` is no partition; hint: partitions are numbered from 0"))
}

fn kept(topic: &str, record: &Outgoing, stored: Stored) -> Kept {
    let text = |value: &Option<String>| value.clone().map_or(Json::Null, Json::String);
    let mut aspects = BTreeMap::from([
        ("key".to_owned(), text(&record.key)),
        ("partition".to_owned(), stored.partition.into()),
        ("offset".to_owned(), stored.offset.into()),
    ]);
    for (name, value) in &record.headers {
        aspects.insert(format!("header {}", name.to_ascii_lowercase()), text(value));
    }
    Kept {
        what: format!("the record that was published to topic {topic}"),
        json: record.json(),
        aspects,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use crate::events::broker::{cluster, scenario, scenario_at};
    use crate::testing::{doc_string, plan, table, told};

    #[tokio::test]
    async fn a_record_is_published_as_the_table_says_and_kept() {
        let (mut scenario, _cluster) = scenario();
        let rows = [
            ["key", "customer-${n:-1}"],
            ["header ce_type", "order.placed"],
            ["partition", "2"],
            ["$.amount", "12.50"],
            ["$.lines[0].sku", "a-1"],
        ];
        let text = "I publish a record to topic orders.v1 as order";
        scenario.run(text, table(&rows)).await.expect("it is acknowledged");
        let rows = [
            ["key", "customer-1"],
            ["key", "${order:key}"],
            ["header ce_type", "${order:header ce_type}"],
            ["partition", "${order:partition}"],
            ["offset", "${order:offset}"],
            ["$.amount", "12.5"],
            ["$.lines", "#array 1"],
            ["$.lines[0].sku", "${order.lines[0].sku}"],
        ];
        let text = "topic orders.v1 has exactly 1 record, and no other";
        scenario.run(text, table(&rows)).await.expect("it is there");
    }

    #[tokio::test]
    async fn several_records_are_each_filled_in_anew() {
        let (mut scenario, _cluster) = scenario();
        let rows = [["key", "k"], ["$.id", "${uuid}"], ["$.number", "${ordinal}"]];
        let text = "I publish 3 records to topic orders.v1";
        scenario.run(text, table(&rows)).await.expect("they are acknowledged");
        for number in ["1", "2", "3"] {
            let rows = [["$.number", number], ["$.id", "#uuid"]];
            let text = "topic orders.v1 has exactly 1 record";
            scenario.run(text, table(&rows)).await.expect("it is there");
        }
        let records = crate::events::tail::tail(&mut scenario.world, "orders.v1")
            .expect("a tail")
            .look()
            .await;
        let records = records.expect("they are read");
        let ids: std::collections::BTreeSet<&str> =
            records.iter().filter_map(|each| each.value["id"].as_str()).collect();
        assert_eq!(ids.len(), 3, "{records:?}");
    }

    #[tokio::test]
    async fn a_doc_string_goes_as_it_stands_and_null_is_a_tombstone() {
        let (mut scenario, _cluster) = scenario();
        let pill = doc_string(None, "{\"amount\": ${n:-12},\n  broken");
        let text = "I publish a record to topic orders.v1 as pill";
        scenario.run(text, pill).await.expect("it is acknowledged");
        let tombstone = table(&[["key", "customer-1"], ["value", "null"]]);
        let text = "I publish a record to topic orders.v1 as tombstone";
        scenario.run(text, tombstone).await.expect("it is acknowledged");
        let text = "topic orders.v1 has exactly 1 record";
        let pill = table(&[
            ["value", "${pill}"],
            ["value", "#regex (?s).*12,\n.*broken"],
            ["key", "null"],
        ]);
        scenario.run(text, pill).await.expect("it is there");
        let tombstone = table(&[["value", "null"], ["key", "${tombstone:key}"], ["$", "#absent"]]);
        scenario.run(text, tombstone).await.expect("it is there");
    }

    #[tokio::test]
    async fn a_broker_that_does_not_answer_is_told_within_the_deadline() {
        let gone = cluster("").bootstrap_servers();
        let mut scenario = scenario_at(&gone);
        scenario.world.deadline = Duration::from_millis(400);
        let began = Instant::now();
        let told = told(
            scenario
                .run("I publish a record to topic orders.v1", table(&[["$.n", "1"]]))
                .await,
        );
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        let expected = "Failed: kafka did not acknowledge the record to topic orders.v1 within 400 ms: ";
        assert!(
            told.starts_with(expected) && told.contains("Connection refused"),
            "{told}"
        );
        assert!(told.ends_with("\nhint: `--deadline` gives it another time"), "{told}");
    }

    #[tokio::test]
    async fn what_the_broker_does_not_take_is_told() {
        let (mut scenario, _cluster) = scenario();
        let rows = table(&[["partition", "9"], ["$.n", "1"]]);
        let result = scenario.run("I publish a record to topic orders.v1", rows).await;
        assert_eq!(told(result), "Failed: topic orders.v1 has no partition 9");
        let large = doc_string(None, &"x".repeat(2_000_000));
        let result = scenario.run("I publish 2 records to topic orders.v1", large).await;
        assert_eq!(
            told(result),
            "Failed: kafka takes no record as large as this one: its value has 2000000 bytes"
        );
    }

    #[test]
    fn what_is_no_record_is_told_while_planning() {
        let steps = "
            Given I publish a record to topic orders.v2
              | $.n | 1 |
            Given I publish a record to topic orders.v1
              | key | 1 |
            Given I publish a record to topic orders.v1
              | $.n   | 1 |
              | value | 1 |
            Given I publish a record to topic orders.v1
              | partition | first |
              | value     | 1     |
            Given I publish a record to topic orders.v1
              | offset | 1 |
            Given I publish a record to topic orders.v1
            Given I publish 0 records to topic orders.v1
              | $.n | 1 |";
        insta::assert_snapshot!(plan(steps).unwrap_err(), @r#"
        4:47 | Given I publish a record to topic orders.v2
        the mesh has no topic `orders.v2`
        hint: did you mean `orders.v1`?
        6:13 | Given I publish a record to topic orders.v1
        this record has no value
        hint: `$…` places make one of JSON, `value` is a text as it stands, and `value | null` says that there is none (a tombstone)
        10:17 | | value | 1 |
        this record has two values
        hint: `$…` places make one of JSON, `value` is a text as it stands
        12:29 | | partition | first |
        `first` is no partition
        hint: partitions are numbered from 0
        15:17 | | offset | 1 |
        a record that is published has no place `offset`
        hint: a member of its JSON is `$.offset`; a record that is published has `$…`, `header NAME`, `key`, `value`, `partition`
        16:13 | Given I publish a record to topic orders.v1
        this step needs what stands below it
        hint: see `momus steps "I publish a record to topic {topic}{as}"`
        17:13 | Given I publish 0 records to topic orders.v1
        no record is published
        hint: the number is at least 1
        "#);
    }
}
