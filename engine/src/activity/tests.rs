use super::*;

const SETTLE: Duration = Duration::from_millis(300);

#[tokio::test(start_paused = true)]
async fn it_is_quiet_once_the_last_effect_has_settled() {
    let activity = Activity::new(Some(SETTLE));
    assert_eq!(activity.quiet(), Quiet::Yes { effects: 0 });
    activity.effect("billing → kafka  Produce invoices.v1");
    let at = Instant::now() + SETTLE;
    assert_eq!(
        activity.quiet(),
        Quiet::NotYet {
            why: "billing → kafka  Produce invoices.v1".into(),
            at: Some(at),
        }
    );
    tokio::time::advance(SETTLE).await;
    assert_eq!(activity.quiet(), Quiet::Yes { effects: 1 });
}

#[tokio::test(start_paused = true)]
async fn an_effect_after_a_verdict_that_rests_on_quiet_is_noted_until_somebody_drives() {
    let activity = Activity::new(Some(SETTLE));
    let before = activity.quiet();
    activity.effect("before");
    assert!(!activity.rests_on(&before) && !activity.rests_on(&activity.quiet()));
    tokio::time::advance(SETTLE).await;
    assert!(activity.rests_on(&activity.quiet()));
    assert_eq!(activity.disturbed(), None);
    activity.effect("first");
    activity.effect("second");
    assert_eq!(activity.disturbed().map(|effect| effect.what), Some("first".into()));
    activity.is_driven();
    activity.effect("third");
    assert_eq!((activity.disturbed(), activity.rests()), (None, false));
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_keeps_it_from_being_quiet_whatever_the_time() {
    let activity = Activity::new(Some(SETTLE));
    let transaction = activity.begins("a transaction of billing");
    tokio::time::advance(SETTLE * 100).await;
    assert_eq!(
        activity.quiet(),
        Quiet::NotYet {
            why: "a transaction of billing (30 s)".into(),
            at: None,
        }
    );
    drop(transaction);
    let at = Some(Instant::now() + SETTLE);
    let why = "a transaction of billing".into();
    assert_eq!(activity.quiet(), Quiet::NotYet { why, at });
    tokio::time::advance(SETTLE).await;
    assert_eq!(activity.quiet(), Quiet::Yes { effects: 0 });
}

#[tokio::test(start_paused = true)]
async fn what_is_over_before_long_delays_nothing() {
    let activity = Activity::new(Some(SETTLE));
    for _ in 0..10 {
        let read = activity.begins("billing reads billing-db");
        assert!(matches!(activity.quiet(), Quiet::NotYet { at: None, .. }));
        tokio::time::advance(SETTLE / 2).await;
        drop(read);
        assert_eq!(activity.quiet(), Quiet::Yes { effects: 0 });
    }
}

#[tokio::test(start_paused = true)]
async fn settle_counts_from_what_the_scenario_did_and_from_when_the_services_were_ready() {
    let activity = Activity::new(None);
    activity.settles_in(Some(SETTLE));
    let delayed = || {
        let at = Some(Instant::now() + SETTLE);
        matches!(activity.quiet(), Quiet::NotYet { at: until, .. } if until == at)
    };
    assert!(delayed());
    tokio::time::advance(SETTLE).await;
    assert_eq!(activity.quiet(), Quiet::Yes { effects: 0 });
    activity.is_driven();
    assert!(delayed());
}

#[tokio::test]
async fn what_is_hidden_can_never_be_told() {
    let unknown = Activity::new(None);
    assert!(matches!(unknown.quiet(), Quiet::Hidden { why } if why.contains("settle")));
    let encrypted = Activity::new(Some(SETTLE));
    encrypted.is_hidden("billing speaks TLS to bank");
    assert_eq!(
        encrypted.quiet(),
        Quiet::Hidden {
            why: "billing speaks TLS to bank".into()
        }
    );
}

#[tokio::test]
async fn what_may_make_it_quiet_sooner_or_later_is_told() {
    let activity = Activity::new(Some(SETTLE));
    let mut changes = activity.changes();
    let mut told = || {
        let told = changes.has_changed().unwrap();
        changes.mark_unchanged();
        told
    };
    let begun = activity.begins("a request");
    assert!(!told());
    drop(begun);
    assert!(told());
    activity.effect("a call");
    assert!(told());
    activity.stirs("a request of the test client");
    assert!(told());
}
