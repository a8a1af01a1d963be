//! A machine with too little room for as many sandboxes as are asked for.

use momus_engine::run::Settings;

use crate::testbed::{Ran, settings, twelve_ran};

/// Twelve scenarios, eight at a time, where there is room for so many sandboxes.
async fn ran(room: usize) -> Ran {
    let settings = Settings {
        parallel: 8,
        ..settings()
    };
    twelve_ran(room, settings).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_little_room_fewer_run_at_a_time_and_all_run() {
    for room in [1, 2, 5] {
        let ran = ran(room).await;
        assert!(
            ran.ends().iter().all(|end| end.ends_with(" passed")),
            "{:?}",
            ran.ends()
        );
        let told = "fewer scenarios at a time, for want of room: no pipe: Too many open files (os error 24)";
        assert!(
            ran.notices().iter().all(|notice| *notice == told),
            "{:?}",
            ran.notices()
        );
        assert!(ran.notices().len() <= 1);
    }
}

#[tokio::test]
async fn without_room_for_one_nothing_can_be_told() {
    let ran = ran(0).await;
    let why = "unknown: no pipe: Too many open files (os error 24)";
    assert!(ran.ends().iter().all(|end| end.ends_with(why)), "{:?}", ran.ends());
    assert_eq!((ran.ends().len(), ran.summary.exit_code(false)), (12, 3));
}
