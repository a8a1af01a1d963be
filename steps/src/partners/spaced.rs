//! The calls to a partner that a table selects, with the time between them.

use std::time::Duration;

use momus_engine::eventually::{Look, Verdict};
use momus_engine::failure::in_words;
use momus_engine::timeline::Timeline;

use super::call::Call;
use crate::selection::{Selection, Subject};

/// So many calls that are not as expected are shown.
const SHOWN: usize = 5;

/// The selected calls, in the order in which they arrived.
pub(super) struct Spaced<'a> {
    /// The partner.
    pub partner: &'a str,
    /// Those that are selected.
    pub calls: Vec<Call>,
    /// How many others there are.
    pub others: usize,
}

impl<'a> Spaced<'a> {
    /// Those of all calls so far that are selected.
    pub fn select(timeline: &Timeline, partner: &'a str, selection: &Selection) -> Self {
        let mut calls = Call::all(timeline, partner);
        let all = calls.len();
        calls.retain(|call| selection.judge(call).selected());
        Self {
            partner,
            others: all - calls.len(),
            calls,
        }
    }

    /// The time from each call to the next one.
    pub fn pauses(&self) -> Vec<Duration> {
        let pairs = self.calls.windows(2);
        pairs.map(|pair| pair[1].at.saturating_sub(pair[0].at)).collect()
    }

    /// How many there are, and how many others.
    pub fn counted(&self) -> String {
        let selected = match self.calls.len() {
            0 => "none at all".to_owned(),
            some => some.to_string(),
        };
        let others = match self.others {
            0 => String::new(),
            others => format!(", and {others} other"),
        };
        format!("calls to partner {}: {selected}{others}", self.partner)
    }

    /// How long after the one before it the call of this index came, counted from 1 as people do.
    pub fn came(&self, index: usize) -> String {
        let pause = self.pauses().get(index.wrapping_sub(1)).copied().unwrap_or_default();
        format!("call {} came {} after call {index}", index + 1, in_words(pause))
    }

    /// What a look tells when there are too few calls to judge.
    pub fn too_few(&self, takes: &str, missing: usize) -> Look {
        Look {
            verdict: Verdict::NotYet,
            seen: format!("{}; {takes}", self.counted()),
            distance: missing as u64,
        }
    }

    /// What a look tells of breaches, each with the index of its call: calls stay where they are.
    pub fn broken(&self, how: &str, breaches: &[(usize, String)]) -> Look {
        let mut lines = vec![format!("{}, {how}:", self.counted())];
        for (index, breach) in breaches.iter().take(SHOWN) {
            lines.push(format!("  {breach}"));
            lines.extend(self.calls.get(*index).map(|call| format!("    {}", call.shown())));
        }
        if breaches.len() > SHOWN {
            lines.push(format!("  … and {} more", breaches.len() - SHOWN));
        }
        Look {
            verdict: Verdict::Impossible,
            seen: lines.join("\n"),
            distance: breaches.len() as u64,
        }
    }
}

/// What is expected, with a line for each row of the table.
pub(super) fn expected(what: &str, selection: &Selection) -> String {
    let rows = selection.lines().into_iter().map(|line| format!("\n  {line}"));
    format!("{what}{}", rows.collect::<String>())
}
