//! How far apart the calls to a partner are.

use std::time::Duration;

use momus_engine::eventually::{Look, Verdict};
use momus_engine::failure::in_words;
use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timing::{Timing, TimingKind};

use super::spaced::{Spaced, expected};
use crate::selection::{Selection, check_call};

step! {
    /// Expects that between any call to the partner and the next one there was at least so much time. With a table, only the
    /// calls count that have what it says.
    ///
    /// The time of a call is that of its arrival, its whole body included, before anything answers it: how long the answer
    /// takes belongs to the pause. Fewer than two calls fail it: nothing is apart then.
    ///
    /// ```gherkin
    /// Given the first 2 POST "/charges" from billing to bank are answered 503
    /// When I send POST "/orders" to shop
    /// Then partner bank eventually receives exactly 3 calls
    /// And the calls to partner bank are at least 200 ms apart
    /// ```
    "the calls to partner {partner} are {eventually}at least {duration} apart{within}", BlockShape::Optional(check_call),
    check: some_time, timings: &[TimingKind::Now, TimingKind::Eventually, TimingKind::For];
    pub fn at_least_apart(world, partner: String, timing: Timing, least: Duration; block) {
        let selection = Selection::read(world, &block)?;
        let what = format!("calls to partner {partner}: at least {} apart", in_words(least));
        let look = || async {
            Ok(look(&Spaced::select(&world.timeline, &partner, &selection), least))
        };
        world.expect(timing, &expected(&what, &selection), look).await
    }
}

fn some_time(_mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    if values.contains(&Value::Duration(Duration::ZERO)) {
        return Err("calls are always at least no time apart; hint: such as `at least 200 ms apart`".into());
    }
    Ok(())
}

fn look(spaced: &Spaced<'_>, least: Duration) -> Look {
    let pauses = spaced.pauses();
    let Some(shortest) = pauses.iter().min() else {
        return spaced.too_few("it takes two to be apart", 2 - spaced.calls.len());
    };
    let breaches: Vec<(usize, String)> = pauses
        .iter()
        .enumerate()
        .filter(|(_, pause)| **pause < least)
        .map(|(index, _)| (index + 1, spaced.came(index + 1)))
        .collect();
    if !breaches.is_empty() {
        return spaced.broken("and some too soon after the one before", &breaches);
    }
    Look {
        verdict: Verdict::HeldSoFar,
        seen: format!("{}, the closest {} apart", spaced.counted(), in_words(*shortest)),
        distance: 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{calls, record};
    use super::*;
    use crate::testing::{Scenario, plan, table};
    use momus_engine::step::Block;

    fn looked(times: &[u64]) -> Look {
        look(&calls(times), Duration::from_millis(200))
    }

    #[test]
    fn each_call_is_held_against_the_one_before_it() {
        assert_eq!(looked(&[0, 200, 400]).verdict, Verdict::HeldSoFar);
        let look = looked(&[0, 200, 399, 600, 650]);
        assert_eq!(look.verdict, Verdict::Impossible);
        insta::assert_snapshot!(look.seen, @r"
        calls to partner bank: 5, and some too soon after the one before:
          call 3 came 199 ms after call 2
            POST /charges answered 201: {}
          call 5 came 50 ms after call 4
            POST /charges answered 201: {}
        ");
        assert_eq!(looked(&[7]).verdict, Verdict::NotYet);
    }

    #[test]
    fn of_many_breaches_the_first_few_are_shown() {
        insta::assert_snapshot!(looked(&[0; 9]).seen, @r"
        calls to partner bank: 9, and some too soon after the one before:
          call 2 came 0 ms after call 1
            POST /charges answered 201: {}
          call 3 came 0 ms after call 2
            POST /charges answered 201: {}
          call 4 came 0 ms after call 3
            POST /charges answered 201: {}
          call 5 came 0 ms after call 4
            POST /charges answered 201: {}
          call 6 came 0 ms after call 5
            POST /charges answered 201: {}
          … and 3 more
        ");
    }

    #[tokio::test]
    async fn calls_that_are_apart_pass_and_others_fail() {
        let mut scenario = Scenario::begin();
        let rows = || table(&[["$.amount", "12"]]);
        let text = "the calls to partner bank are at least 2 ms apart";
        insta::assert_snapshot!(scenario.fails(text, rows()).await, @r"
        Failed: it does not hold
        expected:
          calls to partner bank: at least 2 ms apart
            $.amount: 12
        seen:
          calls to partner bank: none at all; it takes two to be apart
        ");
        record(&scenario, json!({"amount": 12}));
        let first = scenario.world.timeline.elapsed();
        insta::assert_snapshot!(scenario.fails(text, rows()).await, @r"
        Failed: it does not hold
        expected:
          calls to partner bank: at least 2 ms apart
            $.amount: 12
        seen:
          calls to partner bank: 1; it takes two to be apart
        ");
        while scenario.world.timeline.elapsed() < first + Duration::from_millis(2) {
            tokio::task::yield_now().await;
        }
        record(&scenario, json!({"amount": 12}));
        record(&scenario, json!({"amount": 7}));
        scenario.passes(text, rows()).await;
        let waiting = "the calls to partner bank are eventually at least 2 hours apart within 60 seconds";
        let failure = scenario.fails(waiting, rows()).await;
        let took = regex::Regex::new(r"came \d+ ms").unwrap();
        insta::assert_snapshot!(took.replace_all(&failure, "came TIME"), @r#"
        Failed: it can no longer hold
        expected:
          calls to partner bank: at least 120.0 min apart
            $.amount: 12
        seen:
          calls to partner bank: 2, and 1 other, and some too soon after the one before:
            call 2 came TIME after call 1
              POST /charges answered 201: {"amount":12}
        "#);
    }

    #[tokio::test]
    async fn a_second_call_is_waited_for() {
        let mut scenario = Scenario::begin();
        record(&scenario, json!({}));
        let timeline = scenario.world.timeline.clone();
        let first = timeline.elapsed();
        let later = async {
            while timeline.open_waits().is_empty() || timeline.elapsed() < first + Duration::from_millis(2) {
                tokio::task::yield_now().await;
            }
            super::super::testing::call(&timeline, json!({}));
        };
        let text = "the calls to partner bank are eventually at least 1 ms apart within 1 s";
        tokio::join!(scenario.passes(text, Block::Nothing), later);
    }

    #[test]
    fn what_says_nothing_is_told_while_planning() {
        let errors = plan(
            "    * the calls to partner bank are at least 0 ms apart
    * the calls to partner bnak are at least 200 ms apart
    * the calls to partner bank are never at least 200 ms apart
    * the calls to partner bank are at least 200 ms apart
      | metod | POST |",
        );
        insta::assert_snapshot!(errors.unwrap_err(), @r"
        3:5 | * the calls to partner bank are at least 0 ms apart
        calls are always at least no time apart
        hint: such as `at least 200 ms apart`
        4:28 | * the calls to partner bnak are at least 200 ms apart
        the mesh has no partner `bnak`
        hint: did you mean `bank`?
        5:5 | * the calls to partner bank are never at least 200 ms apart
        this step does not take `never`
        hint: the timings that it takes are none (it must hold now), `eventually` (`within …`), `for …`
        7:9 | | metod | POST |
        a call has no place `metod`
        hint: did you mean `method`?
        ");
    }
}
