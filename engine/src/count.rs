//! How many: the one parameter for counts (`a`, `no`, `exactly 1`, `at least 2`, `at most 3`, `2 to 4`, `once`).

use std::fmt;

/// How many of something are expected: at least `least`, and at most `most` where there is an upper bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The lower bound, inclusive.
    pub least: u64,
    /// The upper bound, inclusive; none for `a` and `at least N`.
    pub most: Option<u64>,
}

/// What a number says of a [`Count`] while things may still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It holds, and more can come without harm.
    Held,
    /// It holds now, and one more may break it.
    HeldSoFar,
    /// It does not hold yet.
    TooFew,
    /// It can no longer hold.
    TooMany,
}

impl Count {
    /// Exactly one.
    pub const ONE: Self = Self {
        least: 1,
        most: Some(1),
    };

    /// The regular expression that a count matches, without capturing groups.
    pub const PATTERN: &str =
        r"an?|no|once|twice|exactly [0-9]+|at least [0-9]+|at most [0-9]+|[0-9]+ to [0-9]+|[0-9]+";

    /// Reads a count as a sentence spells it.
    ///
    /// # Errors
    /// A message when it is none, when a number is too large, or when a range is empty.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = |digits: &str| {
            digits.parse::<u64>().map_err(|_| {
                format!(
                    "`{text}` is no count; hint: counts are `a`, `no`, `exactly 1`, `at least 2`, `at most 3`, `2 to 4`"
                )
            })
        };
        let exactly = |count| Self {
            least: count,
            most: Some(count),
        };
        match text {
            "a" | "an" => return Ok(Self { least: 1, most: None }),
            "no" => return Ok(exactly(0)),
            "once" => return Ok(exactly(1)),
            "twice" => return Ok(exactly(2)),
            _ => {}
        }
        if let Some(digits) = text.strip_prefix("exactly ") {
            return number(digits).map(exactly);
        }
        if let Some(digits) = text.strip_prefix("at least ") {
            return Ok(Self {
                least: number(digits)?,
                most: None,
            });
        }
        if let Some(digits) = text.strip_prefix("at most ") {
            return Ok(Self {
                least: 0,
                most: Some(number(digits)?),
            });
        }
        if let Some((least, most)) = text.split_once(" to ") {
            let (least, most) = (number(least)?, number(most)?);
            return if least <= most {
                Ok(Self {
                    least,
                    most: Some(most),
                })
            } else {
                Err(format!(
                    "`{text}` is an empty range; hint: the smaller number comes first, `{most} to {least}`"
                ))
            };
        }
        number(text).map(exactly)
    }

    /// What `found` things say of this count, while more may come.
    pub fn judge(&self, found: u64) -> Standing {
        match self.most {
            Some(most) if found > most => Standing::TooMany,
            _ if found < self.least => Standing::TooFew,
            Some(_) => Standing::HeldSoFar,
            None => Standing::Held,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (0, Some(0)) => write!(formatter, "none"),
            (least, Some(most)) if least == most => write!(formatter, "exactly {least}"),
            (0, Some(most)) => write!(formatter, "at most {most}"),
            (least, Some(most)) => write!(formatter, "{least} to {most}"),
            (least, None) => write!(formatter, "at least {least}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_its_bounds() {
        for (text, least, most) in [
            ("a", 1, None),
            ("an", 1, None),
            ("no", 0, Some(0)),
            ("once", 1, Some(1)),
            ("twice", 2, Some(2)),
            ("exactly 7", 7, Some(7)),
            ("at least 2", 2, None),
            ("at most 3", 0, Some(3)),
            ("2 to 4", 2, Some(4)),
            ("5", 5, Some(5)),
        ] {
            assert_eq!(Count::parse(text), Ok(Count { least, most }), "{text}");
        }
    }

    #[test]
    fn what_is_no_count_is_told() {
        for text in ["", "many", "exactly -1", "exactly 99999999999999999999", "at least"] {
            assert!(
                Count::parse(text).is_err_and(|message| message.contains("is no count")),
                "{text}"
            );
        }
        assert_eq!(
            Count::parse("4 to 2"),
            Err("`4 to 2` is an empty range; hint: the smaller number comes first, `2 to 4`".into())
        );
    }

    #[test]
    fn only_a_lower_bound_is_held_for_good() {
        let judge = |text: &str, found| Count::parse(text).map(|count| count.judge(found));
        assert_eq!(judge("a", 0), Ok(Standing::TooFew));
        assert_eq!(judge("a", 9), Ok(Standing::Held));
        assert_eq!(judge("exactly 1", 1), Ok(Standing::HeldSoFar));
        assert_eq!(judge("exactly 1", 2), Ok(Standing::TooMany));
        assert_eq!(judge("no", 0), Ok(Standing::HeldSoFar));
    }
}
