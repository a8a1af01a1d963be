//! The order of a topic's records.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use momus_engine::eventually::{Look, Verdict};
use momus_engine::failure::Failure;
use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::step;
use momus_engine::step::{BlockShape, StepDefinition};
use momus_engine::timing::{Timing, TimingKind};
use serde_json::Value as Json;

use super::record::Record;
use super::tail::tail;
use crate::selection::{Place, RECORD, Selection, Subject, check_record, shown, shown_with_type};

/// The sentences about order.
pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![in_order_per_key()]
}

step! {
    /// Expects that within each key no record comes before one whose value at a place is smaller, in the order of
    /// offsets.
    ///
    /// Numbers compare as numbers, RFC 3339 timestamps as times, other texts as texts. Equal values are in order. A key
    /// in two partitions has no order, nor has a record without a key or without the value: they fail it. So does a
    /// topic in which no key has two records of different values, for then nothing was in order. With a table, only the
    /// records count that have what it says.
    ///
    /// ```gherkin
    /// Then the records in topic orders.v1 are in order of "$.number" per key
    /// And the records in topic invoices.v1 are eventually in order of "header ce_time" per key within 5 seconds
    ///   | header ce_type | invoice.paid |
    /// ```
    "the records in topic {topic} are {eventually}in order of {text} per key{within}",
    BlockShape::Optional(check_record), check: check_place,
    timings: &[TimingKind::Now, TimingKind::Eventually, TimingKind::For];
    pub fn in_order_per_key(world, topic: String, timing: Timing, place: String; block) {
        let selection = Selection::read(world, &block)?;
        let place = RECORD.parse(&world.text(&place)?).map_err(Failure::failed)?;
        let tail = tail(world, &topic)?;
        let mut expected = vec![format!("records in topic {topic}: in order of {place} per key")];
        expected.extend(selection.lines().into_iter().map(|line| format!("  {line}")));
        let look = || async {
            let mut records = tail.look().await?;
            records.retain(|record| selection.judge(record).selected());
            Ok(look(&topic, &place, &records))
        };
        world.expect(timing, &expected.join("\n"), look).await
    }
}

fn check_place(_mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    let text = values.iter().find_map(|value| match value {
        Value::Text(text) => Some(text),
        _ => None,
    });
    match text {
        Some(place) if !place.contains("${") => RECORD.parse(place).map(drop),
        _ => Ok(()),
    }
}

/// So many breaches of the order are shown.
const SHOWN: usize = 5;

/// What one look at the records tells of their order.
fn look(topic: &str, place: &Place, records: &[Arc<Record>]) -> Look {
    let (breaches, compared) = breaches(place, records);
    let what = format!("records in topic {topic}: {}", records.len());
    let (verdict, seen) = match (breaches.as_slice(), compared) {
        ([], true) => (Verdict::HeldSoFar, format!("{what}, all in order")),
        ([], false) => (
            Verdict::NotYet,
            format!("{what}, and no two of one key with different values"),
        ),
        (breaches, _) => {
            let mut lines = vec![format!("{what}, out of order:")];
            lines.extend(breaches.iter().take(SHOWN).map(|breach| format!("  {breach}")));
            if breaches.len() > SHOWN {
                lines.push(format!("  … and {} more", breaches.len() - SHOWN));
            }
            // Records stay where they are.
            (Verdict::Impossible, lines.join("\n"))
        }
    };
    let distance = breaches.len() as u64 + u64::from(!compared);
    Look {
        verdict,
        seen,
        distance,
    }
}

/// What is not in order, by key; and whether two values of one key differ at all.
fn breaches(place: &Place, records: &[Arc<Record>]) -> (Vec<String>, bool) {
    let (mut breaches, mut compared) = (Vec::new(), false);
    let mut keys: BTreeMap<&str, Vec<&Arc<Record>>> = BTreeMap::new();
    for record in records {
        match &record.key {
            Some(key) => keys.entry(key).or_default().push(record),
            None => breaches.push(format!("{}: it has no key", record.place())),
        }
    }
    for (key, mut records) in keys {
        records.sort_by_key(|record| (record.partition, record.offset));
        let other = records.iter().find(|record| record.partition != records[0].partition);
        if let Some(other) = other {
            let (one, other) = (records[0].place(), other.place());
            breaches.push(format!("key {key} is in two partitions: {one}, and {other}"));
            continue;
        }
        let mut before: Option<(&Arc<Record>, Json)> = None;
        for record in records {
            let found = record.read(place);
            let [value] = found.as_slice() else {
                let count = found.len();
                let is = if count == 0 {
                    record.absence(place)
                } else {
                    format!("{count} values")
                };
                breaches.push(format!("key {key}, {}: {place} is {is}", record.place()));
                continue;
            };
            if let Some((earlier, smaller)) = &before {
                match compare(smaller, value) {
                    Some(Ordering::Less) => compared = true,
                    Some(Ordering::Equal) => {}
                    Some(Ordering::Greater) => breaches.push(format!(
                        "key {key}, partition {}: {} at offset {} comes after {} at offset {}",
                        record.partition,
                        shown(value),
                        record.offset,
                        shown(smaller),
                        earlier.offset
                    )),
                    None => breaches.push(format!(
                        "key {key}, partition {}: {} at offset {} cannot be compared with {} at offset {}",
                        record.partition,
                        shown_with_type(value),
                        record.offset,
                        shown_with_type(smaller),
                        earlier.offset
                    )),
                }
            }
            before = Some((record, value.clone()));
        }
    }
    (breaches, compared)
}

/// How two values of a place stand to each other; `None` where they have no order.
pub(crate) fn compare(one: &Json, other: &Json) -> Option<Ordering> {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => match (one.as_i128(), other.as_i128()) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
        },
        (Json::String(one), Json::String(other)) => {
            let times = (one.parse::<Timestamp>(), other.parse::<Timestamp>());
            Some(match times {
                (Ok(one), Ok(other)) => one.cmp(&other),
                _ => one.cmp(other),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::events::broker::scenario;
    use crate::testing::{Scenario, plan, table, told};
    use momus_engine::step::Block;

    fn record(partition: i32, offset: i64, key: &str, n: Json) -> Arc<Record> {
        Arc::new(Record {
            partition,
            offset,
            timestamp: None,
            key: (!key.is_empty()).then(|| key.to_owned()),
            headers: Vec::new(),
            value: json!({ "n": n }),
            is_json: true,
        })
    }

    fn looked(records: &[(i32, i64, &str, Json)]) -> Look {
        let records: Vec<_> = records
            .iter()
            .map(|(p, o, key, n)| record(*p, *o, key, n.clone()))
            .collect();
        look("orders.v1", &RECORD.parse("$.n").expect("it is a place"), &records)
    }

    #[test]
    fn numbers_times_and_texts_each_have_their_order() {
        let order = |one: Json, other: Json| compare(&one, &other);
        assert_eq!(order(json!(9), json!(10)), Some(Ordering::Less));
        assert_eq!(order(json!(9.5), json!(9)), Some(Ordering::Greater));
        assert_eq!(order(json!("9"), json!("10")), Some(Ordering::Greater));
        let (zulu, east) = (json!("2026-11-24T12:00:00.5Z"), json!("2026-11-24T13:00:00+01:00"));
        assert_eq!(order(zulu, east), Some(Ordering::Greater));
        assert_eq!(order(json!(i64::MAX), json!(i64::MAX - 1)), Some(Ordering::Greater));
        assert_eq!(order(json!(1), json!("1")), None);
        assert_eq!(order(json!(null), json!(null)), None);
    }

    #[test]
    fn each_key_has_an_order_of_its_own() {
        let records = [
            (0, 0, "a", json!(1)),
            (0, 1, "b", json!(9)),
            (0, 2, "a", json!(1)),
            (0, 3, "a", json!(2)),
        ];
        assert_eq!(looked(&records).verdict, Verdict::HeldSoFar);
        // The order of offsets counts, not that of reading.
        let mut backwards = records;
        backwards.reverse();
        assert_eq!(looked(&backwards).verdict, Verdict::HeldSoFar);
    }

    #[test]
    fn nothing_in_order_is_no_order() {
        for records in [
            &[][..],
            &[(0, 0, "a", json!(1)), (1, 0, "b", json!(2))],
            &[(0, 0, "a", json!(1)), (0, 1, "a", json!(1))],
        ] {
            assert_eq!(looked(records).verdict, Verdict::NotYet, "{records:?}");
        }
    }

    #[test]
    fn everything_that_breaks_the_order_is_told() {
        let look = looked(&[
            (0, 0, "a", json!(2)),
            (0, 1, "a", json!(1)),
            (1, 0, "b", json!(1)),
            (2, 0, "b", json!(2)),
            (1, 1, "c", json!(1)),
            (1, 2, "c", json!("2")),
            (2, 1, "", json!(1)),
        ]);
        assert_eq!(look.verdict, Verdict::Impossible);
        insta::assert_snapshot!(look.seen, @r#"
        records in topic orders.v1: 7, out of order:
          partition 2 offset 1: it has no key
          key a, partition 0: 1 at offset 1 comes after 2 at offset 0
          key b is in two partitions: partition 1 offset 0, and partition 2 offset 0
          key c, partition 1: the text "2" at offset 2 cannot be compared with the number 1 at offset 1
        "#);
    }

    async fn publish(scenario: &mut Scenario, key: &str, n: &str) {
        let rows = table(&[["key", key], ["$.n", n]]);
        let published = scenario.run("I publish a record to topic orders.v1", rows).await;
        published.expect("it is acknowledged");
    }

    #[tokio::test]
    async fn records_in_order_pass_and_others_fail_with_their_places() {
        let (mut scenario, _cluster) = scenario();
        let text = r#"the records in topic orders.v1 are in order of "$.n" per key"#;
        publish(&mut scenario, "customer-1", "1").await;
        insta::assert_snapshot!(told(scenario.run(text, Block::Nothing).await), @r#"
        Failed: it does not hold
        expected:
          records in topic orders.v1: in order of $.n per key
        seen:
          records in topic orders.v1: 1, and no two of one key with different values
        "#);
        publish(&mut scenario, "customer-1", "2").await;
        scenario.run(text, Block::Nothing).await.expect("they are in order");
        publish(&mut scenario, "customer-1", "0").await;
        let eventually = r#"the records in topic orders.v1 are eventually in order of "$.n" per key within 60 seconds"#;
        insta::assert_snapshot!(told(scenario.run(eventually, Block::Nothing).await), @r#"
        Failed: it can no longer hold
        expected:
          records in topic orders.v1: in order of $.n per key
        seen:
          records in topic orders.v1: 3, out of order:
            key customer-1, partition 0: 0 at offset 2 comes after 2 at offset 1
        "#);
        let selected = table(&[["$.n", "#number 1..9"]]);
        scenario
            .run(text, selected)
            .await
            .expect("the selected ones are in order");
        let unordered = text.replace("$.n", "$.time");
        insta::assert_snapshot!(told(scenario.run(&unordered, Block::Nothing).await), @r#"
        Failed: it does not hold
        expected:
          records in topic orders.v1: in order of $.time per key
        seen:
          records in topic orders.v1: 3, out of order:
            key customer-1, partition 0 offset 0: $.time is absent
            key customer-1, partition 0 offset 1: $.time is absent
            key customer-1, partition 0 offset 2: $.time is absent
        "#);
    }

    #[test]
    fn the_place_is_checked_while_planning() {
        let steps = r#"
            Then the records in topic orders.v1 are in order of "n" per key
            Then the records in topic orders.v1 are in order of "$.n[" per key
            Then the records in topic order.v1 are in order of "$.n" per key
            Then the records in topic orders.v1 are never in order of "$.n" per key"#;
        insta::assert_snapshot!(plan(steps).unwrap_err(), @r#"
        4:13 | Then the records in topic orders.v1 are in order of "n" per key
        a record has no place `n`
        hint: a member of its JSON is `$.n`; a record has `$…`, `header NAME`, `key`, `value`, `partition`, `offset`
        5:13 | Then the records in topic orders.v1 are in order of "$.n[" per key
        `$.n[` is no JSONPath: parser error, at character 4
        hint: such as `$.lines[0].sku` or `$['a key']` (RFC 9535)
        6:39 | Then the records in topic order.v1 are in order of "$.n" per key
        the mesh has no topic `order.v1`
        hint: did you mean `orders.v1`?
        7:13 | Then the records in topic orders.v1 are never in order of "$.n" per key
        this step does not take `never`
        hint: the timings that it takes are none (it must hold now), `eventually` (`within …`), `for …`
        "#);
    }
}
