//! The order of the calls to a partner.

use std::cmp::Ordering;

use momus_engine::eventually::{Look, Verdict};
use momus_engine::failure::Failure;
use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timing::{Timing, TimingKind};
use serde_json::Value as Json;

use super::spaced::{Spaced, expected};
use crate::events::order::compare;
use crate::selection::{CALL, Place, Selection, Subject, check_call, shown, shown_with_type};

step! {
    /// Expects that no call to the partner comes before one whose value at a place is smaller, in the order of arrival. With
    /// a table, only the calls count that have what it says.
    ///
    /// Numbers compare as numbers, RFC 3339 timestamps as times, other texts as texts; equal values are in order. Where the
    /// place finds several values in one call, as `$.events[*].number` in a batch, they stand in the order of the call. A call
    /// without a value fails it, and so do calls that have not two different values: then nothing was in order.
    ///
    /// ```gherkin
    /// Then the calls to partner bank are in order of "$.number"
    ///   | method | POST |
    ///   | status | 201  |
    /// ```
    "the calls to partner {partner} are {eventually}in order of {text}{within}", BlockShape::Optional(check_call),
    check: check_place, timings: &[TimingKind::Now, TimingKind::Eventually, TimingKind::For];
    pub fn in_order(world, partner: String, timing: Timing, place: String; block) {
        let selection = Selection::read(world, &block)?;
        let place = CALL.parse(&world.text(&place)?).map_err(Failure::failed)?;
        let what = format!("calls to partner {partner}: in order of {place}");
        let look = || async {
            Ok(look(&Spaced::select(&world.timeline, &partner, &selection), &place))
        };
        world.expect(timing, &expected(&what, &selection), look).await
    }
}

fn check_place(_mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    values.iter().try_for_each(|value| match value {
        Value::Text(place) if !place.contains("${") => CALL.parse(place).map(drop),
        _ => Ok(()),
    })
}

fn look(calls: &Spaced<'_>, place: &Place) -> Look {
    let (mut breaches, mut compared) = (Vec::new(), false);
    // The value before, and the number of its call.
    let mut before: Option<(Json, usize)> = None;
    for (index, call) in calls.calls.iter().enumerate() {
        let number = index + 1;
        let values = call.read(place);
        if values.is_empty() {
            breaches.push((index, format!("call {number}: {place} is {}", call.absence(place))));
        }
        for value in values {
            if let Some((smaller, of)) = &before {
                match compare(smaller, &value) {
                    Some(Ordering::Less) => compared = true,
                    Some(Ordering::Equal) => {}
                    Some(Ordering::Greater) => breaches.push((
                        index,
                        format!(
                            "{} (call {number}) comes after {} (call {of})",
                            shown(&value),
                            shown(smaller)
                        ),
                    )),
                    None => breaches.push((
                        index,
                        format!(
                            "{} (call {number}) cannot be compared with {} (call {of})",
                            shown_with_type(&value),
                            shown_with_type(smaller)
                        ),
                    )),
                }
            }
            before = Some((value, number));
        }
    }
    if !breaches.is_empty() {
        return calls.broken("out of order", &breaches);
    }
    if !compared {
        return calls.too_few(&format!("an order takes two different values of {place}"), 1);
    }
    Look {
        verdict: Verdict::HeldSoFar,
        seen: format!("{}, all in order", calls.counted()),
        distance: 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::record;
    use crate::testing::{Scenario, plan, table};
    use momus_engine::step::Block;

    #[tokio::test]
    async fn calls_in_order_pass_and_others_fail_with_their_values() {
        let mut scenario = Scenario::begin();
        let text = r#"the calls to partner bank are in order of "$.number""#;
        insta::assert_snapshot!(scenario.fails(text, Block::Nothing).await, @r"
        Failed: it does not hold
        expected:
          calls to partner bank: in order of $.number
        seen:
          calls to partner bank: none at all; an order takes two different values of $.number
        ");
        for number in [1, 1] {
            record(&scenario, json!({"number": number}));
        }
        insta::assert_snapshot!(scenario.fails(text, Block::Nothing).await, @r"
        Failed: it does not hold
        expected:
          calls to partner bank: in order of $.number
        seen:
          calls to partner bank: 2; an order takes two different values of $.number
        ");
        record(&scenario, json!({"number": 10}));
        scenario.passes(text, Block::Nothing).await;
        record(&scenario, json!({"number": 9}));
        record(&scenario, json!({"number": "9"}));
        record(&scenario, json!({}));
        let eventually = r#"the calls to partner bank are eventually in order of "$.number" within 60 seconds"#;
        insta::assert_snapshot!(scenario.fails(eventually, Block::Nothing).await, @r#"
        Failed: it can no longer hold
        expected:
          calls to partner bank: in order of $.number
        seen:
          calls to partner bank: 6, out of order:
            9 (call 4) comes after 10 (call 3)
              POST /charges answered 201: {"number":9}
            the text "9" (call 5) cannot be compared with the number 9 (call 4)
              POST /charges answered 201: {"number":"9"}
            call 6: $.number is absent
              POST /charges answered 201: {}
        "#);
        let selected = table(&[["$.number", "#number 1..9"]]);
        scenario.passes(text, selected).await;
    }

    #[tokio::test]
    async fn a_batch_has_the_order_of_its_items() {
        let mut scenario = Scenario::begin();
        let text = r#"the calls to partner bank are in order of "$.events[*].n""#;
        for batch in [[1, 2], [2, 3]] {
            record(&scenario, json!({"events": batch.map(|n| json!({"n": n}))}));
        }
        scenario.passes(text, Block::Nothing).await;
        record(&scenario, json!({"events": [{"n": 5}, {"n": 4}]}));
        insta::assert_snapshot!(scenario.fails(text, Block::Nothing).await, @r#"
        Failed: it does not hold
        expected:
          calls to partner bank: in order of $.events[*].n
        seen:
          calls to partner bank: 3, out of order:
            4 (call 3) comes after 5 (call 3)
              POST /charges answered 201: {"events":[{"n":5},{"n":4}]}
        "#);
    }

    #[test]
    fn the_place_is_checked_while_planning() {
        let errors = plan(
            r#"    * the calls to partner bank are in order of "number"
    * the calls to partner bank are never in order of "$.number""#,
        );
        insta::assert_snapshot!(errors.unwrap_err(), @r#"
        3:5 | * the calls to partner bank are in order of "number"
        a call has no place `number`
        hint: a member of its JSON is `$.number`; a call has `$…`, `header NAME`, `query NAME`, `method`, `path`, `status`, `form NAME`, `cookie NAME`
        4:5 | * the calls to partner bank are never in order of "$.number"
        this step does not take `never`
        hint: the timings that it takes are none (it must hold now), `eventually` (`within …`), `for …`
        "#);
    }
}
