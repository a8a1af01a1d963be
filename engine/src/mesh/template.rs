//! Values that name addresses: `postgres://${edge.billing-db.host}/x`.

use super::error::MeshError;
use super::nearest::did_you_mean;
use super::place::{Located, Place};
use std::fmt;

/// A value in which the environment fills in what it only knows once it has begun.
///
/// Variables (`${NAME}`, `${NAME:-default}`) are already replaced: those are known at load.
/// `$${` stands for a literal `${`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    /// Its pieces in order; joined they are the value.
    pub segments: Vec<Segment>,
}

/// A piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Text as it stands.
    Text(String),
    /// What the environment fills in.
    Reference(Located<Reference>),
}

/// What a value can ask of the environment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// `${edge.NAME}`, `${edge.NAME.PART}`: this service's own way to NAME.
    Edge {
        /// A service, datastore, broker, bucket, partner or built-in edge.
        name: String,
        /// Which part of the address.
        part: Part,
    },
    /// `${port.NAME}`: the port that the service itself listens on.
    Port(String),
    /// `${bin}`: the mesh's folder of programs.
    Bin,
    /// `${ca}`: the file, in PEM, of the CA that the edges' certificates are of.
    Ca,
}

/// A part of an edge's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// No part given: the address as that kind is usually given (`host:port`, or a URL).
    Address,
    /// The whole URL.
    Url,
    /// The host name or IP address.
    Host,
    /// The port number.
    Port,
    /// The user name, or the access key of a bucket.
    User,
    /// The password, or the secret key of a bucket.
    Password,
    /// The database's name.
    Database,
}

impl Part {
    const NAMED: [(&'static str, Part); 6] = [
        ("url", Part::Url),
        ("host", Part::Host),
        ("port", Part::Port),
        ("user", Part::User),
        ("password", Part::Password),
        ("database", Part::Database),
    ];

    /// As it is written after the edge's name; empty for [`Part::Address`].
    pub fn name(self) -> &'static str {
        let named = Part::NAMED.iter().find(|(_, part)| *part == self);
        named.map_or("", |(name, _)| name)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Edge {
                name,
                part: Part::Address,
            } => write!(f, "${{edge.{name}}}"),
            Reference::Edge { name, part } => write!(f, "${{edge.{name}.{}}}", part.name()),
            Reference::Port(name) => write!(f, "${{port.{name}}}"),
            Reference::Bin => f.write_str("${bin}"),
            Reference::Ca => f.write_str("${ca}"),
        }
    }
}

impl Template {
    /// The value, each reference filled in by `resolve`.
    ///
    /// # Errors
    /// The first error of `resolve`.
    pub fn render<E>(&self, mut resolve: impl FnMut(&Reference) -> Result<String, E>) -> Result<String, E> {
        let mut value = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Text(text) => value.push_str(text),
                Segment::Reference(reference) => value.push_str(&resolve(reference)?),
            }
        }
        Ok(value)
    }

    /// What it asks of the environment.
    pub fn references(&self) -> impl Iterator<Item = &Located<Reference>> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Text(_) => None,
            Segment::Reference(reference) => Some(reference),
        })
    }

    fn push_text(&mut self, text: &str) {
        match self.segments.last_mut() {
            Some(Segment::Text(before)) => before.push_str(text),
            _ if text.is_empty() => {}
            _ => self.segments.push(Segment::Text(text.to_owned())),
        }
    }
}

/// Parses `text`; `place` tells where the character at a byte offset of it stands.
pub(super) fn parse(
    text: &str,
    place: impl Fn(usize) -> Place,
    variables: &dyn Fn(&str) -> Option<String>,
    errors: &mut Vec<MeshError>,
) -> Template {
    let mut template = Template::default();
    let mut rest = text;
    while let Some(open) = rest.find("${") {
        let at = place(text.len() - rest.len() + open);
        if let Some(before) = rest[..open].strip_suffix('$') {
            template.push_text(before);
            template.push_text("${");
            rest = &rest[open + 2..];
            continue;
        }
        template.push_text(&rest[..open]);
        let inside = &rest[open + 2..];
        let Some(close) = inside.find('}') else {
            errors.push(MeshError::at(&at, "`${` is not closed").hint(ESCAPE));
            return template;
        };
        let body = &inside[..close];
        rest = &inside[close + 1..];
        match piece(body, variables) {
            Ok(Piece::Text(value)) => template.push_text(&value),
            Ok(Piece::Reference(value)) => template.segments.push(Segment::Reference(Located { value, place: at })),
            Err((message, hint)) => errors.push(MeshError::at(&at, message).hint_if(hint)),
        }
    }
    template.push_text(rest);
    template
}

const ESCAPE: &str = "a literal `${` is written `$${`";

enum Piece {
    Text(String),
    Reference(Reference),
}

type Wrong = (String, Option<String>);

fn piece(body: &str, variables: &dyn Fn(&str) -> Option<String>) -> Result<Piece, Wrong> {
    if body == "bin" {
        return Ok(Piece::Reference(Reference::Bin));
    }
    if body == "ca" {
        return Ok(Piece::Reference(Reference::Ca));
    }
    if let Some((head, tail)) = body.split_once('.')
        && !head.contains(":-")
    {
        return match head {
            "edge" => edge(tail).map(Piece::Reference),
            "port" => Ok(Piece::Reference(Reference::Port(tail.to_owned()))),
            _ => Err((
                format!("unknown reference `${{{body}}}`"),
                did_you_mean(head, ["edge", "port"])
                    .or_else(|| Some("references are `${edge.NAME}` and `${port.NAME}`".into())),
            )),
        };
    }
    let (name, default) = match body.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (body, None),
    };
    if !is_variable(name) {
        return Err((
            format!("`${{{body}}}` is not a variable"),
            Some(format!("write `${{NAME}}` or `${{NAME:-default}}`; {ESCAPE}")),
        ));
    }
    if default.is_some_and(|default| default.contains("${")) {
        let message = format!("the default of `${{{name}}}` cannot hold another `${{`");
        return Err((message, None));
    }
    match variables(name).filter(|value| !value.is_empty() || default.is_none()) {
        Some(value) => Ok(Piece::Text(value)),
        None => match default {
            Some(default) => Ok(Piece::Text(default.to_owned())),
            None => Err((
                format!("variable `{name}` is not set"),
                Some(format!(
                    "set it, pass `--variable {name}=…`, or give a default: `${{{name}:-…}}`"
                )),
            )),
        },
    }
}

fn edge(tail: &str) -> Result<Reference, Wrong> {
    let (name, part) = match tail.split_once('.') {
        None => (tail, Part::Address),
        Some((name, word)) => match Part::NAMED.iter().find(|(known, _)| *known == word) {
            Some((_, part)) => (name, *part),
            None => {
                let parts = Part::NAMED.map(|(known, _)| known);
                return Err((
                    format!("an edge has no part `{word}`"),
                    did_you_mean(word, parts).or_else(|| Some(format!("its parts are {}", parts.join(", ")))),
                ));
            }
        },
    };
    Ok(Reference::Edge {
        name: name.to_owned(),
        part,
    })
}

fn is_variable(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read(text: &str) -> (Template, Vec<String>) {
        let start = Place {
            file: Path::new("m.yaml").into(),
            line: 1,
            column: 1,
        };
        let variables = |name: &str| match name {
            "SET" => Some("value".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let mut errors = Vec::new();
        let template = parse(text, |offset| start.right(offset), &variables, &mut errors);
        (template, errors.iter().map(ToString::to_string).collect())
    }

    fn rendered(text: &str) -> String {
        let (template, errors) = read(text);
        assert!(errors.is_empty(), "{errors:?}");
        template
            .render(|reference| Ok::<_, ()>(format!("<{reference}>")))
            .unwrap()
    }

    #[test]
    fn references_are_left_to_the_environment_and_variables_are_not() {
        assert_eq!(
            rendered("a ${edge.billing-db.url} ${edge.kafka}:${port.http} ${bin}/${SET}"),
            "a <${edge.billing-db.url}> <${edge.kafka}>:<${port.http}> <${bin}>/value"
        );
    }

    #[test]
    fn a_default_stands_in_for_what_is_unset_or_empty() {
        assert_eq!(
            rendered("${NONE:-a.b}-${EMPTY:-e}-${SET:-d}-${EMPTY}-${NONE:-}."),
            "a.b-e-value--."
        );
    }

    #[test]
    fn a_doubled_dollar_is_a_literal_one() {
        assert_eq!(rendered("$${HOME} costs $5 $$"), "${HOME} costs $5 $$");
    }

    #[test]
    fn mistakes_stand_at_their_own_column() {
        let (_, errors) = read("ab ${NONE} ${edg.kafka} ${edge.db.pasword} ${1} ${a:-${b}} ${x");
        let starts = [
            "m.yaml:1:4: variable `NONE` is not set",
            "m.yaml:1:12: unknown reference `${edg.kafka}`\n  hint: did you mean `edge`?",
            "m.yaml:1:25: an edge has no part `pasword`\n  hint: did you mean `password`?",
            "m.yaml:1:44: `${1}` is not a variable",
            "m.yaml:1:49: the default of `${a}` cannot hold another `${`",
            "m.yaml:1:60: `${` is not closed",
        ];
        assert_eq!(errors.len(), starts.len(), "{errors:#?}");
        for (error, start) in errors.iter().zip(starts) {
            assert!(error.starts_with(start), "{error} is not {start}");
        }
    }
}
