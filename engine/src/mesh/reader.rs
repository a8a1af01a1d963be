//! Reads single values out of a tree, and notes every mistake at its place.

use super::error::MeshError;
use super::nearest::did_you_mean;
use super::node::{Map, Node, Value};
use super::place::{Located, Place};
use super::schema;
use super::template::{self, Segment, Template};
use schemars::JsonSchema;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The variables that values may name, and the mistakes found so far.
pub(super) struct Reader<'a> {
    pub(super) variables: &'a dyn Fn(&str) -> Option<String>,
    pub(super) errors: Vec<MeshError>,
}

/// A map of a known shape; empty where the file has something else there.
pub(super) struct Fields<'n>(Option<&'n Map>);

impl<'n> Fields<'n> {
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|(_, node)| node)
    }

    /// The value, and the place of its key.
    pub(super) fn entry(&self, key: &str) -> Option<(&'n Place, &'n Node)> {
        let (place, node) = self.0?.get(key)?;
        Some((place, node))
    }
}

impl Reader<'_> {
    pub(super) fn error(&mut self, place: &Place, message: impl Into<String>) {
        self.errors.push(MeshError::at(place, message));
    }

    pub(super) fn unfit(&mut self, node: &Node, of: &str, expected: &str) {
        let found = match &node.value {
            Value::Text { text, .. } => format!("`{text}`"),
            other => other.kind().to_owned(),
        };
        self.error(&node.place, format!("{of} must be {expected}, not {found}"));
    }

    /// A map of any keys.
    pub(super) fn map<'n>(&mut self, node: &'n Node, of: &str) -> Option<&'n Map> {
        if let Value::Map(map) = &node.value {
            return Some(map);
        }
        self.unfit(node, of, "a map");
        if let (Value::Null, Some(last)) = (&node.value, self.errors.last_mut()) {
            last.hint = Some("write `{}` for an empty one".to_owned());
        }
        None
    }

    /// A map with the keys of `T`; any other key is an error.
    pub(super) fn fields<'n, T: JsonSchema>(&mut self, node: &'n Node, of: &str) -> Fields<'n> {
        let map = self.map(node, of);
        let known = schema::keys::<T>();
        for (key, (place, _)) in map.into_iter().flatten() {
            if !known.contains(key) {
                let hint = did_you_mean(key, known.iter().map(String::as_str))
                    .unwrap_or_else(|| format!("the keys here are {}", known.join(", ")));
                let message = format!("unknown key `{key}` in {of}");
                self.errors.push(MeshError::at(place, message).hint(hint));
            }
        }
        Fields(map)
    }

    /// The items of a list.
    pub(super) fn list<'n>(&mut self, node: &'n Node, of: &str) -> Option<&'n [Node]> {
        if let Value::List(items) = &node.value {
            return Some(items);
        }
        self.unfit(node, of, "a list");
        if let (Value::Text { text, .. }, Some(last)) = (&node.value, self.errors.last_mut()) {
            let words: Vec<_> = text.split_whitespace().map(|w| format!("{w:?}")).collect();
            last.hint = Some(format!("write [{}]", words.join(", ")));
        }
        None
    }

    /// A single value as it stands: a name, a duration, a number.
    pub(super) fn word(&mut self, node: &Node, of: &str) -> Option<Located<String>> {
        match &node.value {
            Value::Text { text, .. } if !text.is_empty() => Some(Located {
                value: text.clone(),
                place: node.place.clone(),
            }),
            _ => {
                self.unfit(node, of, "a text");
                None
            }
        }
    }

    /// A list of names, none of them twice.
    pub(super) fn words(&mut self, node: &Node, of: &str) -> Vec<Located<String>> {
        let mut words: Vec<Located<String>> = Vec::new();
        for item in self.list(node, of).unwrap_or_default() {
            let Some(word) = self.word(item, &format!("an item of {of}")) else {
                continue;
            };
            match words.iter().find(|before| before.value == word.value) {
                Some(first) => {
                    let message = format!("`{}` stands in {of} twice", word.value);
                    let hint = format!("the first one is at {}", first.place);
                    let error = MeshError::at(&word.place, message).hint(hint);
                    self.errors.push(error);
                }
                None => words.push(word),
            }
        }
        words
    }

    /// A value with references to the environment.
    pub(super) fn template(&mut self, node: &Node, of: &str) -> Option<Located<Template>> {
        let Value::Text { text, inset } = &node.value else {
            self.unfit(node, of, "a text");
            return None;
        };
        let place = |offset: usize| match (inset, text.get(..offset)) {
            (Some(inset), Some(before)) if !before.contains('\n') => node.place.right(inset + before.chars().count()),
            _ => node.place.clone(),
        };
        Some(Located {
            value: template::parse(text, place, self.variables, &mut self.errors),
            place: node.place.clone(),
        })
    }

    /// A value in which only variables may stand.
    pub(super) fn text(&mut self, node: &Node, of: &str) -> Option<Located<String>> {
        let template = self.template(node, of)?;
        let mut value = String::new();
        for segment in &template.segments {
            match segment {
                Segment::Text(text) => value.push_str(text),
                Segment::Reference(reference) => {
                    let message = format!("`{}` cannot stand in {of}", reference.value);
                    let hint = "it can in `command` and `environment`; here only variables can";
                    let error = MeshError::at(&reference.place, message).hint(hint);
                    self.errors.push(error);
                }
            }
        }
        Some(Located {
            value,
            place: template.place,
        })
    }

    /// A path, made absolute from the folder of the file that it stands in.
    pub(super) fn path(&mut self, node: &Node, of: &str) -> Option<Located<PathBuf>> {
        let text = self.text(node, of)?;
        Some(Located {
            value: absolute(&absolute(folder(&text.place.file)).join(&text.value)),
            place: text.place,
        })
    }

    /// `300ms`, `2s`, `1m 30s`.
    pub(super) fn duration(&mut self, node: &Node, of: &str) -> Option<Duration> {
        let word = self.word(node, of)?;
        match humantime::parse_duration(&word.value) {
            Ok(duration) => Some(duration),
            Err(_) => {
                let message = format!("{of} must be a duration, not `{}`", word.value);
                let unitless = word.value.parse::<u64>().is_ok();
                let hint = if unitless {
                    format!("give it a unit: `{0}ms` or `{0}s`", word.value)
                } else {
                    "durations are written `300ms`, `2s`, `1m 30s`".to_owned()
                };
                let error = MeshError::at(&word.place, message).hint(hint);
                self.errors.push(error);
                None
            }
        }
    }

    /// One of a few words, and what it stands for.
    pub(super) fn one_of<T: Clone>(&mut self, node: &Node, of: &str, words: &[(&str, T)]) -> Option<T> {
        let word = self.word(node, of)?;
        if let Some((_, meaning)) = words.iter().find(|(known, _)| *known == word.value) {
            return Some(meaning.clone());
        }
        let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
        let all = match known.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => known.concat(),
        };
        let message = format!("{of} must be {all}, not `{}`", word.value);
        let hint = did_you_mean(&word.value, known);
        self.errors.push(MeshError::at(&word.place, message).hint_if(hint));
        None
    }

    /// A whole number from 1 to `max`.
    pub(super) fn count(&mut self, node: &Node, of: &str, max: u32) -> Option<u32> {
        if let Value::Text { text, .. } = &node.value
            && let Ok(count) = text.parse()
            && (1..=max).contains(&count)
        {
            return Some(count);
        }
        self.unfit(node, of, &format!("a whole number from 1 to {max}"));
        None
    }
}

/// The folder of a file, `.` where the path has none.
pub(super) fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The path from the root, without detours where it exists already.
pub(super) fn absolute(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole.canonicalize().unwrap_or(whole)
}
