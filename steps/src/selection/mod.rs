//! A table selects: each row names a place and what is expected there.

pub mod build;
mod check;
mod marker;
mod place;
mod value;

use std::fmt;

use momus_engine::failure::{Failure, StepError};
use momus_engine::step::Block;
use momus_engine::world::World;
use serde_json::Value as Json;

use self::check::columns;
pub use self::check::{check, check_call, check_line, check_record, check_response, check_row};
pub use self::marker::{MARKERS, Marker};
pub use self::place::{CALL, LINE, PUBLISHED, Parts, Place, Places, RECORD, REQUEST, RESPONSE, ROW};
pub use self::value::{Expected, Typing, cell_value, same, same_text, shown, shown_with_type};

/// What a table selects: everything that has what each of its rows expects.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug)]
struct Requirement {
    place: Place,
    expectation: Expectation,
}

#[derive(Clone, Debug)]
enum Expectation {
    Value(Expected),
    Marker { written: String, marker: Marker },
}

/// Something that a selection can be held against.
pub trait Subject {
    /// What stands at a place; nothing where it is absent.
    fn read(&self, place: &Place) -> Vec<Json>;

    /// The subject in one line.
    fn shown(&self) -> String;

    /// Of what type the values at a place are.
    fn typing(&self, _place: &Place) -> Typing {
        Typing::Json
    }

    /// Whether what stands at a place is what is expected, in the type of the values there.
    fn is(&self, place: &Place, expected: &Expected, seen: &Json) -> bool {
        self.typing(place).same(expected, seen)
    }

    /// Why nothing stands at a place, in words.
    fn absence(&self, _place: &Place) -> String {
        "absent".to_owned()
    }
}

/// How a subject stands against a selection: it is selected when there are no misses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What it misses, in the order of the table.
    pub misses: Vec<Miss>,
}

/// One row of a table that a subject does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// The place.
    pub place: String,
    /// What is expected there.
    pub expected: String,
    /// What was seen there.
    pub seen: String,
}

impl Judgement {
    /// Whether the subject is selected.
    pub fn selected(&self) -> bool {
        self.misses.is_empty()
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, expected, seen } = self;
        write!(formatter, "{place}: expected {expected}, was {seen}")
    }
}

impl Selection {
    /// Reads the table below a step, `${…}` filled in: what is drawn is drawn once. No table selects everything.
    ///
    /// # Errors
    /// When a reference has no value, or makes no place or marker.
    pub fn read(world: &mut World, block: &Block) -> Result<Self, StepError> {
        Self::read_with(block, &mut |text| world.value(text))
    }

    fn read_with(block: &Block, fill: &mut dyn FnMut(&str) -> Result<Json, StepError>) -> Result<Self, StepError> {
        let mut requirements = Vec::new();
        for row in block.rows() {
            let [place, cell] = row.as_slice() else {
                return Err(Failure::failed(columns(row.len())));
            };
            let place = if place.contains("${") {
                match fill(place)? {
                    Json::String(text) => text,
                    other => other.to_string(),
                }
            } else {
                place.clone()
            };
            let expectation = match cell.strip_prefix('#') {
                Some(marker) => {
                    let (marker, written) = Marker::read(marker, fill)?;
                    Expectation::Marker { written, marker }
                }
                None => Expectation::Value(Expected::read(cell, fill)?),
            };
            requirements.push(Requirement {
                place: Place::parse(&place).map_err(Failure::failed)?,
                expectation,
            });
        }
        Ok(Self { requirements })
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// The places that it looks at, in the order of the table.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.requirements.iter().map(|requirement| &requirement.place)
    }

    /// The exact values that it expects, or that it expects not to be, in the order of the table.
    pub fn values(&self) -> impl Iterator<Item = (&Place, &Expected)> {
        self.requirements
            .iter()
            .filter_map(|requirement| match &requirement.expectation {
                Expectation::Value(expected) => Some((&requirement.place, expected)),
                Expectation::Marker { marker, .. } => Some((&requirement.place, marker.excludes()?)),
            })
    }

    /// What it expects, one line a row: `$.total: 12.5`.
    pub fn lines(&self) -> Vec<String> {
        let line = |Requirement { place, expectation }: &Requirement| format!("{place}: {expectation}");
        self.requirements.iter().map(line).collect()
    }

    /// Holds a subject against it.
    pub fn judge(&self, subject: &dyn Subject) -> Judgement {
        let misses = self.requirements.iter().filter_map(|each| each.miss(subject)).collect();
        Judgement { misses }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(expected) => formatter.write_str(&shown(&expected.json)),
            Self::Marker { written, .. } => formatter.write_str(written),
        }
    }
}

impl Requirement {
    fn miss(&self, subject: &dyn Subject) -> Option<Miss> {
        let Self { place, expectation } = self;
        let nodes = subject.read(place);
        let held = match expectation {
            Expectation::Value(expected) => nodes.iter().any(|node| subject.is(place, expected, node)),
            Expectation::Marker { marker, .. } => {
                let is = |expected: &Expected, node: &Json| subject.is(place, expected, node);
                marker.holds(&nodes, subject.typing(place), &is)
            }
        };
        if held {
            return None;
        }
        let mut told = expectation.to_string();
        let seen = match (nodes.as_slice(), expectation) {
            ([], _) => subject.absence(place),
            ([node], Expectation::Value(expected)) if value::differ_only_in_type(&expected.json, node) => {
                told = shown_with_type(&expected.json);
                shown_with_type(node)
            }
            ([node], _) => shown(node),
            (nodes, _) => {
                let all: Vec<String> = nodes.iter().map(Json::to_string).collect();
                format!(
                    "each of {}: {}",
                    all.len(),
                    momus_engine::values::shortened(&all.join(", "))
                )
            }
        };
        Some(Miss {
            place: place.to_string(),
            expected: told,
            seen,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// A subject that is nothing but JSON and a key.
    pub(crate) struct Thing(pub Json);

    impl Subject for Thing {
        fn read(&self, place: &Place) -> Vec<Json> {
            match place {
                Place::Part(name) if name == "key" => vec![json!("k-1")],
                _ => place.nodes(&self.0),
            }
        }

        fn shown(&self) -> String {
            self.0.to_string()
        }
    }

    /// A table of `place, expectation` rows; `${n}` in it is 7.
    pub(crate) fn selection(rows: &[[&str; 2]]) -> Selection {
        let rows = rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
        let mut fill = |text: &str| {
            Ok(match text {
                "${n}" => json!(7),
                other => json!(other.replace("${n}", "7")),
            })
        };
        Selection::read_with(&Block::Table(rows), &mut fill).expect("the table can be read")
    }

    fn misses(rows: &[[&str; 2]], json: Json) -> Vec<String> {
        let judged = selection(rows).judge(&Thing(json));
        judged.misses.iter().map(Miss::to_string).collect()
    }

    fn order() -> Json {
        json!({"id": 7, "user_id": "u2", "code": "1", "lines": [{"sku": "a"}, {"sku": "b"}], "note": null})
    }

    #[test]
    fn what_meets_every_row_is_selected() {
        let rows = [
            ["key", "k-1"],
            ["$.id", "${n}"],
            ["$.user_id", "u${n}"],
            ["$.lines", "#array 2"],
            ["$.lines[*].sku", "b"],
            ["$.lines[?@.sku=='a'].sku", "#present"],
            ["$.note", "null"],
            ["$.nothing", "#absent"],
        ];
        let mut order = order();
        order["user_id"] = json!("u7");
        assert_eq!(misses(&rows, order), Vec::<String>::new());
    }

    #[test]
    fn each_row_that_is_not_met_is_told() {
        let rows = [
            ["$.user_id", "u1"],
            ["$.code", "1"],
            ["$.id", "\"7\""],
            ["$.lines[*].sku", "c"],
            ["$.total", "#number 1..2"],
            ["$.id", "#uuid"],
            ["$.note", "#absent"],
            ["$.lines[${n}].sku", "a"],
        ];
        insta::assert_snapshot!(misses(&rows, order()).join("\n"), @r#"
        $.user_id: expected "u1", was "u2"
        $.code: expected the number 1, was the text "1"
        $.id: expected the text "7", was the number 7
        $.lines[*].sku: expected "c", was each of 2: "a", "b"
        $.total: expected #number 1..2, was absent
        $.id: expected #uuid, was 7
        $.note: expected #absent, was null
        $.lines[7].sku: expected "a", was absent
        "#);
    }
}
