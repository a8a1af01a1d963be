//! A run that is ended from outside, at any moment and in whatever way, leaves nothing but the cache and its report.
//!
//! `MOMUS_KILL_SEED` repeats the moments of a test run, which prints its seed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod bazaar;
mod remains;

use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::sync::mpsc::channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bazaar::Bazaar;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use remains::{Process, Trail, Watch, processes};

/// How long the end of all that a killed run started may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How many runs are killed at random moments; a fifth of them while Kafka and Postgres are made ready for the first time.
const KILLS: usize = 50;
/// How many of them go on at a time.
const LANES: usize = 2;
/// A step that nothing fulfils.
const ENDLESS: &str =
    "Feature: f\n  Scenario: s\n    Then topic orders.v1 eventually has at least 99 records within 100 seconds\n";

/// These tests measure times: only one of them runs at a time.
fn machine() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `holds`, looking every 10 ms; `false` when it does not within `limit`.
fn comes_true(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let (_never, tick) = channel::<()>();
    let began = Instant::now();
    while !holds() {
        if began.elapsed() > limit {
            return false;
        }
        let _ = tick.recv_timeout(Duration::from_millis(10));
    }
    true
}

/// Waits until nothing is left of a run: how long it took.
fn gone(bazaar: &Bazaar, mut trail: Trail, when: &str) -> Duration {
    let (began, mut left) = (Instant::now(), Vec::new());
    let gone = comes_true(LIMIT, || {
        left = trail
            .follow(bazaar.root())
            .iter()
            .map(|process| format!("{process:?}"))
            .collect();
        left.extend(bazaar.left().iter().map(|path| path.display().to_string()));
        left.extend(trail.left());
        left.is_empty()
    });
    assert!(
        gone,
        "{when}: {LIMIT:?} later there is still {left:#?}\n{}",
        bazaar.said()
    );
    began.elapsed()
}

/// A run to its end, which passes: how long it took.
fn passes(bazaar: &Bazaar, when: &str) -> Duration {
    let began = Instant::now();
    let ended = bazaar.run(&[]).wait().unwrap();
    assert!(ended.success(), "{when}: {ended}\n{}", bazaar.said());
    began.elapsed()
}

/// Kills a run after a part of the time that it would take: when it was, and how long the end of it all took.
fn kill(bazaar: &Bazaar, first: bool, whole: Duration, part: f64) -> (Duration, Duration) {
    let mut moment = whole.mul_f64(part);
    loop {
        if first {
            bazaar.forget_what_is_made();
        }
        let mut runner = bazaar.run(&[]);
        let (_never, moment_has_come) = channel::<()>();
        let _ = moment_has_come.recv_timeout(moment);
        let mut trail = Trail::default();
        trail.follow(bazaar.root());
        runner.kill().unwrap();
        let ended = runner.wait().unwrap();
        let took = gone(bazaar, trail, &format!("killed after {moment:?}"));
        if ended.signal() == Some(9) {
            return (moment, took);
        }
        // It was faster than the one that was measured.
        moment = moment.mul_f64(0.9);
    }
}

/// Kills at these parts of a run's time, the first time's and a later one's: the longest time that the end of all took.
fn lane(number: usize, of_first: &[f64], of_later: &[f64]) -> Duration {
    let bazaar = Bazaar::new();
    let first = passes(&bazaar, "the first run");
    let later = passes(&bazaar, "the second run");
    let mut longest = Duration::ZERO;
    let mut killed = |first: bool, whole: Duration, part: f64| {
        let (moment, took) = kill(&bazaar, first, whole, part);
        println!("lane {number}: killed after {moment:?} of {whole:?}, all gone {took:?} later");
        longest = longest.max(took);
    };
    let each = of_later.len().div_ceil(of_first.len());
    for (part, parts) in of_first.iter().zip(of_later.chunks(each)) {
        killed(true, first, *part);
        passes(&bazaar, "a run with the cache of a killed one");
        for part in parts {
            killed(false, later, *part);
        }
    }
    passes(&bazaar, "the last run");
    longest
}

/// As many parts of a whole, spread over it evenly and at random, in random order.
fn parts(count: usize, random: &mut StdRng) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let mut parts: Vec<f64> = (0..count)
        .map(|at| (at as f64 + random.random::<f64>()) / count as f64)
        .collect();
    parts.shuffle(random);
    parts
}

#[test]
fn a_runner_killed_at_any_moment_leaves_nothing() {
    let _machine = machine();
    let seed = std::env::var("MOMUS_KILL_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("MOMUS_KILL_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (of_first, of_later) = (parts(KILLS / 5, &mut random), parts(KILLS - KILLS / 5, &mut random));
    let lanes = of_first
        .chunks(of_first.len() / LANES)
        .zip(of_later.chunks(of_later.len() / LANES));
    let began = Instant::now();
    let longest = std::thread::scope(|scope| {
        let lanes = lanes
            .enumerate()
            .map(|(number, (first, later))| scope.spawn(move || lane(number, first, later)));
        let lanes: Vec<_> = lanes.collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).max().unwrap()
    });
    println!(
        "{KILLS} runs killed in {:?}; at the latest all was gone {longest:?} later",
        began.elapsed()
    );
}

#[test]
fn what_a_run_starts_is_found_and_holds_no_file_outside_its_folders() {
    let _machine = machine();
    let bazaar = Bazaar::new();
    let mut runner = bazaar.run(&[]);
    let watch = Watch::begin(bazaar.root(), runner.id().cast_signed());
    let ended = runner.wait().unwrap();
    let seen = watch.end();
    assert!(ended.success(), "{}", bazaar.said());
    assert_eq!(seen.unseen(), Vec::<&str>::new());
    assert_eq!(seen.unmarked.into_iter().collect::<Vec<_>>(), Vec::<String>::new());
    assert!(seen.strays.is_empty(), "{:#?}", seen.strays);
    gone(&bazaar, Trail::default(), "a run that ended by itself");
}

/// A run in the midst of a scenario that takes long.
fn in_the_midst(bazaar: &Bazaar) -> Child {
    bazaar.write("features/sale.feature", ENDLESS);
    let runner = bazaar.run(&["--format", "junit:out/junit.xml", "--timeout", "100s"]);
    let shop = || process(bazaar, "the shop's child").is_some();
    assert!(comes_true(Duration::from_secs(60), shop), "{}", bazaar.said());
    runner
}

fn process(bazaar: &Bazaar, kind: &str) -> Option<Process> {
    processes(bazaar.root()).into_iter().find(|process| process.is(kind))
}

fn signal(pid: i32, signal: &str) {
    let sent = std::process::Command::new("sh")
        .args(["-c", &format!("kill -{signal} {pid}")])
        .status();
    assert!(sent.unwrap().success());
}

/// Whether reports are whole: every line of the timeline is JSON, and the last one ends the run.
fn assert_reported(bazaar: &Bazaar, outcome: &str) {
    let timeline = bazaar.read("momus-report/timeline.ndjson");
    let events: Vec<serde_json::Value> = timeline
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    assert!(
        events
            .iter()
            .any(|event| event["event"] == "scenario_finished" && event["outcome"] == outcome),
        "{timeline}"
    );
    assert_eq!(events.last().unwrap()["event"], "run_finished", "{timeline}");
    assert!(bazaar.read("out/junit.xml").trim_end().ends_with("</testsuites>"));
}

#[test]
fn a_signal_in_the_midst_of_a_scenario_heals_and_reports() {
    let _machine = machine();
    let bazaar = Bazaar::new();
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut runner = in_the_midst(&bazaar);
        let mut trail = Trail::default();
        trail.follow(bazaar.root());
        signal(runner.id().cast_signed(), name);
        assert_eq!(runner.wait().unwrap().code(), Some(code), "{}", bazaar.said());
        // In order: when the runner ends all has ended.
        assert_eq!(processes(bazaar.root()).len(), 0);
        gone(&bazaar, trail, name);
        assert!(
            bazaar
                .said()
                .contains("stopping: open scenarios are healed and reported"),
            "{}",
            bazaar.said()
        );
        assert_reported(&bazaar, "skipped");
    }
}

#[test]
fn a_signal_while_servers_are_prepared_ends_the_run() {
    let _machine = machine();
    let bazaar = Bazaar::new();
    for kind in ["initdb", "archiving", "build"] {
        let mut runner = bazaar.run(&["--format", "junit:out/junit.xml"]);
        assert!(
            comes_true(Duration::from_secs(60), || process(&bazaar, kind).is_some()),
            "{}",
            bazaar.said()
        );
        let mut trail = Trail::default();
        trail.follow(bazaar.root());
        signal(runner.id().cast_signed(), "INT");
        assert_eq!(runner.wait().unwrap().code(), Some(130), "{}", bazaar.said());
        gone(&bazaar, trail, kind);
        assert_reported(&bazaar, "skipped");
    }
    passes(&bazaar, "a run with the cache of stopped ones");
}

#[test]
fn a_second_signal_ends_the_run_at_once() {
    let _machine = machine();
    let bazaar = Bazaar::new();
    let mut runner = in_the_midst(&bazaar);
    let mut trail = Trail::default();
    trail.follow(bazaar.root());
    // A broker that stands still cannot be healed from: the sandbox's topics cannot be removed.
    signal(process(&bazaar, "Kafka").unwrap().pid, "STOP");
    signal(runner.id().cast_signed(), "INT");
    assert!(
        comes_true(LIMIT, || bazaar.said().contains("once more stops at once")),
        "{}",
        bazaar.said()
    );
    assert!(
        !comes_true(Duration::from_millis(500), || runner.try_wait().unwrap().is_some()),
        "{}",
        bazaar.said()
    );
    signal(runner.id().cast_signed(), "INT");
    assert!(
        comes_true(Duration::from_secs(2), || runner.try_wait().unwrap().is_some()),
        "{}",
        bazaar.said()
    );
    assert_eq!(runner.wait().unwrap().code(), Some(130), "{}", bazaar.said());
    gone(&bazaar, trail, "stopped twice");
}

#[test]
fn a_run_without_its_guardian_ends_with_an_error_and_clears_away() {
    let _machine = machine();
    let bazaar = Bazaar::new();
    let mut runner = in_the_midst(&bazaar);
    let mut trail = Trail::default();
    trail.follow(bazaar.root());
    signal(process(&bazaar, "guardian").unwrap().pid, "KILL");
    assert!(
        comes_true(Duration::from_secs(20), || runner.try_wait().unwrap().is_some()),
        "{}",
        bazaar.said()
    );
    assert_eq!(runner.wait().unwrap().code(), Some(3), "{}", bazaar.said());
    assert!(
        bazaar.said().contains("the guardian of the run is gone"),
        "{}",
        bazaar.said()
    );
    assert_reported(&bazaar, "unknown");
    gone(&bazaar, trail, "a run without its guardian");
}

#[test]
fn what_a_runner_and_a_guardian_left_that_were_both_killed_is_cleared_away_by_the_next_run() {
    let _machine = machine();
    let bazaar = Bazaar::new();
    let mut runner = in_the_midst(&bazaar);
    signal(process(&bazaar, "guardian").unwrap().pid, "KILL");
    runner.kill().unwrap();
    runner.wait().unwrap();
    let mut trail = Trail::default();
    assert!(trail.follow(bazaar.root()).len() > 2 && !bazaar.left().is_empty());
    bazaar.write("features/sale.feature", include_str!("bazaar/sale.feature"));
    passes(&bazaar, "the run after the one that was killed with its guardian");
    assert!(
        bazaar.said().contains("notice: cleared away what run "),
        "{}",
        bazaar.said()
    );
    gone(&bazaar, trail, "a run killed with its guardian, and one more");
}
