//! Markers that compare: more or less than a number, earlier or later than a timestamp.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Number, Value as Json};

use super::super::value::Typing;

/// How what is seen stands to what it is compared with.
#[derive(Clone, Debug)]
pub struct Comparison {
    relation: Relation,
    bound: Bound,
}

#[derive(Clone, Copy, Debug)]
enum Relation {
    AtLeast,
    AtMost,
    GreaterThan,
    LessThan,
}

#[derive(Clone, Debug)]
enum Bound {
    Number(Number),
    Time(Timestamp),
}

impl Comparison {
    /// The comparison of the marker of this name with what stands behind it; `None` for a marker that is none.
    pub(super) fn parse(name: &str, argument: &str) -> Option<Result<Self, String>> {
        let relation = match name {
            "at least" => Relation::AtLeast,
            "at most" => Relation::AtMost,
            "greater than" => Relation::GreaterThan,
            "less than" => Relation::LessThan,
            _ => return None,
        };
        Some(Bound::parse(name, argument).map(|bound| Self { relation, bound }))
    }

    /// Whether a value stands so. A text is compared with a number only where texts have no type of their own.
    pub(super) fn holds(&self, seen: &Json, typing: Typing) -> bool {
        let order = match (&self.bound, seen) {
            (Bound::Number(bound), Json::Number(seen)) => order(seen, bound),
            (Bound::Number(bound), Json::String(seen)) if typing == Typing::Text => {
                seen.trim().parse().ok().and_then(|seen| order(&seen, bound))
            }
            (Bound::Time(bound), Json::String(seen)) => seen.parse::<Timestamp>().ok().map(|seen| seen.cmp(bound)),
            _ => None,
        };
        order.is_some_and(|order| match self.relation {
            Relation::AtLeast => order.is_ge(),
            Relation::AtMost => order.is_le(),
            Relation::GreaterThan => order.is_gt(),
            Relation::LessThan => order.is_lt(),
        })
    }
}

impl Bound {
    fn parse(name: &str, argument: &str) -> Result<Self, String> {
        if argument.is_empty() {
            return Err(format!(
                "`#{name}` lacks what stands behind it; hint: such as `#{name} 3` or `#{name} ${{before.days}}`"
            ));
        }
        let number = argument.parse().map(Self::Number).ok();
        number.or_else(|| argument.parse().map(Self::Time).ok()).ok_or_else(|| {
            format!(
                "`{argument}` is neither a number nor a timestamp; hint: such as `#{name} 3` or \
                     `#{name} 2026-11-24T13:00:00Z`"
            )
        })
    }
}

/// Whole numbers are compared digit by digit: as floating point, large ones would be the same as their neighbours.
fn order(one: &Number, other: &Number) -> Option<Ordering> {
    match (one.as_i128(), other.as_i128()) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

/// Whether a timestamp is not before another, which counts only as far as the first one's digits go.
pub(super) fn is_after(start: Timestamp, seen: &str) -> bool {
    let Ok(time) = seen.parse::<Timestamp>() else {
        return false;
    };
    let fraction = seen.split_once('.').map_or("", |(_, behind)| behind);
    let digits = fraction.chars().take_while(char::is_ascii_digit).count().min(9);
    let unit = 10_i128.pow(9 - u32::try_from(digits).unwrap_or(9));
    let start = start.as_nanosecond();
    time.as_nanosecond() >= start - start.rem_euclid(unit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn held(marker: (&str, &str), typing: Typing, seen: &[Json]) -> Vec<usize> {
        let comparison = Comparison::parse(marker.0, marker.1)
            .expect("it compares")
            .expect("it is well formed");
        (0..seen.len())
            .filter(|&at| comparison.holds(&seen[at], typing))
            .collect()
    }

    #[test]
    fn numbers_are_compared_by_value_and_texts_only_where_they_have_no_type() {
        let seen = [json!(2), json!(3), json!(3.5), json!("4"), json!(null), json!("many")];
        for (name, numbers, texts) in [
            ("at least", vec![1, 2], vec![1, 2, 3]),
            ("at most", vec![0, 1], vec![0, 1]),
            ("greater than", vec![2], vec![2, 3]),
            ("less than", vec![0], vec![0]),
        ] {
            assert_eq!(held((name, "3.0"), Typing::Json, &seen), numbers, "#{name}");
            assert_eq!(held((name, "3"), Typing::Text, &seen), texts, "#{name}");
        }
        let large = [json!(9_007_199_254_740_993_u64)];
        assert_eq!(held(("greater than", "9007199254740992"), Typing::Json, &large), [0]);
    }

    #[test]
    fn timestamps_are_compared_whatever_their_zone() {
        let seen = [
            json!("2026-11-24T14:00:00+01:00"),
            json!("2026-11-24T13:00:00.001Z"),
            json!("soon"),
            json!(7),
        ];
        let at = "2026-11-24T13:00:00Z";
        assert_eq!(held(("at least", at), Typing::Json, &seen), [0, 1]);
        assert_eq!(held(("at most", at), Typing::Json, &seen), [0]);
        assert_eq!(held(("greater than", at), Typing::Json, &seen), [1]);
        assert!(held(("less than", at), Typing::Json, &seen).is_empty());
    }

    #[test]
    fn after_counts_as_far_as_the_seen_digits_go() {
        let start: Timestamp = "2026-11-24T13:00:00.123456Z".parse().unwrap();
        for (seen, after) in [
            ("2026-11-24T13:00:00Z", true),
            ("2026-11-24T13:00:00.123Z", true),
            ("2026-11-24T14:00:00.123+01:00", true),
            ("2026-11-24T13:00:00.122Z", false),
            ("2026-11-24T12:59:59Z", false),
            ("soon", false),
        ] {
            assert_eq!(is_after(start, seen), after, "{seen}");
        }
    }
}
