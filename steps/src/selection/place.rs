//! Places: where a table's row looks, and which places a noun has.

use std::fmt;

use serde_json::Value as Json;
use serde_json_path::JsonPath;

/// Where a row of a table looks.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// A JSONPath (RFC 9535) into the JSON of what is looked at: `$.lines[0].sku`.
    Path {
        /// As written.
        written: String,
        /// As read.
        path: JsonPath,
    },
    /// A header: `header ce_type`. Whether case counts is the noun's affair.
    Header(String),
    /// A parameter of a query: `query page`.
    Query(String),
    /// A part with a name of its own: `key`, `status`, a column.
    Part(String),
}

/// The places that a noun has, for the check while planning.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// What is looked at, with its article: `a record`.
    pub of: &'static str,
    /// Whether there is JSON to look into: `$…`.
    pub json: bool,
    /// Whether it has headers: `header NAME`.
    pub headers: bool,
    /// Whether it has a query: `query NAME`.
    pub query: bool,
    /// Its parts.
    pub parts: Parts,
}

/// The parts that a noun has.
#[derive(Clone, Copy, Debug)]
pub enum Parts {
    /// These; `form NAME` is one for each name.
    Known(&'static [&'static str]),
    /// These, and its tags: `tag NAME`.
    Tagged(&'static [&'static str]),
    /// These, and every field whose name has a dot: `trace.id`.
    Fields(&'static [&'static str]),
    /// Whatever has a name: the columns of a table, which only the database knows.
    Any,
}

/// The places of a record of a topic.
pub const RECORD: Places = Places {
    of: "a record",
    json: true,
    headers: true,
    query: false,
    parts: Parts::Known(&["key", "value", "partition", "offset"]),
};

/// The places of a record that is published.
pub const PUBLISHED: Places = Places {
    of: "a record that is published",
    json: true,
    headers: true,
    query: false,
    parts: Parts::Known(&["key", "value", "partition"]),
};

/// The places of a row of a table.
pub const ROW: Places = Places {
    of: "a row",
    json: false,
    headers: false,
    query: false,
    parts: Parts::Any,
};

/// The places of a line of an object.
pub const LINE: Places = Places {
    of: "a line",
    json: true,
    headers: false,
    query: false,
    parts: Parts::Known(&[]),
};

/// The places of a response.
pub const RESPONSE: Places = Places {
    of: "a response",
    json: true,
    headers: true,
    query: false,
    parts: Parts::Known(&["status", "cookie NAME"]),
};

/// The places of a request that is sent.
pub const REQUEST: Places = Places {
    of: "a request",
    json: true,
    headers: true,
    query: true,
    parts: Parts::Known(&["form NAME", "file NAME", "cookie NAME"]),
};

/// The places of a call to a partner.
pub const CALL: Places = Places {
    of: "a call",
    json: true,
    headers: true,
    query: true,
    parts: Parts::Known(&["method", "path", "status", "form NAME", "cookie NAME"]),
};

impl Place {
    /// Reads a place.
    ///
    /// # Errors
    /// A message for a JSONPath that is not well formed, or a header or parameter without a name.
    pub fn parse(written: &str) -> Result<Self, String> {
        if written.starts_with('$') {
            return match JsonPath::parse(written) {
                Ok(path) => Ok(Self::Path {
                    written: written.to_owned(),
                    path,
                }),
                Err(error) => Err(format!(
                    "`{written}` is no JSONPath: {}, at character {}; hint: such as `$.lines[0].sku` or `$['a key']` (RFC 9535)",
                    error.message(),
                    written.get(..error.position()).unwrap_or_default().chars().count() + 1,
                )),
            };
        }
        match written.split_once(' ') {
            Some(("header", name)) if !name.trim().is_empty() => Ok(Self::Header(name.trim().to_owned())),
            Some(("query", name)) if !name.trim().is_empty() => Ok(Self::Query(name.trim().to_owned())),
            None if matches!(written, "header" | "query") => Err(format!(
                "`{written}` lacks a name; hint: `{written} NAME`, such as `{written} {}`",
                if written == "header" { "content-type" } else { "page" }
            )),
            _ if written.is_empty() => Err("this place is empty; hint: such as `$.id` or `header content-type`".into()),
            _ => Ok(Self::Part(written.to_owned())),
        }
    }

    /// The name behind the word of a part: `session` of `cookie session`.
    pub fn named(&self, kind: &str) -> Option<&str> {
        let Self::Part(part) = self else { return None };
        let name = part.strip_prefix(kind)?.strip_prefix(' ')?.trim();
        (!name.is_empty()).then_some(name)
    }

    /// What stands at this place of a JSON value; nothing for a place that is no JSONPath.
    pub fn nodes(&self, json: &Json) -> Vec<Json> {
        match self {
            Self::Path { path, .. } => path.query(json).all().into_iter().cloned().collect(),
            Self::Header(_) | Self::Query(_) | Self::Part(_) => Vec::new(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { written, .. } => formatter.write_str(written),
            Self::Header(name) => write!(formatter, "header {name}"),
            Self::Query(name) => write!(formatter, "query {name}"),
            Self::Part(name) => formatter.write_str(name),
        }
    }
}

impl Places {
    /// Reads a place, if the noun has it.
    ///
    /// # Errors
    /// A message for what is no place, or no place of this noun, with what it has.
    pub fn parse(&self, written: &str) -> Result<Place, String> {
        let place = Place::parse(written)?;
        let has = match (&place, self.parts) {
            (Place::Path { .. }, _) => self.json,
            (Place::Header(_), _) => self.headers,
            (Place::Query(_), _) => self.query,
            (Place::Part(_), Parts::Any) => true,
            (Place::Part(name), Parts::Known(parts)) => {
                let named = |part: &&str| {
                    part.strip_suffix(" NAME")
                        .is_some_and(|kind| place.named(kind).is_some())
                };
                parts.contains(&name.as_str()) || parts.iter().any(named)
            }
            (Place::Part(name), Parts::Tagged(parts)) => {
                let tag = name.strip_prefix("tag ").is_some_and(|tag| !tag.trim().is_empty());
                tag || parts.contains(&name.as_str())
            }
            (Place::Part(name), Parts::Fields(parts)) => {
                let dotted = name.contains('.') && !name.contains(' ') && name.split('.').all(|part| !part.is_empty());
                dotted || parts.contains(&name.as_str())
            }
        };
        if has { Ok(place) } else { Err(self.lacks(written)) }
    }

    fn lacks(&self, written: &str) -> String {
        let mut has = Vec::new();
        has.extend(self.json.then_some("`$…`"));
        has.extend(self.headers.then_some("`header NAME`"));
        has.extend(self.query.then_some("`query NAME`"));
        let mut has: Vec<String> = has.into_iter().map(str::to_owned).collect();
        let mut known = Vec::new();
        match self.parts {
            Parts::Tagged(_) => has.push("`tag NAME`".to_owned()),
            Parts::Fields(_) => has.push("`FIELD.NAME`".to_owned()),
            Parts::Known(_) | Parts::Any => {}
        }
        match self.parts {
            Parts::Known(parts) | Parts::Tagged(parts) | Parts::Fields(parts) => {
                has.extend(parts.iter().map(|part| format!("`{part}`")));
                known.extend_from_slice(parts);
            }
            Parts::Any => has.push("its columns".to_owned()),
        }
        let hint = match nearest(written, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.json && written.starts_with('.') => format!("did you mean `${written}`?"),
            None if self.json && written.chars().all(|c| c.is_alphanumeric() || "_-.[]".contains(c)) => {
                format!(
                    "a member of its JSON is `$.{written}`; {} has {}",
                    self.of,
                    has.join(", ")
                )
            }
            None => format!("{} has {}", self.of, has.join(", ")),
        };
        format!("{} has no place `{written}`; hint: {hint}", self.of)
    }
}

/// The candidate that `word` is most likely a slip of: at most a third of its letters are wrong.
pub(super) fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    candidates
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), *candidate))
        .filter(|(distance, candidate)| distance * 3 <= candidate.chars().count().max(word.chars().count()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_place_is_read() {
        assert!(matches!(Place::parse("$.a.b[0]"), Ok(Place::Path { .. })));
        assert_eq!(Place::parse("header ce_type"), Ok(Place::Header("ce_type".into())));
        assert_eq!(Place::parse("query page"), Ok(Place::Query("page".into())));
        assert_eq!(Place::parse("amount"), Ok(Place::Part("amount".into())));
        assert_eq!(
            Place::parse("header content-type").map(|place| place.to_string()),
            Ok("header content-type".into())
        );
    }

    #[test]
    fn a_noun_has_its_own_places_and_no_others() {
        assert!(RECORD.parse("key").is_ok());
        assert!(ROW.parse("whatever").is_ok());
        for (places, place, message) in [
            (RECORD, "kye", "a record has no place `kye`; hint: did you mean `key`?"),
            (
                RESPONSE,
                "id",
                "a response has no place `id`; hint: a member of its JSON is `$.id`; a response has `$…`, `header NAME`, `status`, `cookie NAME`",
            ),
            (LINE, ".id", "a line has no place `.id`; hint: did you mean `$.id`?"),
            (
                LINE,
                "header x",
                "a line has no place `header x`; hint: a line has `$…`",
            ),
            (ROW, "$.id", "a row has no place `$.id`; hint: a row has its columns"),
            (
                RECORD,
                "header",
                "`header` lacks a name; hint: `header NAME`, such as `header content-type`",
            ),
        ] {
            assert_eq!(places.parse(place), Err(message.into()));
        }
    }

    #[test]
    fn a_path_that_is_not_well_formed_is_told_with_its_character() {
        let error = RECORD.parse("$.lines[x]").unwrap_err();
        assert!(
            error.starts_with("`$.lines[x]` is no JSONPath: ") && error.contains(", at character "),
            "{error}"
        );
    }
}
