//! What a bucket holds.

use std::collections::BTreeMap;

use momus_engine::count::Count;
use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::step;
use momus_engine::step::{BlockShape, StepDefinition};
use momus_engine::timing::Timing;
use momus_engine::values::Kept;

use super::bucket::{Object, bucket};
use crate::counted::{Counted, Lasting};
use crate::selection::{Judgement, Miss, Selection, check_line};

/// The sentences that count objects and lines.
pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![has_objects(), has_lines()]
}

step! {
    /// Counts the objects whose names begin with a prefix; `, and no other` demands besides that the bucket holds
    /// nothing else.
    ///
    /// ```gherkin
    /// Then bucket receipts eventually has exactly 2 objects under "2026/11/", and no other within 5 seconds
    /// ```
    "bucket {bucket} {eventually}has {count} object(s) under {text}{only}{within}",
    BlockShape::Nothing, check: check_prefix;
    pub fn has_objects(world, name: String, timing: Timing, count: Count, prefix: String, only: bool; _block) {
        let prefix = world.text(&prefix)?;
        let bucket = bucket(world, &name)?;
        let counted = Counted {
            what: &format!("objects under \"{prefix}\" in bucket {name}"),
            count,
            only,
            lasting: Lasting::Changes,
            selection: &Selection::default(),
        };
        let looked_at = if only { "" } else { &prefix };
        let look = || async {
            let objects = bucket.list(&world.timeline, looked_at).await?;
            Ok(objects.into_iter().map(|object| under(&prefix, object)).collect())
        };
        counted.expect_judged(world, timing, look).await
    }
}

step! {
    /// Counts the lines of all objects under a prefix that have what the table says; without a table, all of them.
    ///
    /// Empty lines do not count. A line is JSON, `$…` a place in it; one that is not JSON has no places. What is
    /// compressed with gzip is inflated, whatever the object's name.
    ///
    /// `as NAME` keeps the one line of `exactly 1`: `${NAME.a.b}` reads it, `${NAME:object}` is the name of its object.
    ///
    /// ```gherkin
    /// Then bucket receipts eventually has exactly 1 line under "2026/11/", and no other
    ///   | $.order.id | o-1        |
    ///   | $.paid_at  | #timestamp |
    /// ```
    "bucket {bucket} {eventually}has {count} line(s) under {text}{as}{only}{within}",
    BlockShape::Optional(check_line), check: check_prefix;
    pub fn has_lines(world, name: String, timing: Timing, count: Count, prefix: String, kept_as: Option<String>, only: bool; block) {
        let prefix = world.text(&prefix)?;
        let selection = Selection::read(world, &block)?;
        let bucket = bucket(world, &name)?;
        let counted = Counted {
            what: &format!("lines under \"{prefix}\" in bucket {name}"),
            count,
            only,
            lasting: Lasting::Changes,
            selection: &selection,
        };
        let look = || async {
            let objects = bucket.list(&world.timeline, &prefix).await?;
            let lines = bucket.lines(&objects).await?;
            Ok(lines.into_iter().flat_map(|(_, lines)| lines).collect::<Vec<_>>())
        };
        let found = counted.expect_one(world, timing, look).await?;
        if let (Some(kept_as), Some(line)) = (kept_as, found) {
            let kept = Kept {
                what: format!("the line that was found in bucket {name}"),
                json: line.value.clone(),
                aspects: BTreeMap::from([("object".to_owned(), (*line.object).into())]),
            };
            world.values.keep(kept_as, kept);
        }
        Ok(())
    }
}

/// A name that begins with a slash is most likely a slip, and nothing would be found under it.
pub(super) fn check_prefix(_mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    let prefix = values.iter().find_map(|value| match value {
        Value::Text(text) => text.strip_prefix('/'),
        _ => None,
    });
    match prefix {
        Some(rest) => Err(format!(
            "the names of objects begin without a slash; hint: write `{rest}` in place of `/{rest}`"
        )),
        None => Ok(()),
    }
}

fn under(prefix: &str, object: Object) -> (Object, Judgement) {
    let mut judgement = Judgement::default();
    if !object.name.starts_with(prefix) {
        judgement.misses.push(Miss {
            place: "name".to_owned(),
            expected: format!("under \"{prefix}\""),
            seen: format!("\"{}\"", object.name),
        });
    }
    (object, judgement)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use momus_engine::event::Happening;
    use momus_engine::step::Block;

    use crate::storage::server::scenario;
    use crate::testing::{Scenario, plan, table, told};

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).expect("it is memory");
        encoder.finish().expect("it is memory")
    }

    async fn run(scenario: &mut Scenario, text: &str, rows: &[[&str; 2]]) -> Result<(), String> {
        let block = if rows.is_empty() { Block::Nothing } else { table(rows) };
        match scenario.run(text, block).await {
            Ok(()) => Ok(()),
            failed => Err(told(failed)),
        }
    }

    #[tokio::test]
    async fn objects_and_their_lines_are_counted() {
        let (mut scenario, receipts) = scenario().await;
        let none = r#"bucket receipts has no objects under """#;
        assert_eq!(run(&mut scenario, none, &[]).await, Ok(()));
        receipts.put("topics/orders+0+01.ndjson.gz", &gzip("{\"n\":1}\n{\"n\":2}\n"));
        receipts.put("topics/orders+0+02.ndjson", b"{\"n\":2}\n\n{\"n\":3}");
        receipts.put("other/a", b"{\"n\":3}\n");
        for (text, rows) in [
            (r#"bucket receipts has exactly 2 objects under "topics/""#, &[][..]),
            (
                r#"bucket receipts has exactly 1 object under "topics/orders+0+01""#,
                &[],
            ),
            (r#"bucket receipts has exactly 3 objects under "", and no other"#, &[]),
            (r#"bucket receipts has no object under "topic/""#, &[]),
            (
                r#"bucket receipts has exactly 4 lines under "topics/", and no other"#,
                &[],
            ),
            (
                r#"bucket receipts has exactly 2 lines under "topics/""#,
                &[["$.n", "2"]],
            ),
            (
                r#"bucket receipts eventually has at least 1 line under "topics/""#,
                &[["$.n", "3"]],
            ),
            (
                r#"bucket receipts has exactly 2 objects under "topics/" with a line"#,
                &[["$.n", "2"]],
            ),
            (
                r#"bucket receipts has exactly 1 object under "topics/" with a line"#,
                &[["$.n", "3"]],
            ),
            (
                r#"bucket receipts has no object under "topics/" with a line"#,
                &[["$.n", "4"]],
            ),
        ] {
            assert_eq!(run(&mut scenario, text, rows).await, Ok(()), "{text}");
        }
    }

    #[tokio::test]
    async fn the_one_line_is_kept() {
        let (mut scenario, receipts) = scenario().await;
        receipts.put(
            "topics/a",
            b"{\"n\":1,\"kind\":\"note\"}\n{\"n\":2,\"kind\":\"order\"}\n",
        );
        let text = r#"bucket receipts has exactly 1 line under "topics/" as order"#;
        assert_eq!(run(&mut scenario, text, &[["$.kind", "order"]]).await, Ok(()));
        let text = r#"bucket receipts has exactly 1 line under "${order:object}""#;
        assert_eq!(run(&mut scenario, text, &[["$.n", "${order.n}"]]).await, Ok(()));
        let text = r#"bucket receipts has exactly 2 lines under "${order:object}", and no other"#;
        assert_eq!(run(&mut scenario, text, &[]).await, Ok(()));
    }

    #[tokio::test]
    async fn what_is_missing_or_too_much_is_told_with_its_place() {
        let (mut scenario, receipts) = scenario().await;
        let mut all = Vec::new();
        let mut failed = async |text: &str, rows: &[[&str; 2]], scenario: &mut Scenario| {
            all.push(run(scenario, text, rows).await.unwrap_err());
        };
        let with = r#"bucket receipts has an object under "topics/" with a line"#;
        failed(with, &[["$.n", "1"]], &mut scenario).await;
        receipts.put("topics/a.ndjson.gz", &gzip("{\"n\":1,\"kind\":\"order\"}\nno JSON\n"));
        receipts.put("topics/empty", b"");
        receipts.put("other", b"");
        failed(with, &[["$.n", "2"], ["$.kind", "order"]], &mut scenario).await;
        let with = r#"bucket receipts has an object under "topics/empty" with a line"#;
        failed(with, &[["$.n", "#absent"]], &mut scenario).await;
        let lines = r#"bucket receipts has a line under "topics/a""#;
        failed(lines, &[["$.a", "1"], ["$.b", "2"]], &mut scenario).await;
        let lines = r#"bucket receipts has a line under "topics/", and no other"#;
        failed(lines, &[["$.n", "1"]], &mut scenario).await;
        let objects = r#"bucket receipts has exactly 1 object under "topics/""#;
        failed(objects, &[], &mut scenario).await;
        let objects = r#"bucket receipts has at least 2 objects under "topics/", and no other"#;
        failed(objects, &[], &mut scenario).await;
        insta::assert_snapshot!(all.join("\n\n"), @r#"
        Failed: it does not hold
        expected:
          objects under "topics/" with a line in bucket receipts: at least 1
            $.n: 1
        seen:
          objects under "topics/" with a line in bucket receipts: none at all

        Failed: it does not hold
        expected:
          objects under "topics/" with a line in bucket receipts: at least 1
            $.n: 2
            $.kind: "order"
        seen:
          objects under "topics/" with a line in bucket receipts: 0, and 2 other
          the nearest other: topics/a.ndjson.gz line 1: {"n":1,"kind":"order"}
            $.n: expected 2, was 1

        Failed: it does not hold
        expected:
          objects under "topics/empty" with a line in bucket receipts: at least 1
            $.n: #absent
        seen:
          objects under "topics/empty" with a line in bucket receipts: 0, and 1 other
          the nearest other: topics/empty (0 bytes)
            lines: expected at least 1, was none

        Failed: it does not hold
        expected:
          lines under "topics/a" in bucket receipts: at least 1
            $.a: 1
            $.b: 2
        seen:
          lines under "topics/a" in bucket receipts: 0, and 2 other
          the nearest other: topics/a.ndjson.gz line 2: "no JSON"
            $.a: expected 1, was absent: the line is not JSON
            $.b: expected 2, was absent: the line is not JSON

        Failed: it does not hold
        expected:
          lines under "topics/" in bucket receipts: at least 1, and no other
            $.n: 1
        seen:
          lines under "topics/" in bucket receipts: 1, and 1 other
          other: topics/a.ndjson.gz line 2: "no JSON"
            $.n: expected 1, was absent: the line is not JSON

        Failed: it does not hold
        expected:
          objects under "topics/" in bucket receipts: exactly 1
        seen:
          objects under "topics/" in bucket receipts: 2
            topics/a.ndjson.gz (51 bytes)
            topics/empty (0 bytes)

        Failed: it does not hold
        expected:
          objects under "topics/" in bucket receipts: at least 2, and no other
        seen:
          objects under "topics/" in bucket receipts: 2, and 1 other
          other: other (0 bytes)
            name: expected under "topics/", was "other"
        "#);
    }

    #[tokio::test]
    async fn what_is_written_again_is_read_again() {
        let (mut scenario, receipts) = scenario().await;
        let text = r#"bucket receipts has exactly 1 line under "a", and no other"#;
        // Of one size, within one second.
        for n in ["1", "2", "3"] {
            receipts.put("a", format!("{{\"n\":{n}}}").as_bytes());
            assert_eq!(run(&mut scenario, text, &[["$.n", n]]).await, Ok(()));
        }
        receipts.delete("a");
        let text = r#"bucket receipts has no lines under "a""#;
        assert_eq!(run(&mut scenario, text, &[]).await, Ok(()));
    }

    #[tokio::test]
    async fn looking_does_not_spin_and_only_changes_are_told() {
        let (mut scenario, receipts) = scenario().await;
        receipts.put("a", b"{\"n\":1}");
        let text = r#"bucket receipts eventually has exactly 2 lines under "a" within 600 ms"#;
        let failure = scenario.run(text, Block::Nothing).await.expect_err("there is one");
        // One at the beginning, each 250 ms, and at the deadline.
        assert!(
            failure.looks.is_some_and(|looks| (2..=4).contains(&looks)),
            "{failure:?}"
        );
        let told = scenario.world.timeline.look(|events| {
            let told = events.iter().filter_map(|event| match &event.happening {
                Happening::Objects { names, .. } => Some(names.clone()),
                _ => None,
            });
            told.collect::<Vec<_>>()
        });
        assert_eq!(told, [["a"]]);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_told() {
        let (mut scenario, receipts) = scenario().await;
        receipts.put("a.gz", &gzip(&"{}\n".repeat(1_000))[..30]);
        let text = r#"bucket receipts has a line under "a""#;
        let told = run(&mut scenario, text, &[]).await.unwrap_err();
        let expected = "Failed: object a.gz of bucket receipts is not whole: it begins as gzip, but ";
        assert!(told.starts_with(expected), "{told}");
        receipts.put("a.gz", &gzip(&"0".repeat(70_000_000)));
        insta::assert_snapshot!(run(&mut scenario, text, &[]).await.unwrap_err(), @r#"
        Unknown: the test client cannot read bucket receipts: with a.gz it would read more than 64 MiB, inflated
        hint: a longer prefix leaves out what does not matter
        "#);
        let mut endpoint = scenario.world.client("receipts").expect("it is named");
        endpoint.password = Some("another".into());
        let (mut scenario, _receipts) = crate::storage::server::scenario().await;
        scenario.endpoint("receipts", endpoint);
        let told = run(&mut scenario, text, &[]).await.unwrap_err();
        assert!(
            told.starts_with("Unknown: the test client cannot read bucket receipts: "),
            "{told}"
        );
    }

    #[test]
    fn prefixes_and_places_are_checked_while_planning() {
        let steps = r#"
            Then bucket receipts has an object under "/topics/"
            Then bucket receipts has a line under "topics/"
              | key | 1 |
            Then bucket receipts has an object under "topics/" with a line
            Then bucket reciepts has an object under "topics/""#;
        insta::assert_snapshot!(plan(steps).unwrap_err(), @r#"
        4:13 | Then bucket receipts has an object under "/topics/"
        the names of objects begin without a slash
        hint: write `topics/` in place of `/topics/`
        6:17 | | key | 1 |
        a line has no place `key`
        hint: a member of its JSON is `$.key`; a line has `$…`
        7:13 | Then bucket receipts has an object under "topics/" with a line
        this step needs what stands below it
        hint: see `momus steps "bucket {bucket} {eventually}has {count} object(s) under {text} with a line{within}"`
        8:25 | Then bucket reciepts has an object under "topics/"
        the mesh has no bucket `reciepts`
        hint: did you mean `receipts`?
        "#);
    }
}
