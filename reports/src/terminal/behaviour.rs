//! What holds of whatever people see.

use std::time::Duration;

use momus_engine::event::Happening;
use momus_engine::outcome::Summary;

use super::golden::{shown, written};
use super::{Colour, in_seconds};
use crate::sample::{self, event};

#[test]
fn a_run_that_selected_nothing_says_so_in_its_last_line() {
    let summary = Summary::default();
    let events = [event(0, None, Happening::RunFinished { summary })];
    assert_eq!(shown(&events, Colour::Never), "0 scenarios · 0 steps · 0.0 s\n");
}

#[test]
fn a_scenario_that_the_run_broke_off_is_unknown() {
    let text = written(|file| sample::failing_run(file)[..2].to_vec(), Colour::Never);
    assert!(text.contains("✘ an order is charged (unknown)"), "{text}");
    assert!(text.contains("the run ended before the scenario did\n"), "{text}");
}

#[test]
fn a_file_that_cannot_be_read_leaves_the_steps_text() {
    let text = shown(&sample::failing_run("gone away.feature"), Colour::Never);
    assert!(
        text.contains("    8 | When shop charges 5\n      | ^^^^^^^^^^^^^^^^^^^\n"),
        "{text}"
    );
}

#[test]
fn colours_add_escape_codes_and_nothing_else() {
    let coloured = written(sample::failing_run, Colour::Always);
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_eq!(plain, written(sample::failing_run, Colour::Never));
}

#[test]
fn progress_is_a_line_each_without_a_terminal() {
    let progress = |text: &str| event(0, None, Happening::Progress { text: text.into() });
    let events = [
        progress("building shop"),
        progress("building shop"),
        progress("fetching kafka"),
    ];
    assert_eq!(shown(&events, Colour::Never), "building shop\nfetching kafka\n");
}

#[test]
fn long_times_are_told_in_minutes() {
    assert_eq!(in_seconds(Duration::from_millis(9_849)), "9.8 s");
    assert_eq!(in_seconds(Duration::from_millis(59_960)), "1 min 0.0 s");
    assert_eq!(in_seconds(Duration::from_millis(123_400)), "2 min 3.4 s");
}
