use std::cell::Cell;

use super::*;
use crate::timeline::Clock;

const WITHIN_A_MINUTE: Timing = Timing::Eventually {
    within: Some(Duration::from_secs(60)),
};
const SOON: Timing = Timing::Eventually {
    within: Some(Duration::from_millis(60)),
};

fn patience(timing: Timing, pace: Pace) -> Patience {
    Patience {
        timing,
        pace,
        deadline: Duration::from_secs(60),
        early: true,
        ends: None,
    }
}

fn timeline() -> Timeline {
    Timeline::new(Clock::start(), 0, "sandbox")
}

fn saw(verdict: Verdict, seen: u64) -> Result<Look, StepError> {
    Ok(Look {
        verdict,
        seen: format!("{seen} records"),
        distance: 3u64.abs_diff(seen),
    })
}

async fn judge(timeline: &Timeline, timing: Timing, looks: &[(Verdict, u64)]) -> Result<(), StepError> {
    let next = Cell::new(0);
    let look = || {
        let (verdict, seen) = looks[next.get().min(looks.len() - 1)];
        next.set(next.get() + 1);
        async move { saw(verdict, seen) }
    };
    expect(timeline, patience(timing, Pace::Prompt), "3 records", look).await
}

#[tokio::test]
async fn now_looks_once() {
    let failure = judge(&timeline(), Timing::Now, &[(Verdict::NotYet, 1), (Verdict::Held, 3)])
        .await
        .unwrap_err();
    assert_eq!((failure.looks, failure.seen.as_deref()), (None, Some("1 records")));
}

#[tokio::test]
async fn an_event_wakes_it_and_a_lower_bound_ends_it() {
    let timeline = timeline();
    let (seen, ringer) = (Cell::new(0), timeline.clone());
    let prompt = patience(WITHIN_A_MINUTE, Pace::Prompt);
    let waiting = expect(&timeline, prompt, "3 records", || {
        seen.set(seen.get() + 1);
        let seen = seen.get();
        ringer.ring();
        async move { saw(if seen == 3 { Verdict::Held } else { Verdict::NotYet }, seen) }
    });
    tokio::time::timeout(Duration::from_millis(200), waiting)
        .await
        .expect("the bell rang")
        .expect("it held");
    assert_eq!(seen.get(), 3);
}

#[tokio::test]
async fn an_upper_bound_is_judged_at_the_deadline() {
    judge(&timeline(), SOON, &[(Verdict::HeldSoFar, 3)])
        .await
        .expect("it held to the end");
    let broken = judge(&timeline(), SOON, &[(Verdict::HeldSoFar, 3), (Verdict::Impossible, 4)])
        .await
        .unwrap_err();
    assert_eq!(broken.message, "it can no longer hold");
    assert_eq!(broken.nearest.as_deref(), Some("3 records"));
}

#[tokio::test]
async fn a_failure_tells_the_last_look_and_the_nearest() {
    let timeline = timeline();
    let failure = judge(&timeline, SOON, &[(Verdict::NotYet, 2), (Verdict::NotYet, 0)])
        .await
        .unwrap_err();
    assert_eq!(failure.message, "it did not come to hold within 60 ms");
    assert_eq!(
        (failure.seen.as_deref(), failure.nearest.as_deref()),
        (Some("0 records"), Some("2 records"))
    );
    let judged = timeline.drain();
    assert!(matches!(&judged[0].happening, Happening::Expectation { held: false, looks, .. } if *looks >= 2));
}

#[tokio::test]
async fn what_the_test_client_does_wakes_nobody() {
    let timeline = timeline();
    let mut bell = timeline.bell();
    let request = |caller: &str| Happening::Request {
        exchange: 1,
        caller: caller.into(),
        dependency: "shop".into(),
        method: "GET".into(),
        path: "/orders".into(),
    };
    timeline.record(request("client"));
    assert!(!bell.has_changed().expect("the timeline is there"));
    timeline.record(request("billing"));
    assert!(bell.has_changed().expect("the timeline is there"));
    bell.mark_unchanged();
    assert_eq!(timeline.snapshot().len(), 2);
}

/// How many looks are made within half a second of which each makes something happen.
async fn looks(pace: Pace, see: impl Fn(u64) -> u64) -> u64 {
    let (timeline, looks) = (timeline(), Cell::new(0));
    let within = Some(Duration::from_millis(500));
    let look = || {
        looks.set(looks.get() + 1);
        timeline.ring();
        let seen = see(looks.get());
        async move { saw(Verdict::NotYet, seen) }
    };
    let waiting = expect(
        &timeline,
        patience(Timing::Eventually { within }, pace),
        "3 records",
        look,
    );
    waiting.await.expect_err("it never holds");
    looks.get()
}

#[tokio::test]
async fn looks_that_services_notice_come_less_often_while_nothing_changes() {
    // After 10, 20, 40, 80, 160 and 250 ms at the soonest; the last pause is cut short by the deadline.
    let unchanged = looks(Pace::Patient, |_| 0).await;
    assert!(unchanged <= 7, "{unchanged}");
    // Each 10 ms, on a machine with time to spare.
    let changing = looks(Pace::Patient, |look| look).await;
    assert!((10..=51).contains(&changing), "{changing}");
}

const SETTLE: Duration = Duration::from_millis(100);

/// A timeline whose activity is watched.
fn watched() -> Timeline {
    let timeline = timeline();
    timeline.activity().settles_in(Some(SETTLE));
    timeline
}

#[tokio::test(start_paused = true)]
async fn an_upper_bound_is_judged_once_the_mesh_is_quiet() {
    let timeline = watched();
    timeline.activity().effect("billing → kafka  Produce");
    let began = Instant::now();
    judge(&timeline, WITHIN_A_MINUTE, &[(Verdict::HeldSoFar, 3)])
        .await
        .expect("it held");
    assert!(
        began.elapsed() >= SETTLE && began.elapsed() < 2 * SETTLE,
        "{:?}",
        began.elapsed()
    );
    assert!(timeline.activity().rests());
}

#[tokio::test(start_paused = true)]
async fn what_can_come_no_more_fails_once_the_mesh_is_quiet() {
    let timeline = watched();
    tokio::time::advance(SETTLE).await;
    let failure = judge(&timeline, WITHIN_A_MINUTE, &[(Verdict::NotYet, 1)])
        .await
        .unwrap_err();
    assert_eq!(
        failure.message,
        "it did not come to hold, and the mesh is quiet: nothing more comes (after 10 ms)"
    );
}

#[tokio::test(start_paused = true)]
async fn while_something_is_under_way_the_deadline_counts() {
    let timeline = watched();
    let transaction = timeline.activity().begins("a transaction of billing on billing-db");
    let began = Instant::now();
    let failure = judge(&timeline, WITHIN_A_MINUTE, &[(Verdict::NotYet, 1)])
        .await
        .unwrap_err();
    assert!(began.elapsed() >= Duration::from_secs(60));
    assert_eq!(failure.message, "it did not come to hold within 60 s");
    assert_eq!(
        failure.hint.as_deref(),
        Some("something was going on to the last: a transaction of billing on billing-db (60 s)")
    );
    judge(&timeline, SOON, &[(Verdict::HeldSoFar, 3)])
        .await
        .expect("it held");
    let told = timeline.snapshot().pop().map(|event| event.happening);
    assert!(
        matches!(&told, Some(Happening::Expectation { seen, .. }) if seen.starts_with("3 records (looked until the deadline, for something was going on: a transaction")),
        "{told:?}"
    );
    drop(transaction);
    assert!(!timeline.activity().rests());
}

#[tokio::test(start_paused = true)]
async fn an_effect_during_the_look_is_looked_at_again() {
    let timeline = watched();
    let looks = Cell::new(0);
    let look = || {
        looks.set(looks.get() + 1);
        if looks.get() < 4 {
            timeline.activity().effect("billing → kafka  Produce");
        }
        let seen = looks.get();
        async move { saw(Verdict::HeldSoFar, seen) }
    };
    expect(&timeline, patience(WITHIN_A_MINUTE, Pace::Prompt), "3 records", look)
        .await
        .expect("it held");
    assert!(looks.get() > 4, "{}", looks.get());
}

#[tokio::test(start_paused = true)]
async fn never_lasts_until_the_mesh_is_quiet() {
    let never = Timing::Never { within: None };
    let timeline = watched();
    timeline.activity().effect("billing → kafka  Produce");
    let began = Instant::now();
    judge(&timeline, never, &[(Verdict::NotYet, 0)])
        .await
        .expect("it never held");
    assert!(
        began.elapsed() >= SETTLE && began.elapsed() < 2 * SETTLE,
        "{:?}",
        began.elapsed()
    );
    timeline.activity().effect("billing → kafka  Produce");
    let failure = judge(&timeline, never, &[(Verdict::NotYet, 0), (Verdict::Held, 3)])
        .await
        .unwrap_err();
    assert_eq!(failure.expected.as_deref(), Some("never: 3 records"));
    assert!(
        failure.message.starts_with("it came to hold, after "),
        "{}",
        failure.message
    );
}

#[tokio::test(start_paused = true)]
async fn for_so_long_it_holds_at_every_look() {
    let five = Timing::For(Duration::from_secs(5));
    let timeline = watched();
    let began = Instant::now();
    judge(&timeline, five, &[(Verdict::HeldSoFar, 3)])
        .await
        .expect("it held throughout");
    assert!(began.elapsed() >= Duration::from_secs(5));
    let failure = judge(&timeline, five, &[(Verdict::Held, 3), (Verdict::NotYet, 2)])
        .await
        .unwrap_err();
    assert_eq!(failure.message, "it did not hold for 5 s: it ceased after 250 ms");
}

#[tokio::test(start_paused = true)]
async fn without_early_ends_the_deadline_counts() {
    let timeline = watched();
    let began = Instant::now();
    let patience = Patience {
        early: false,
        ..patience(WITHIN_A_MINUTE, Pace::Prompt)
    };
    let look = || async { saw(Verdict::HeldSoFar, 3) };
    expect(&timeline, patience, "3 records", look).await.expect("it held");
    assert!(began.elapsed() >= Duration::from_secs(60));
    assert!(!timeline.activity().rests());
}

#[tokio::test(start_paused = true)]
async fn what_came_before_the_look_and_was_not_read_yet_is_waited_for() {
    let timeline = watched();
    let activity = timeline.activity().clone();
    tokio::spawn(async move {
        tokio::time::sleep_until(Instant::now() + SETTLE + DELIVERY / 2).await;
        activity.effect("billing → kafka  Produce");
    });
    let began = Instant::now();
    judge(&timeline, WITHIN_A_MINUTE, &[(Verdict::HeldSoFar, 3)])
        .await
        .expect("it held");
    assert!(began.elapsed() >= SETTLE * 2, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_effect_leads_to_no_look() {
    let timeline = watched();
    let (poller, looks) = (timeline.activity().clone(), Cell::new(0));
    tokio::spawn(async move {
        loop {
            let read = poller.begins("billing reads billing-db");
            tokio::time::sleep_until(Instant::now() + Duration::from_millis(1)).await;
            drop(read);
            tokio::time::sleep_until(Instant::now() + Duration::from_millis(4)).await;
        }
    });
    let look = || {
        looks.set(looks.get() + 1);
        async { saw(Verdict::HeldSoFar, 3) }
    };
    let began = Instant::now();
    expect(&timeline, patience(WITHIN_A_MINUTE, Pace::Prompt), "3 records", look)
        .await
        .expect("it held");
    assert!(began.elapsed() < SETTLE * 2, "{:?}", began.elapsed());
    assert!(looks.get() <= 4, "{}", looks.get());
}
