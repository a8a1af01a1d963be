//! Texts with `${…}` in them: parsed while planning, filled in when a step runs.

use std::fmt;

use serde_json::Value as Json;

/// A text with references.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq)]
enum Segment {
    Literal(String),
    Reference(Reference),
}

/// What stands between `${` and `}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The name that it begins with: `order` in `${order.lines[0].id}`, `uuid`, `fake`, `service`.
    pub head: String,
    /// The way into the JSON of what is named, in order.
    pub path: Vec<Key>,
    /// What is read in place of the JSON, behind a colon: `status`, `key`, `header content-type`.
    pub aspect: Option<String>,
    /// What stands for it when nobody gives it a value, behind `:-`.
    pub default: Option<String>,
}

/// One step of the way into a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A member of an object.
    Member(String),
    /// An element of an array.
    Element(usize),
}

impl Template {
    /// Reads a text. `$${` is a literal `${`.
    ///
    /// # Errors
    /// A message for a `${` that is not closed or holds no reference.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut segments = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(before) = before.strip_suffix('$') {
                literal.push_str(before);
                literal.push_str("${");
                rest = after;
                continue;
            }
            literal.push_str(before);
            if !literal.is_empty() {
                segments.push(Segment::Literal(std::mem::take(&mut literal)));
            }
            let (inner, after) = after
                .split_once('}')
                .ok_or_else(|| format!("`${{{after}` is not closed; hint: write `$${{` for a literal `${{`"))?;
            segments.push(Segment::Reference(Reference::parse(inner)?));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            segments.push(Segment::Literal(literal));
        }
        Ok(Self { segments })
    }

    /// Its references, in order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Reference(reference) => Some(reference),
        })
    }

    /// Fills it in. A lone reference keeps its value's type; anything else is a text.
    ///
    /// # Errors
    /// The first error of `resolve`.
    pub fn value<E>(&self, mut resolve: impl FnMut(&Reference) -> Result<Json, E>) -> Result<Json, E> {
        if let [Segment::Reference(reference)] = &self.segments[..] {
            return resolve(reference);
        }
        self.text(resolve).map(Json::String)
    }

    /// Fills it in as a text: texts stand as they are, other values as JSON.
    ///
    /// # Errors
    /// The first error of `resolve`.
    pub fn text<E>(&self, mut resolve: impl FnMut(&Reference) -> Result<Json, E>) -> Result<String, E> {
        let mut text = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Literal(literal) => text.push_str(literal),
                Segment::Reference(reference) => match resolve(reference)? {
                    Json::String(value) => text.push_str(&value),
                    other => text.push_str(&other.to_string()),
                },
            }
        }
        Ok(text)
    }
}

impl Reference {
    fn parse(inner: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`${{{inner}}}` is no reference; hint: `${{name}}`, `${{name.member[0]}}`, `${{name:status}}` or `${{NAME:-default}}`"
            )
        };
        let (inner_without_default, default) = match inner.split_once(":-") {
            Some((before, default)) => (before, Some(default.to_owned())),
            None => (inner, None),
        };
        let (way, aspect) = match inner_without_default.split_once(':') {
            Some((_, "")) => return Err(wrong()),
            Some((way, aspect)) => (way, Some(aspect.trim().to_owned())),
            None => (inner_without_default, None),
        };
        let mut path = Vec::new();
        let mut head = None;
        for member in way.split('.') {
            let (name, elements) = member.split_at(member.find('[').unwrap_or(member.len()));
            if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
                return Err(wrong());
            }
            match head {
                None => head = Some(name.to_owned()),
                Some(_) => path.push(Key::Member(name.to_owned())),
            }
            for element in elements.split_terminator(']') {
                let index = element
                    .strip_prefix('[')
                    .and_then(|digits| digits.parse().ok())
                    .ok_or_else(wrong)?;
                path.push(Key::Element(index));
            }
            if !elements.is_empty() && !elements.ends_with(']') {
                return Err(wrong());
            }
        }
        Ok(Self {
            head: head.ok_or_else(wrong)?,
            path,
            aspect,
            default,
        })
    }

    /// Follows its path into a JSON value.
    pub fn follow<'json>(&self, json: &'json Json) -> Option<&'json Json> {
        self.path.iter().try_fold(json, |json, key| match key {
            Key::Member(name) => json.get(name),
            Key::Element(index) => json.get(index),
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "${{{}", self.head)?;
        for key in &self.path {
            match key {
                Key::Member(name) => write!(formatter, ".{name}")?,
                Key::Element(index) => write!(formatter, "[{index}]")?,
            }
        }
        if let Some(aspect) = &self.aspect {
            write!(formatter, ":{aspect}")?;
        }
        if let Some(default) = &self.default {
            write!(formatter, ":-{default}")?;
        }
        write!(formatter, "}}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(reference: &Reference) -> Result<Json, String> {
        let order = json!({"id": 7, "lines": [{"sku": "a-1"}]});
        match (reference.head.as_str(), reference.aspect.as_deref()) {
            ("order", None) => reference
                .follow(&order)
                .cloned()
                .ok_or_else(|| format!("{reference} is not there")),
            ("order", Some("status")) => Ok(json!(202)),
            _ => reference
                .default
                .clone()
                .map(Json::String)
                .ok_or_else(|| format!("{reference} has no value")),
        }
    }

    fn value(text: &str) -> Result<Json, String> {
        Template::parse(text)?.value(order)
    }

    #[test]
    fn a_lone_reference_keeps_its_type() {
        assert_eq!(value("${order.id}"), Ok(json!(7)));
        assert_eq!(value("${order.lines[0]}"), Ok(json!({"sku": "a-1"})));
        assert_eq!(value("no. ${order.id}"), Ok(json!("no. 7")));
    }

    #[test]
    fn paths_aspects_and_defaults_are_read() {
        assert_eq!(value("/${order.lines[0].sku}/${order:status}"), Ok(json!("/a-1/202")));
        assert_eq!(value("${REGION:-us-east-1}"), Ok(json!("us-east-1")));
        assert_eq!(value("${REGION}"), Err("${REGION} has no value".into()));
        assert_eq!(
            value("${order.lines[1].sku}"),
            Err("${order.lines[1].sku} is not there".into())
        );
    }

    #[test]
    fn a_doubled_dollar_is_literal() {
        assert_eq!(value("$${order.id} costs $5"), Ok(json!("${order.id} costs $5")));
    }

    #[test]
    fn what_is_no_reference_is_told() {
        for text in [
            "${", "${order", "${}", "${a..b}", "${a[x]}", "${a[0}", "${a b}", "${a:}",
        ] {
            let error = Template::parse(text).expect_err(text);
            assert!(error.contains("hint: "), "{text}: {error}");
        }
    }

    #[test]
    fn a_reference_is_shown_as_it_was_written() {
        for text in ["${order.lines[0].sku}", "${x:header etag}", "${A:-b}"] {
            let template = Template::parse(text).expect("it is well formed");
            assert_eq!(
                template.references().map(Reference::to_string).collect::<Vec<_>>(),
                [text]
            );
        }
    }
}
