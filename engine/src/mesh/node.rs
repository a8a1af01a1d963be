//! A YAML file as a tree in which every key and value knows its place.

use super::error::MeshError;
use super::place::Place;
use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Location, MessageFormatter, Spanned};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A value at its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// Entries in the file's order, each with the place of its key.
pub(super) type Map = IndexMap<String, (Place, Node)>;

/// What a node holds. Numbers and booleans are texts, spelt as in the file.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Text {
        text: String,
        /// How many characters after the place the text begins, where it stands verbatim in the file.
        inset: Option<usize>,
    },
    List(Vec<Node>),
    Map(Map),
}

impl Value {
    /// What it is called in a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Text { .. } => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// Reads `text`. Keys given twice are reported and the first kept; what is not YAML is `None` and reported.
pub(super) fn parse(text: &str, file: &Arc<Path>, errors: &mut Vec<MeshError>) -> Option<Node> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options) {
        Ok(root) => Some(Source { text, file }.node(root, errors)),
        Err(error) => {
            let location = error.location().unwrap_or(Location::UNKNOWN);
            let place = Source { text, file }.place(&location);
            let message = serde_saphyr::UserMessageFormatter
                .format_message(error.without_snippet())
                .into_owned();
            errors.push(MeshError::at(&place, message));
            None
        }
    }
}

/// Lays `later` over `earlier`: maps by key, recursively; a null takes the earlier value away;
/// anything else takes its place.
pub(super) fn overlay(earlier: Node, later: Node) -> Node {
    match (earlier.value, later.value) {
        (Value::Map(mut base), Value::Map(over)) => {
            for (key, (place, node)) in over {
                match base.get_mut(&key) {
                    Some(_) if matches!(node.value, Value::Null) => {
                        base.shift_remove(&key);
                    }
                    Some(entry) => {
                        let before = std::mem::replace(
                            &mut entry.1,
                            Node {
                                place: place.clone(),
                                value: Value::Null,
                            },
                        );
                        entry.1 = overlay(before, node);
                    }
                    None => {
                        base.insert(key, (place, node));
                    }
                }
            }
            Node {
                place: earlier.place,
                value: Value::Map(base),
            }
        }
        (_, value) => Node {
            place: later.place,
            value,
        },
    }
}

/// The tree as serde sees it: numbers and booleans are still to be looked up in the source.
enum Raw {
    Null,
    Plain,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

struct Source<'a> {
    text: &'a str,
    file: &'a Arc<Path>,
}

impl Source<'_> {
    fn node(&self, raw: Spanned<Raw>, errors: &mut Vec<MeshError>) -> Node {
        let place = self.place(&raw.referenced);
        let spelt = self.slice(&raw.defined);
        let value = match raw.value {
            Raw::Null => Value::Null,
            Raw::Plain => Value::Text {
                text: spelt.to_owned(),
                inset: Some(0),
            },
            Raw::Text(text) => {
                let inset = if raw.referenced != raw.defined {
                    None
                } else if spelt.starts_with(&text) {
                    Some(0)
                } else {
                    let inner = spelt.strip_prefix(['"', '\'']);
                    inner.filter(|inner| inner.starts_with(&text)).map(|_| 1)
                };
                Value::Text { text, inset }
            }
            Raw::List(items) => Value::List(items.into_iter().map(|i| self.node(i, errors)).collect()),
            Raw::Map(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    let at = self.place(&key.referenced);
                    let node = self.node(value, errors);
                    if let Some((first, _)) = map.get(&key.value) {
                        errors.push(
                            MeshError::at(&at, format!("key `{}` is given twice", key.value))
                                .hint(format!("the first one is at {first}")),
                        );
                    } else {
                        map.insert(key.value, (at, node));
                    }
                }
                Value::Map(map)
            }
        };
        Node { place, value }
    }

    fn place(&self, location: &Location) -> Place {
        Place {
            file: Arc::clone(self.file),
            line: usize::try_from(location.line()).unwrap_or(0),
            column: usize::try_from(location.column()).unwrap_or(0),
        }
    }

    fn slice(&self, location: &Location) -> &str {
        let span = location.span();
        let bounds = || {
            let start = usize::try_from(span.byte_offset()?).ok()?;
            let length = usize::try_from(span.byte_len()?).ok()?;
            Some(start..start.checked_add(length)?)
        };
        bounds()
            .and_then(|range| self.text.get(range))
            .unwrap_or_default()
            .trim_end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Node>, Vec<String>) {
        let mut errors = Vec::new();
        let node = parse(text, &Path::new("m.yaml").into(), &mut errors);
        (node, errors.iter().map(ToString::to_string).collect())
    }

    fn get<'n>(node: &'n Node, key: &str) -> &'n (Place, Node) {
        let Value::Map(map) = &node.value else {
            panic!("not a map: {node:?}")
        };
        &map[key]
    }

    fn text(node: &Node) -> (&str, Option<usize>) {
        match &node.value {
            Value::Text { text, inset } => (text, *inset),
            other => panic!("not a text: {other:?}"),
        }
    }

    #[test]
    fn numbers_and_booleans_keep_their_spelling() {
        let (node, errors) = read("a: 007\nb: 1.50\nc: yes\nd: \"é1\"\n1: x\ne: .inf # why\n");
        let node = node.unwrap();
        assert!(errors.is_empty(), "{errors:?}");
        for (key, expected) in [("a", "007"), ("b", "1.50"), ("c", "yes"), ("e", ".inf")] {
            assert_eq!(text(&get(&node, key).1), (expected, Some(0)), "{key}");
        }
        assert_eq!(text(&get(&node, "d").1), ("é1", Some(1)));
        assert_eq!(text(&get(&node, "1").1), ("x", Some(0)));
    }

    #[test]
    fn keys_and_values_know_their_places() {
        let (node, _) = read("a:\n  bé: { c: [1, two] }\n");
        let node = node.unwrap();
        let (key, inner) = get(&get(&node, "a").1, "bé");
        assert_eq!((key.line, key.column), (2, 3));
        let (key, list) = get(inner, "c");
        assert_eq!((key.line, key.column), (2, 9));
        let Value::List(items) = &list.value else {
            panic!("not a list")
        };
        assert_eq!((items[1].place.line, items[1].place.column), (2, 16));
    }

    #[test]
    fn a_key_given_twice_is_an_error_at_the_second() {
        let (_, errors) = read("a: 1\nb: 2\na: 3\n");
        assert_eq!(
            errors,
            ["m.yaml:3:1: key `a` is given twice\n  hint: the first one is at m.yaml:1:1"]
        );
    }

    #[test]
    fn text_that_is_not_yaml_is_an_error_at_its_place() {
        let (node, errors) = read("a: [1, 2\nb: }\n");
        assert!(node.is_none());
        assert_eq!(errors.len(), 1);
        assert!(errors[0].starts_with("m.yaml:2:"), "{errors:?}");
        assert!(!errors[0].contains("line"), "{errors:?}");
    }

    #[test]
    fn an_empty_file_is_null() {
        for empty in ["", "# nothing\n", "---\n"] {
            let (node, errors) = read(empty);
            assert!(errors.is_empty(), "{errors:?}");
            assert!(matches!(node.unwrap().value, Value::Null), "{empty:?}");
        }
    }

    #[test]
    fn anchors_and_merge_keys_are_followed() {
        let (node, errors) = read("base: &b { x: 1 }\na: *b\nc: { <<: *b, y: 2 }\n");
        assert!(errors.is_empty(), "{errors:?}");
        let node = node.unwrap();
        assert_eq!(text(&get(&get(&node, "a").1, "x").1).0, "1");
        assert_eq!(text(&get(&get(&node, "c").1, "x").1).0, "1");
    }

    #[test]
    fn a_later_file_overrides_by_key_and_a_null_takes_away() {
        let (a, _) = read("m: { keep: 1, change: 2, drop: 3 }\nl: [1, 2]\n");
        let (b, _) = read("m: { change: 9, drop: null, add: 4 }\nl: [5]\n");
        let node = overlay(a.unwrap(), b.unwrap());
        let Value::Map(map) = &get(&node, "m").1.value else {
            panic!("not a map")
        };
        let got: Vec<_> = map.iter().map(|(k, v)| (k.as_str(), text(&v.1).0)).collect();
        assert_eq!(got, [("keep", "1"), ("change", "9"), ("add", "4")]);
        assert!(matches!(&get(&node, "l").1.value, Value::List(items) if items.len() == 1));
    }
}
