//! Cells as values: what a cell of a table stands for, and when two values are the same.

use momus_engine::failure::StepError;
use momus_engine::values::shortened;
use momus_engine::world::World;
use serde_json::Value as Json;

/// A value that a cell stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The value: a JSON number, boolean or null is that, all else is text; a lone reference keeps its type.
    pub json: Json,
    /// The value as a text without quotes, as the user wrote it: what a column reads in its own type.
    pub written: String,
}

impl Expected {
    /// What a cell without references stands for.
    pub(super) fn literal(cell: &str) -> Self {
        match typed(cell) {
            Some(json) => Self::of(json, cell),
            None => Self {
                json: Json::String(cell.to_owned()),
                written: cell.to_owned(),
            },
        }
    }

    /// What a cell stands for, filled in by `fill`.
    pub(super) fn read(cell: &str, fill: &mut dyn FnMut(&str) -> Result<Json, StepError>) -> Result<Self, StepError> {
        if let Some(rest) = cell.strip_prefix("\\#") {
            return Ok(match fill(&format!("#{rest}"))? {
                Json::String(text) => Self::text(text),
                other => Self::text(other.to_string()),
            });
        }
        match typed(cell) {
            // Text for sure, whatever type a lone reference in it has.
            Some(Json::String(text)) => Ok(match fill(&text)? {
                Json::String(text) => Self::text(text),
                other => Self::text(other.to_string()),
            }),
            Some(json) => Ok(Self::of(json, cell)),
            None => {
                let json = fill(cell)?;
                let written = json.to_string();
                Ok(Self::of(json, &written))
            }
        }
    }

    fn of(json: Json, written: &str) -> Self {
        match json {
            Json::String(text) => Self::text(text),
            json => Self {
                json,
                written: written.to_owned(),
            },
        }
    }

    fn text(text: String) -> Self {
        Self {
            json: Json::String(text.clone()),
            written: text,
        }
    }
}

/// Of what type the values at a place are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Each of its own.
    Json,
    /// Texts that have no type of their own: a header, a record's key.
    Text,
    /// Whole numbers, however they are written in a table, as those of a column: a status, an offset.
    Number,
}

impl Typing {
    /// Whether what is seen is the value that is expected.
    pub fn same(self, expected: &Expected, seen: &Json) -> bool {
        match (self, &expected.json) {
            (Self::Json, json) => same(json, seen),
            (Self::Text, _) => same_text(expected, seen),
            // What a variable gives is a text.
            (Self::Number, Json::String(text)) => text.parse().is_ok_and(|number| same(&Json::Number(number), seen)),
            (Self::Number, json) => same(json, seen),
        }
    }
}

/// What a cell stands for where a value is given and not looked for: a request's member, a row's column.
///
/// # Errors
/// When a reference in it has no value.
pub fn cell_value(world: &mut World, cell: &str) -> Result<Expected, StepError> {
    Expected::read(cell, &mut |text| world.value(text))
}

/// The JSON scalar that a cell is, where it is one.
fn typed(cell: &str) -> Option<Json> {
    let json: Json = serde_json::from_str(cell).ok()?;
    matches!(json, Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)).then_some(json)
}

/// Whether two values are the same: of one type, numbers by their value (`1` is `1.0`).
pub fn same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => {
            one == other || one.as_f64() == other.as_f64() && !both_whole(one, other)
        }
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, one)| other.get(key).is_some_and(|other| same(one, other)))
        }
        (one, other) => one == other,
    }
}

/// Whether a text that has no type of its own (a header, a record's key) is the value, as the user wrote it.
pub fn same_text(expected: &Expected, seen: &Json) -> bool {
    match (&expected.json, seen) {
        (Json::Null, seen) => seen.is_null(),
        (_, Json::String(text)) => *text == expected.written,
        _ => false,
    }
}

/// Whole numbers are compared digit by digit: as floating point, large ones would be the same as their neighbours.
fn both_whole(one: &serde_json::Number, other: &serde_json::Number) -> bool {
    !one.is_f64() && !other.is_f64()
}

/// A value in a message: its JSON, shortened where it is long.
pub fn shown(json: &Json) -> String {
    shortened(&json.to_string())
}

/// A value in a message together with its type.
pub fn shown_with_type(json: &Json) -> String {
    let shown = shown(json);
    match json {
        Json::Null => "null".to_owned(),
        Json::Bool(_) => format!("the boolean {shown}"),
        Json::Number(_) => format!("the number {shown}"),
        Json::String(_) => format!("the text {shown}"),
        Json::Array(_) => format!("the array {shown}"),
        Json::Object(_) => format!("the object {shown}"),
    }
}

/// Whether two values differ only in their type: the text `"1"` and the number `1`.
pub(super) fn differ_only_in_type(one: &Json, other: &Json) -> bool {
    let bare = |json: &Json| match json {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    std::mem::discriminant(one) != std::mem::discriminant(other) && bare(one) == bare(other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(cell: &str) -> (Json, String) {
        let mut fill = |text: &str| {
            Ok(match text {
                "${n}" => json!(7),
                "${list}" => json!([1]),
                other => json!(other.replace("${n}", "7")),
            })
        };
        let expected = Expected::read(cell, &mut fill).expect("it is filled in");
        (expected.json, expected.written)
    }

    #[test]
    fn a_cell_is_json_where_it_is_a_scalar_and_text_otherwise() {
        for (cell, json, written) in [
            ("1.50", json!(1.5), "1.50"),
            ("true", json!(true), "true"),
            ("null", json!(null), "null"),
            ("\"1\"", json!("1"), "1"),
            ("meditation", json!("meditation"), "meditation"),
            ("[1]", json!("[1]"), "[1]"),
            ("", json!(""), ""),
            ("\\#uuid", json!("#uuid"), "#uuid"),
            ("01", json!("01"), "01"),
        ] {
            assert_eq!(read(cell), (json, written.to_owned()), "{cell}");
        }
    }

    #[test]
    fn a_lone_reference_keeps_its_type_unless_it_is_quoted() {
        assert_eq!(read("${n}"), (json!(7), "7".into()));
        assert_eq!(read("${list}"), (json!([1]), "[1]".into()));
        assert_eq!(read("\"${n}\""), (json!("7"), "7".into()));
        assert_eq!(read("no. ${n}"), (json!("no. 7"), "no. 7".into()));
        assert_eq!(read("${n}0"), (json!("70"), "70".into()));
    }

    #[test]
    fn numbers_are_the_same_by_value_and_types_never() {
        assert!(same(&json!(1), &json!(1.0)));
        assert!(same(&json!({"a": [1, 2.0]}), &json!({"a": [1.0, 2]})));
        assert!(!same(&json!(1), &json!("1")));
        assert!(!same(
            &json!(9_007_199_254_740_993_u64),
            &json!(9_007_199_254_740_992_u64)
        ));
        assert!(differ_only_in_type(&json!(1), &json!("1")));
        assert!(!differ_only_in_type(&json!("a"), &json!("b")));
    }

    #[test]
    fn a_place_of_numbers_compares_numbers() {
        let is = |cell: &str, seen| Typing::Number.same(&Expected::literal(cell), &seen);
        assert!(is("202", json!(202)) && is("\"202\"", json!(202)));
        assert!(!is("ok", json!(202)) && !is("202", json!(203)) && !is("null", json!(202)));
    }

    #[test]
    fn a_text_without_a_type_is_what_was_written() {
        let same_text = |cell, seen| same_text(&Expected::literal(cell), &seen);
        assert!(same_text("1.50", json!("1.50")) && same_text("\"1\"", json!("1")));
        assert!(!same_text("1.50", json!("1.5")) && !same_text("null", json!("null")));
        assert!(same_text("null", json!(null)));
    }
}
