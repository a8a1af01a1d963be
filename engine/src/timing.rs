//! When an expectation must hold: the one parameter for timing.

use std::time::Duration;

/// When an expectation must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// At the first look.
    Now,
    /// Until it holds or can no longer, at most until the deadline: the step's own (`within 5 seconds`), else the run's.
    Eventually {
        /// The step's own deadline.
        within: Option<Duration>,
    },
}

/// The timings that a step definition can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimingKind {
    /// No adverb: it holds at the first look.
    Now,
    /// `eventually`, with or without `within …`.
    Eventually,
}

impl Timing {
    /// Matches `eventually ` before the main verb, or nothing.
    pub const ADVERB: &str = "(?:eventually )?";
    /// Matches ` within 5 seconds` at the end, or nothing.
    pub const WITHIN: &str = r"(?: within [0-9]+(?:\.[0-9]+)? ?[a-z]+)?";

    /// The timing that an adverb and an ending make, either of which may be empty.
    ///
    /// # Errors
    /// A message for an ending whose duration cannot be read.
    pub fn parse(adverb: &str, ending: &str) -> Result<Self, String> {
        let within = match ending.trim().strip_prefix("within ") {
            Some(text) => Some(duration(text)?),
            None => None,
        };
        // `is ready within 5 seconds` waits as well: a deadline without an adverb means eventually.
        Ok(if adverb.trim() == "eventually" || within.is_some() {
            Timing::Eventually { within }
        } else {
            Timing::Now
        })
    }

    /// Its kind, to compare with what a definition takes.
    pub fn kind(self) -> TimingKind {
        match self {
            Timing::Now => TimingKind::Now,
            Timing::Eventually { .. } => TimingKind::Eventually,
        }
    }
}

/// Reads a duration as a sentence spells it: a number and a unit (`200 ms`, `1.5 seconds`, `2 minutes`).
///
/// # Errors
/// A message that names the units.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("`{text}` is no duration; hint: a number and a unit, such as `200 ms`, `5 seconds` or `2 minutes`");
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .ok_or_else(wrong)?;
    let number: f64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit = match text[digits..].trim() {
        "ms" | "millisecond" | "milliseconds" => 0.001,
        "s" | "second" | "seconds" => 1.0,
        "min" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(number * unit).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_adverb_and_the_ending_make_the_timing() {
        let five = Some(Duration::from_secs(5));
        assert_eq!(Timing::parse("", ""), Ok(Timing::Now));
        assert_eq!(
            Timing::parse("eventually ", ""),
            Ok(Timing::Eventually { within: None })
        );
        assert_eq!(
            Timing::parse("eventually ", " within 5 seconds"),
            Ok(Timing::Eventually { within: five })
        );
        assert_eq!(
            Timing::parse("", " within 5 s"),
            Ok(Timing::Eventually { within: five })
        );
    }

    #[test]
    fn durations_carry_their_unit() {
        for (text, milliseconds) in [
            ("200 ms", 200),
            ("1 second", 1_000),
            ("1.5 seconds", 1_500),
            ("2 minutes", 120_000),
            ("3s", 3_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in [
            "5",
            "five seconds",
            "5 parsecs",
            "1.2.3 s",
            "",
            "99999999999999999999999 h",
        ] {
            assert!(
                duration(text).is_err_and(|message| message.contains("is no duration")),
                "{text}"
            );
        }
    }
}
