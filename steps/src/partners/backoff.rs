//! Whether the pauses between the calls to a partner grow.

use momus_engine::eventually::{Look, Verdict};
use momus_engine::failure::in_words;
use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timing::{Timing, TimingKind};
use momus_engine::values::shortened;

use super::spaced::{Spaced, expected};
use crate::selection::{Selection, check_call};

/// How much shorter than the one before it a pause may be where the step does not say, in per cent: no machine wakes a
/// sleeper to the millisecond.
const GIVE_OR_TAKE: f64 = 10.0;

step! {
    /// Expects backoff: each pause between two calls to the partner is at least as long as the one before it, and the longest
    /// is longer than the first. With a table, only the calls count that have what it says.
    ///
    /// `, give or take 50 %` is for jitter: so much shorter than the one before it a pause may be, and by so much longer than
    /// the first the longest must be. Where the step does not say, that is 10 %. The time of a call is that of its
    /// arrival. Fewer than three calls fail it: they have not two pauses to compare.
    ///
    /// ```gherkin
    /// Given the first 3 POST "/charges" from billing to bank are answered 503
    /// When I send POST "/orders" to shop
    /// Then partner bank eventually receives exactly 4 calls
    /// And the calls to partner bank are ever further apart, give or take 20 %
    /// ```
    "the calls to partner {partner} are {eventually}ever further apart{tolerance}{within}",
    BlockShape::Optional(check_call), check: less_than_all,
    timings: &[TimingKind::Now, TimingKind::Eventually, TimingKind::For];
    pub fn ever_further_apart(world, partner: String, timing: Timing, tolerance: Option<f64>; block) {
        let selection = Selection::read(world, &block)?;
        let tolerance = tolerance.unwrap_or(GIVE_OR_TAKE);
        let what = format!("calls to partner {partner}: ever further apart, give or take {tolerance} %");
        let look = || async {
            Ok(look(&Spaced::select(&world.timeline, &partner, &selection), tolerance))
        };
        world.expect(timing, &expected(&what, &selection), look).await
    }
}

fn less_than_all(_mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    let given = values.iter().find_map(|value| match value {
        Value::Tolerance(given) => *given,
        _ => None,
    });
    match given {
        Some(given) if given >= 100.0 => {
            Err("give or take 100 % allows every pause; hint: such as `, give or take 50 %`".into())
        }
        _ => Ok(()),
    }
}

fn look(spaced: &Spaced<'_>, tolerance: f64) -> Look {
    let pauses = spaced.pauses();
    let ([first, _, ..], Some(longest)) = (pauses.as_slice(), pauses.iter().max()) else {
        return spaced.too_few("it takes three to be ever further apart", 3 - spaced.calls.len());
    };
    let share = tolerance / 100.0;
    let breaches: Vec<(usize, String)> = pauses
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[1] < pair[0].mul_f64(1.0 - share))
        .map(|(index, pair)| {
            let came = spaced.came(index + 2);
            let before = in_words(pair[0]);
            (
                index + 2,
                format!("{came}, which had come {before} after call {}", index + 1),
            )
        })
        .collect();
    if !breaches.is_empty() {
        return spaced.broken("and some sooner than the one before", &breaches);
    }
    let told = pauses
        .iter()
        .map(|pause| in_words(*pause))
        .collect::<Vec<_>>()
        .join(", ");
    let seen = format!("{}, with pauses of {}", spaced.counted(), shortened(&told));
    if longest > &first.mul_f64(1.0 + share) {
        return Look {
            verdict: Verdict::HeldSoFar,
            seen,
            distance: 0,
        };
    }
    Look {
        // A later pause may be longer.
        verdict: Verdict::NotYet,
        seen: format!("{seen}: they do not grow"),
        distance: 1,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::testing::{call, calls};
    use super::*;
    use crate::testing::{Scenario, plan};
    use momus_engine::step::Block;

    fn looked(times: &[u64]) -> Look {
        look(&calls(times), 10.0)
    }

    #[test]
    fn pauses_that_grow_hold_until_they_are_as_long_as_they_get() {
        assert_eq!(looked(&[0, 100, 300, 700]).verdict, Verdict::HeldSoFar);
        // A ceiling, reached a little sooner.
        assert_eq!(looked(&[0, 100, 300, 700, 1095, 1495]).verdict, Verdict::HeldSoFar);
        assert_eq!(look(&calls(&[0, 100, 250, 340]), 50.0).verdict, Verdict::NotYet);
        assert_eq!(look(&calls(&[0, 100, 260, 350]), 50.0).verdict, Verdict::HeldSoFar);
    }

    #[test]
    fn a_pause_shorter_than_the_one_before_breaks_it_for_good() {
        let look = looked(&[0, 100, 300, 450]);
        assert_eq!(look.verdict, Verdict::Impossible);
        insta::assert_snapshot!(look.seen, @r"
        calls to partner bank: 4, and some sooner than the one before:
          call 4 came 150 ms after call 3, which had come 200 ms after call 2
            POST /charges answered 201: {}
        ");
    }

    #[test]
    fn pauses_of_one_length_are_no_backoff() {
        let look = looked(&[0, 100, 203, 301]);
        assert_eq!(look.verdict, Verdict::NotYet);
        insta::assert_snapshot!(look.seen, @"calls to partner bank: 4, with pauses of 100 ms, 103 ms, 98 ms: they do not grow");
        // Calls at once have no pauses that grow.
        assert_eq!(looked(&[5, 5, 5]).verdict, Verdict::NotYet);
        insta::assert_snapshot!(looked(&[0, 100]).seen, @"calls to partner bank: 2; it takes three to be ever further apart");
    }

    /// Has the bank called so long from now at the earliest: how long it was.
    async fn later(scenario: &Scenario, least: Duration) -> Duration {
        let timeline = &scenario.world.timeline;
        let began = timeline.elapsed();
        while timeline.elapsed() < began + least {
            tokio::task::yield_now().await;
        }
        call(timeline, json!({}));
        timeline.elapsed().saturating_sub(began)
    }

    #[tokio::test]
    async fn calls_with_backoff_pass_and_others_fail() {
        let mut scenario = Scenario::begin();
        let text = "the calls to partner bank are ever further apart, give or take 20 %";
        insta::assert_snapshot!(scenario.fails(text, Block::Nothing).await, @r"
        Failed: it does not hold
        expected:
          calls to partner bank: ever further apart, give or take 20 %
        seen:
          calls to partner bank: none at all; it takes three to be ever further apart
        ");
        let timeline = scenario.world.timeline.clone();
        let mut shortest = Duration::from_millis(1);
        for _ in 0..3 {
            let pause = later(&scenario, shortest).await;
            // Longer than the one before it, however long that has become.
            shortest = pause.max(Duration::from_millis(20)) * 2;
        }
        scenario.passes(text, Block::Nothing).await;
        later(&scenario, shortest).await;
        call(&timeline, json!({}));
        let failure = scenario.fails(text, Block::Nothing).await;
        let took = regex::Regex::new(r"(came|come) [0-9.]+ m?s").unwrap();
        insta::assert_snapshot!(took.replace_all(&failure, "$1 TIME"), @r"
        Failed: it does not hold
        expected:
          calls to partner bank: ever further apart, give or take 20 %
        seen:
          calls to partner bank: 5, and some sooner than the one before:
            call 5 came TIME after call 4, which had come TIME after call 3
              POST /charges answered 201: {}
        ");
    }

    #[test]
    fn a_tolerance_of_everything_is_told_while_planning() {
        let errors = plan(
            "    * the calls to partner bank are ever further apart, give or take 100 %
    * the calls to partner bank are ever further apart, give or take 120 %
    * the calls to partner bank are never ever further apart",
        );
        insta::assert_snapshot!(errors.unwrap_err(), @r"
        3:5 | * the calls to partner bank are ever further apart, give or take 100 %
        give or take 100 % allows every pause
        hint: such as `, give or take 50 %`
        4:5 | * the calls to partner bank are ever further apart, give or take 120 %
        `120 %` is more than all
        hint: a share is `0 %` to `100 %`
        5:5 | * the calls to partner bank are never ever further apart
        this step does not take `never`
        hint: the timings that it takes are none (it must hold now), `eventually` (`within …`), `for …`
        ");
    }
}
