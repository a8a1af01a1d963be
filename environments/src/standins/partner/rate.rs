//! Rates: at most so many within any period of that length, for each key.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use hyper::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{answer::Answer, place::Place, quantity::Period};

/// At most `at_most` within any `per`. What is refused does not count.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rate {
    /// Where the key stands: each key has a rate of its own, and so has what lacks a key. Without
    /// it all share one.
    #[schemars(with = "Option<String>")]
    pub(super) key: Option<Place>,
    /// How many.
    pub(super) at_most: u64,
    /// The length of the sliding period, such as `1 s`.
    #[schemars(with = "String")]
    pub(super) per: Period,
    /// The answer to what is over it; 429 where it is not given.
    #[serde(default = "too_many")]
    pub(super) answer: Answer,
}

fn too_many() -> Answer {
    Answer::bare(StatusCode::TOO_MANY_REQUESTS)
}

/// When what was let through, for each key of one rate.
#[derive(Debug, Default, Clone)]
pub(super) struct Window(HashMap<String, VecDeque<Instant>>);

impl Window {
    /// Lets one through at `now`, or tells how long until it would be.
    pub(super) fn take(&mut self, rate: &Rate, key: &str, now: Instant) -> Result<(), Duration> {
        let past = self.0.entry(key.to_owned()).or_default();
        while past.front().is_some_and(|then| now.duration_since(*then) >= rate.per.0) {
            past.pop_front();
        }
        if (past.len() as u64) < rate.at_most {
            past.push_back(now);
            return Ok(());
        }
        Err(past
            .front()
            .map_or(rate.per.0, |then| rate.per.0.saturating_sub(now.duration_since(*then))))
    }
}

/// A wait in whole seconds, as `Retry-After` has it (RFC 9110, 10.2.3): rounded up, at least 1.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gets_its_count_in_any_period_of_that_length() {
        let per = Period(Duration::from_secs(1));
        let rate = Rate {
            key: None,
            at_most: 2,
            per,
            answer: too_many(),
        };
        let (mut window, start) = (Window::default(), Instant::now());
        let mut take = |key: &str, ms: u64| window.take(&rate, key, start + Duration::from_millis(ms));
        assert_eq!(take("a", 0), Ok(()));
        assert_eq!(take("a", 400), Ok(()));
        assert_eq!(take("a", 500), Err(Duration::from_millis(500)));
        assert_eq!(take("b", 500), Ok(()));
        assert_eq!(take("a", 1_000), Ok(()), "the refused one did not count");
        assert_eq!(take("a", 1_399), Err(Duration::from_millis(1)));
        assert_eq!(take("a", 1_400), Ok(()));
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_never_none() {
        let told = [0, 1, 1_000, 1_001].map(|ms| whole_seconds(Duration::from_millis(ms)));
        assert_eq!(told, [1, 1, 1, 2]);
    }
}
