//! Quantities with their units: sizes and periods.

use std::time::Duration;

use serde::Deserialize;

/// A number of bytes: `32 KB` is 32,000 and `32 KiB` is 32,768 (IEC 80000-13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Size(pub(super) usize);

/// A length of time: `3 s`, `500 ms`, `7 days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Period(pub(super) Duration);

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let factor = match text[end..].trim() {
            "B" | "bytes" => 1,
            "KB" => 1_000,
            "MB" => 1_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            _ => {
                return Err(format!(
                    "`{text}` is not a size, such as `500 B`, `32 KB`, `1 MB`, `64 KiB` or `1 MiB`"
                ));
            }
        };
        let count: usize = text[..end]
            .parse()
            .map_err(|_| format!("`{text}` does not begin with a whole number"))?;
        count
            .checked_mul(factor)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is too large"))
    }
}

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match humantime::parse_duration(&text) {
            Ok(period) if !period.is_zero() => Ok(Self(period)),
            Ok(_) => Err(format!("`{text}` is no time at all")),
            Err(_) => Err(format!("`{text}` is not a period, such as `500 ms`, `3 s` or `7 days`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_periods_carry_their_unit() {
        let size = |text: &str| Size::try_from(text.to_owned()).ok().map(|size| size.0);
        assert_eq!(
            ["500 B", "32 KB", "1MB", "64 KiB", "2 MiB"].map(size),
            [Some(500), Some(32_000), Some(1_000_000), Some(65_536), Some(2_097_152)]
        );
        assert_eq!(
            ["500", "KB", "-1 KB", "1.5 MB", "99999999999999999999 B"].map(size),
            [None; 5]
        );
        let period = |text: &str| Period::try_from(text.to_owned()).ok().map(|period| period.0);
        assert_eq!(
            ["500 ms", "3 s", "7 days", "7d", "1 minute"].map(period),
            [500, 3_000, 604_800_000, 604_800_000, 60_000].map(|ms| Some(Duration::from_millis(ms)))
        );
        assert_eq!(["3", "0 s", "soon"].map(period), [None; 3]);
    }
}
