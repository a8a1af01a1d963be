//! Building: the places by which a table selects make what is sent as well.

use std::collections::BTreeMap;

use momus_engine::failure::{Failure, StepError};
use momus_engine::step::{Block, BlockError};
use momus_engine::template::{Key, Template};
use momus_engine::world::World;
use serde_json::{Map, Value as Json};

use super::place::{Place, Places};
use super::value::{Expected, cell_value, shown_with_type};

/// What a table builds: each row names a place and the value that stands there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Built {
    /// What the `$…` places make; none where the table has none.
    pub json: Option<Json>,
    /// The headers, in the order of the table.
    pub headers: Vec<(String, Expected)>,
    /// The parameters of the query, in the order of the table.
    pub query: Vec<(String, Expected)>,
    /// The fields of a form, in the order of the table.
    pub form: Vec<(String, Field)>,
    /// The cookies, in the order of the table.
    pub cookies: Vec<(String, Expected)>,
    /// The parts with names of their own: `key`, `partition`.
    pub parts: BTreeMap<String, Expected>,
}

/// A field of a form.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// A text.
    Text(String),
    /// The content of a file of this name.
    File(String),
}

/// The `$…` places of a table, put together one by one.
#[derive(Default)]
struct Builder {
    json: Option<Json>,
    /// The ways that were given, and whether what stands there is known only when the step runs.
    given: Vec<(Vec<Key>, bool)>,
}

impl Built {
    /// Builds what the table below a step says, `${…}` filled in. Nothing else builds anything.
    ///
    /// # Errors
    /// When a reference has no value, or a place cannot be where the places before it stand.
    pub fn read(world: &mut World, block: &Block) -> Result<Self, StepError> {
        let mut built = Self::default();
        let mut builder = Builder::default();
        for row in block.rows() {
            let [place, cell] = row.as_slice() else {
                return Err(Failure::failed(columns(row.len())));
            };
            let place = world.text(place)?;
            let value = cell_value(world, cell)?;
            let place = Place::parse(&place).map_err(Failure::failed)?;
            if let Some(name) = place.named("form") {
                built.form.push((name.to_owned(), Field::Text(value.written)));
                continue;
            }
            if let Some(name) = place.named("file") {
                built.form.push((name.to_owned(), Field::File(value.written)));
                continue;
            }
            if let Some(name) = place.named("cookie") {
                built.cookies.push((name.to_owned(), value));
                continue;
            }
            match place {
                Place::Path { written, .. } => builder.put(&written, value.json, false).map_err(Failure::failed)?,
                Place::Header(name) => built.headers.push((name, value)),
                Place::Query(name) => built.query.push((name, value)),
                Place::Part(name) => drop(built.parts.insert(name, value)),
            }
        }
        built.json = builder.json;
        Ok(built)
    }
}

/// Tells while planning what is wrong with a table that builds what has these places. A doc string is left to the
/// step.
///
/// # Errors
/// The first thing that is wrong, at its cell.
pub fn check(places: &Places, block: &Block) -> Result<(), BlockError> {
    let mut builder = Builder::default();
    let mut parts: Vec<&str> = Vec::new();
    for (at, row) in block.rows().iter().enumerate() {
        let [place, cell] = row.as_slice() else {
            return Err(BlockError {
                row: Some(at),
                cell: None,
                message: columns(row.len()),
            });
        };
        check_value(cell).map_err(|message| BlockError::cell(at, 1, message))?;
        if has_references(place) {
            // What it stands for is known when the step runs.
            continue;
        }
        let wrong = |message| BlockError::cell(at, 0, message);
        match places.parse(place).map_err(wrong)? {
            // A form may have several of one name.
            part if part.named("form").or(part.named("file")).is_some() => {}
            Place::Path { written, .. } => {
                let (value, later) = match Expected::literal(cell).json {
                    Json::String(text) if has_references(&text) => (Json::Null, true),
                    json => (json, false),
                };
                builder.put(&written, value, later).map_err(wrong)?;
            }
            Place::Part(_) if parts.contains(&place.as_str()) => return Err(wrong(twice(place))),
            Place::Part(_) => parts.push(place),
            Place::Header(_) | Place::Query(_) => {}
        }
    }
    Ok(())
}

/// Tells while planning that a cell that gives a value is a marker.
///
/// # Errors
/// A message for a marker.
pub fn check_value(cell: &str) -> Result<(), String> {
    if cell.starts_with('#') {
        return Err(format!(
            "`{cell}` looks for something, and here a value is given; hint: write `\\{cell}` for the text itself"
        ));
    }
    Ok(())
}

impl Builder {
    /// Puts a value at a place; `later` says that the value is known only when the step runs.
    fn put(&mut self, place: &str, value: Json, later: bool) -> Result<(), String> {
        let way = way(place)?;
        for (given, unknown) in &self.given {
            if *given == way {
                return Err(twice(place));
            }
            if given.starts_with(&way) {
                return Err(format!(
                    "`{place}` stands below `{}`, which it would replace; hint: put it first",
                    written(given)
                ));
            }
            if *unknown && way.starts_with(given) {
                return Ok(());
            }
        }
        let mut fresh = self.json.is_none();
        let mut at = self.json.get_or_insert(Json::Null);
        for (depth, key) in way.iter().enumerate() {
            if fresh {
                *at = match key {
                    Key::Member(_) => Json::Object(Map::new()),
                    Key::Element(_) => Json::Array(Vec::new()),
                };
            }
            // An index that a list does not reach yet is its next one.
            if let (Key::Element(index), Json::Array(elements)) = (key, &*at)
                && *index > elements.len()
            {
                let next = [&way[..depth], &[Key::Element(elements.len())]].concat();
                let next = written(&next);
                return Err(format!("`{place}` leaves a gap; hint: `{next}` comes first"));
            }
            at = match (key, at) {
                (Key::Member(name), Json::Object(members)) => {
                    fresh = !members.contains_key(name);
                    members.entry(name.as_str()).or_insert(Json::Null)
                }
                (Key::Element(index), Json::Array(elements)) => {
                    fresh = *index == elements.len();
                    if fresh {
                        elements.push(Json::Null);
                    }
                    &mut elements[*index]
                }
                (_, other) => {
                    let (before, is) = (written(&way[..depth]), shown_with_type(other));
                    return Err(format!("`{place}` cannot be: `{before}` is {is}"));
                }
            };
        }
        *at = value;
        self.given.push((way, later));
        Ok(())
    }
}

/// The way of a JSONPath that leads to one place by member names and indices alone.
fn way(place: &str) -> Result<Vec<Key>, String> {
    let several = || {
        format!("`{place}` is not one place; hint: a value is put at names and indices alone, such as `$.lines[0].sku`")
    };
    let mut way = Vec::new();
    let mut rest = place.strip_prefix('$').ok_or_else(several)?;
    while !rest.is_empty() {
        let (key, after) = step(rest).ok_or_else(several)?;
        way.push(key);
        rest = after;
    }
    Ok(way)
}

/// The first `.name`, `['name']` or `[0]` of the rest of a path that is well formed.
fn step(rest: &str) -> Option<(Key, &str)> {
    if let Some(member) = rest.strip_prefix('.') {
        let (name, after) = member.split_at(member.find(['.', '[']).unwrap_or(member.len()));
        let named = !name.is_empty() && name != "*";
        return named.then(|| (Key::Member(name.to_owned()), after));
    }
    let selector = rest.strip_prefix('[')?.trim_start();
    let quote = selector.chars().next().filter(|first| matches!(first, '\'' | '"'));
    let Some(quote) = quote else {
        let (index, after) = selector.split_once(']')?;
        return Some((Key::Element(index.trim().parse().ok()?), after));
    };
    let mut name = String::new();
    let mut characters = selector.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => name.push(match characters.next()?.1 {
                'n' => '\n',
                't' => '\t',
                escaped if escaped.is_alphanumeric() => return None,
                escaped => escaped,
            }),
            end if end == quote => {
                let after = selector.get(at + 1..)?.trim_start().strip_prefix(']')?;
                return Some((Key::Member(name), after));
            }
            other => name.push(other),
        }
    }
    None
}

/// A way as a JSONPath.
pub(crate) fn written(way: &[Key]) -> String {
    let plain = |name: &str| name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let keys = way.iter().map(|key| match key {
        Key::Member(name) if plain(name) => format!(".{name}"),
        Key::Member(name) => format!("['{name}']"),
        Key::Element(index) => format!("[{index}]"),
    });
    std::iter::once("$".to_owned()).chain(keys).collect()
}

/// Whether what a text says is known only when the step runs.
pub(super) fn has_references(text: &str) -> bool {
    // A text that is no template is told by the plan itself.
    !Template::parse(text).is_ok_and(|template| template.references().next().is_none())
}

fn twice(place: &str) -> String {
    format!("`{place}` is given twice")
}

fn columns(cells: usize) -> String {
    let cells = match cells {
        1 => "one column".to_owned(),
        cells => format!("{cells} columns"),
    };
    format!("this table has {cells}; hint: a table that builds has two: a place, and what stands there")
}

#[cfg(test)]
mod tests {
    use momus_engine::values::Kept;
    use serde_json::json;

    use super::super::place::{RECORD, REQUEST};
    use super::*;
    use crate::testing::{Scenario, table};

    fn built(rows: &[[&str; 2]]) -> Result<Built, String> {
        let mut world = Scenario::begin().world;
        let order = Kept {
            json: json!({"id": 7, "lines": [{"sku": "a"}]}),
            ..Kept::default()
        };
        world.values.keep("order", order);
        Built::read(&mut world, &table(rows)).map_err(|failure| failure.message)
    }

    fn json(rows: &[[&str; 2]]) -> Result<Json, String> {
        built(rows).map(|built| built.json.unwrap_or_default())
    }

    #[test]
    fn places_make_json() {
        let rows = [
            ["$.user.id", "u${order.id}"],
            ["$.user['full name']", "\"7\""],
            ["$.lines[0].sku", "a-1"],
            ["$.lines[0].count", "${order.id}"],
            ["$.lines[1]", "null"],
            ["$[\"it's\"]", "true"],
            ["$.code", "\\#7"],
        ];
        let expected = json!({
            "user": {"id": "u7", "full name": "7"}, "lines": [{"sku": "a-1", "count": 7}, null], "it's": true, "code": "#7"
        });
        assert_eq!(json(&rows), Ok(expected));
        assert_eq!(
            json(&[["$[0].a", "1"], ["$[1].a", "2"]]),
            Ok(json!([{"a": 1}, {"a": 2}]))
        );
        assert_eq!(json(&[["$", "just text"]]), Ok(json!("just text")));
    }

    #[test]
    fn what_was_kept_is_sent_again_with_a_change() {
        let rows = [["$", "${order}"], ["$.lines[0].sku", "b"], ["$.lines[1].sku", "c"]];
        assert_eq!(json(&rows), Ok(json!({"id": 7, "lines": [{"sku": "b"}, {"sku": "c"}]})));
    }

    #[test]
    fn headers_queries_and_parts_stand_apart() {
        let built = built(&[
            ["key", "u1"],
            ["header x", "1"],
            ["header x", "${order.id}"],
            ["query q", "a b"],
        ])
        .expect("it is built");
        let headers: Vec<&str> = built.headers.iter().map(|(_, value)| value.written.as_str()).collect();
        assert_eq!(
            (built.json, headers, built.query[0].1.written.as_str()),
            (None, vec!["1", "7"], "a b")
        );
        assert_eq!(built.parts["key"].json, json!("u1"));
    }

    #[test]
    fn places_that_cannot_be_together_are_told_while_planning() {
        let told = |rows: &[[&str; 2]]| {
            let error = check(&REQUEST, &table(rows)).unwrap_err();
            format!(
                "row {:?} cell {:?}: {}",
                error.row.unwrap(),
                error.cell.unwrap(),
                error.message
            )
        };
        let all = [
            told(&[["$.a", "1"], ["$.a.b", "2"]]),
            told(&[["$.a", "x"], ["$.a", "2"]]),
            told(&[["$.a.b", "1"], ["$.a", "${order}"]]),
            told(&[["$.a[0]", "1"], ["$.a[2]", "2"]]),
            told(&[["$.a[*].b", "1"]]),
            told(&[["$..b", "1"]]),
            told(&[["$.id", "#uuid"]]),
            told(&[["id", "1"]]),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        row 1 cell 0: `$.a.b` cannot be: `$.a` is the number 1
        row 1 cell 0: `$.a` is given twice
        row 1 cell 0: `$.a` stands below `$.a.b`, which it would replace; hint: put it first
        row 1 cell 0: `$.a[2]` leaves a gap; hint: `$.a[1]` comes first
        row 0 cell 0: `$.a[*].b` is not one place; hint: a value is put at names and indices alone, such as `$.lines[0].sku`
        row 0 cell 0: `$..b` is not one place; hint: a value is put at names and indices alone, such as `$.lines[0].sku`
        row 0 cell 1: `#uuid` looks for something, and here a value is given; hint: write `\#uuid` for the text itself
        row 0 cell 0: a request has no place `id`; hint: a member of its JSON is `$.id`; a request has `$…`, `header NAME`, `query NAME`, `form NAME`, `file NAME`, `cookie NAME`
        ");
        let told = check(&RECORD, &table(&[["key", "a"], ["key", "b"]])).unwrap_err();
        assert_eq!(told.message, "`key` is given twice");
        let later = table(&[["$", "${order}"], ["$.lines[9].sku", "b"], ["$.${name}", "c"]]);
        assert_eq!(check(&REQUEST, &later), Ok(()));
    }

    #[test]
    fn what_a_reference_makes_impossible_is_told_when_the_step_runs() {
        let rows = [["$.a", "${order.id}"], ["$.a.b", "1"]];
        assert_eq!(json(&rows), Err("`$.a.b` cannot be: `$.a` is the number 7".into()));
    }
}
