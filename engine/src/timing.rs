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
    /// At no look until the mesh is quiet, at most until the deadline.
    Never {
        /// The step's own deadline.
        within: Option<Duration>,
    },
    /// At every look for so long.
    For(Duration),
}

/// The timings that a step definition can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimingKind {
    /// No adverb: it holds at the first look.
    Now,
    /// `eventually`, with or without `within …`.
    Eventually,
    /// `never`, with or without `within …`.
    Never,
    /// `for …`.
    For,
}

impl TimingKind {
    /// All of them, as most sentences take them.
    pub const ALL: &[Self] = &[Self::Now, Self::Eventually, Self::Never, Self::For];

    /// How a sentence says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Now => "none (it must hold now)",
            Self::Eventually => "`eventually` (`within …`)",
            Self::Never => "`never`",
            Self::For => "`for …`",
        }
    }
}

impl Timing {
    /// Matches `eventually ` or `never ` before the main verb, or nothing.
    pub const ADVERB: &str = "(?:eventually |never )?";
    /// Matches ` within 5 seconds` or ` for 5 seconds` at the end, or nothing.
    pub const WITHIN: &str = r"(?: (?:within|for) [0-9]+(?:\.[0-9]+)? ?[a-z]+)?";

    /// The timing that an adverb and an ending make, either of which may be empty.
    ///
    /// # Errors
    /// A message for an ending whose duration cannot be read, or that says nothing behind the adverb.
    pub fn parse(adverb: &str, ending: &str) -> Result<Self, String> {
        let ending = ending.trim();
        let within = ending.strip_prefix("within ").map(duration).transpose()?;
        let throughout = ending.strip_prefix("for ").map(duration).transpose()?;
        match (adverb.trim(), within, throughout) {
            ("eventually", _, Some(_)) => Err(
                "`eventually` has a deadline and no duration; hint: write `within …`, or `for …` without `eventually`"
                    .into(),
            ),
            ("never", _, Some(_)) => Err(
                "`never` lasts until the mesh is quiet, or until a deadline; hint: write `within …`, or nothing".into(),
            ),
            ("never", within, None) => Ok(Timing::Never { within }),
            (_, _, Some(throughout)) => Ok(Timing::For(throughout)),
            // `is ready within 5 seconds` waits as well: a deadline without an adverb means eventually.
            ("eventually", within, None) => Ok(Timing::Eventually { within }),
            (_, Some(within), None) => Ok(Timing::Eventually { within: Some(within) }),
            (_, None, None) => Ok(Timing::Now),
        }
    }

    /// Its kind, to compare with what a definition takes.
    pub fn kind(self) -> TimingKind {
        match self {
            Timing::Now => TimingKind::Now,
            Timing::Eventually { .. } => TimingKind::Eventually,
            Timing::Never { .. } => TimingKind::Never,
            Timing::For(_) => TimingKind::For,
        }
    }

    /// For how long it looks at the most.
    pub fn lasts(self, deadline: Duration) -> Duration {
        match self {
            Timing::Now => Duration::ZERO,
            Timing::Eventually { within } | Timing::Never { within } => within.unwrap_or(deadline),
            Timing::For(throughout) => throughout,
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
        let five = Duration::from_secs(5);
        for (adverb, ending, timing) in [
            ("", "", Timing::Now),
            ("eventually ", "", Timing::Eventually { within: None }),
            (
                "eventually ",
                " within 5 seconds",
                Timing::Eventually { within: Some(five) },
            ),
            ("", " within 5 s", Timing::Eventually { within: Some(five) }),
            ("never ", "", Timing::Never { within: None }),
            ("never ", " within 5 s", Timing::Never { within: Some(five) }),
            ("", " for 5 seconds", Timing::For(five)),
        ] {
            assert_eq!(Timing::parse(adverb, ending), Ok(timing), "{adverb}{ending}");
        }
        for adverb in ["eventually ", "never "] {
            let told = Timing::parse(adverb, " for 5 s").unwrap_err();
            assert!(told.contains("hint: write `within …`"), "{told}");
        }
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
