//! The status line: what is being done at this moment.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often the line is drawn again while nothing happens, so that the time goes on.
const DRAWN_EACH: Duration = Duration::from_millis(100);

/// How a person who waits is told what is being done.
pub enum Status {
    /// One line each, as for a file or a pipe.
    Lines,
    /// One line on the terminal's standard error, redrawn and gone when the run ends.
    Redrawn(Line),
}

/// A line that is redrawn.
pub struct Line {
    bar: ProgressBar,
}

impl Status {
    /// The line redrawn on standard error where that is a terminal, else lines.
    pub fn chosen(is_terminal: bool) -> Self {
        if !is_terminal {
            return Self::Lines;
        }
        let line = Line::on(ProgressDrawTarget::stderr());
        line.bar.enable_steady_tick(DRAWN_EACH);
        Self::Redrawn(line)
    }

    /// The run begins.
    pub(super) fn begin(&self, scenarios: usize) {
        if let Self::Redrawn(Line { bar }) = self {
            bar.set_length(scenarios as u64);
        }
    }

    /// A scenario has ended.
    pub(super) fn scenario_done(&self) {
        if let Self::Redrawn(Line { bar }) = self {
            bar.set_message("");
            bar.inc(1);
        }
    }

    /// What is being done now; false where it is not shown.
    pub(super) fn now(&self, text: String) -> bool {
        match self {
            Self::Lines => false,
            Self::Redrawn(Line { bar }) => {
                bar.set_message(text);
                true
            }
        }
    }

    /// Takes the line away while something else is written.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match self {
            Self::Lines => write(),
            Self::Redrawn(Line { bar }) => bar.suspend(write),
        }
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        if let Self::Redrawn(Line { bar }) = self {
            bar.finish_and_clear();
        }
    }
}

impl Line {
    fn on(target: ProgressDrawTarget) -> Self {
        // The template is constant; a mistake in it shows in the tests, and a bar without a style still tells.
        let style = ProgressStyle::with_template("{spinner} {pos}/{len} scenarios · {elapsed} · {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(0), target).with_style(style);
        Self { bar }
    }
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::*;

    #[test]
    fn one_line_tells_what_is_done_and_how_far_the_run_is() {
        let terminal = InMemoryTerm::new(5, 60);
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let status = Status::Redrawn(Line::on(target));
        status.begin(12);
        assert!(status.now("building shop".into()));
        let line = terminal.contents();
        assert!(line.contains("0/12 scenarios · 0s · building shop"), "{line:?}");
        status.scenario_done();
        let line = terminal.contents();
        assert!(line.ends_with("1/12 scenarios · 0s ·"), "{line:?}");
        assert_eq!(line.lines().count(), 1);
        let beside = status.aside(|| terminal.contents());
        assert!(!beside.contains("scenarios"), "{beside:?}");
        assert!(status.now("x".repeat(200)));
        assert_eq!(terminal.contents().lines().count(), 1);
        status.end();
        assert_eq!(terminal.contents(), "");
    }

    #[test]
    fn without_a_terminal_nothing_is_redrawn() {
        assert!(!Status::chosen(false).now("building shop".into()));
    }
}
