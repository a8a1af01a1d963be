//! How much: the one parameter for what is measured (`exactly 1`, `at least 2.5`, `at most 3`, `2 to 4`).

use std::fmt;

use crate::count::Standing;

/// How much of something is expected, both bounds inclusive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity {
    /// The lower bound.
    pub least: Option<f64>,
    /// The upper bound.
    pub most: Option<f64>,
}

/// Sums of fractions differ by less than this part of them from what they would be.
const ROUNDING: f64 = 1e-9;

impl Quantity {
    /// The regular expression that a quantity matches, without capturing groups.
    pub const PATTERN: &str =
        r"(?:exactly |at least |at most )?-?[0-9]+(?:\.[0-9]+)?|-?[0-9]+(?:\.[0-9]+)? to -?[0-9]+(?:\.[0-9]+)?";

    /// Reads a quantity as a sentence spells it.
    ///
    /// # Errors
    /// A message when it is none, or when a range is empty.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number = |digits: &str| {
            digits
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .ok_or_else(|| {
                    format!("`{text}` is no quantity; hint: quantities are `exactly 1`, `at least 2.5`, `at most 3`, `2 to 4`")
                })
        };
        if let Some(digits) = text.strip_prefix("at least ") {
            let least = Some(number(digits)?);
            return Ok(Self { least, most: None });
        }
        if let Some(digits) = text.strip_prefix("at most ") {
            let most = Some(number(digits)?);
            return Ok(Self { least: None, most });
        }
        let (least, most) = match text.split_once(" to ") {
            Some((least, most)) => (number(least)?, number(most)?),
            None => {
                let exactly = number(text.strip_prefix("exactly ").unwrap_or(text))?;
                (exactly, exactly)
            }
        };
        if least > most {
            return Err(format!(
                "`{text}` is an empty range; hint: the smaller number comes first, `{most} to {least}`"
            ));
        }
        Ok(Self {
            least: Some(least),
            most: Some(most),
        })
    }

    /// What `seen` says of this quantity, while it may still grow.
    pub fn judge(&self, seen: f64) -> Standing {
        let rounding = seen.abs() * ROUNDING;
        match (self.least, self.most) {
            (_, Some(most)) if seen > most + rounding => Standing::TooMany,
            (Some(least), _) if seen < least - rounding => Standing::TooFew,
            (_, Some(_)) => Standing::HeldSoFar,
            (_, None) => Standing::Held,
        }
    }

    /// How far `seen` is from it; 0 is there.
    pub fn distance(&self, seen: f64) -> f64 {
        match self.judge(seen) {
            Standing::Held | Standing::HeldSoFar => 0.0,
            Standing::TooFew => self.least.map_or(0.0, |least| least - seen),
            Standing::TooMany => self.most.map_or(0.0, |most| seen - most),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (Some(least), Some(most)) if least == most => write!(formatter, "exactly {least}"),
            (Some(least), Some(most)) => write!(formatter, "{least} to {most}"),
            (Some(least), None) => write!(formatter, "at least {least}"),
            (None, Some(most)) => write!(formatter, "at most {most}"),
            (None, None) => formatter.write_str("anything"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_its_bounds() {
        for (text, least, most) in [
            ("exactly 1", Some(1.0), Some(1.0)),
            ("0.5", Some(0.5), Some(0.5)),
            ("at least -2.5", Some(-2.5), None),
            ("at most 3", None, Some(3.0)),
            ("-2 to 4", Some(-2.0), Some(4.0)),
        ] {
            assert_eq!(Quantity::parse(text), Ok(Quantity { least, most }), "{text}");
        }
        let told = |text: &str| Quantity::parse(text).unwrap_err();
        assert!(told("many").contains("is no quantity; hint: "));
        assert_eq!(
            told("4 to 2.5"),
            "`4 to 2.5` is an empty range; hint: the smaller number comes first, `2.5 to 4`"
        );
    }

    #[test]
    fn both_bounds_are_inclusive_and_sums_of_fractions_are_what_they_would_be() {
        let judge = |text: &str, seen| Quantity::parse(text).map(|quantity| quantity.judge(seen));
        assert_eq!(judge("at least 2", 1.5), Ok(Standing::TooFew));
        assert_eq!(judge("at least 2", 2.0), Ok(Standing::Held));
        assert_eq!(judge("at most 2", 2.0), Ok(Standing::HeldSoFar));
        assert_eq!(judge("exactly 2", 2.001), Ok(Standing::TooMany));
        assert_eq!(judge("exactly 0.3", 0.1 + 0.2), Ok(Standing::HeldSoFar));
        assert_eq!(judge("-1 to 1", -1.5), Ok(Standing::TooFew));
        let quantity = Quantity::parse("2 to 4").expect("it is one");
        assert_eq!([1.5, 3.0, 6.0].map(|seen| quantity.distance(seen)), [0.5, 0.0, 2.0]);
    }
}
