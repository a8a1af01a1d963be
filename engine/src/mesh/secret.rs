//! Secrets and secret places of a mesh.

use super::error::MeshError;
use super::node::Node;
use super::place::Located;
use super::reader::{Fields, Reader};
use super::template::{Segment, Template};
use super::{Mesh, Service};
use crate::masks::{Masks, SecretPlace, is_short, too_short};
use indexmap::IndexMap;
use std::fmt;

/// A name whose values are never told.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The name, of a variable of the run and of services.
    pub name: Located<String>,
    /// Its value in the run, where it has one.
    pub value: Option<String>,
    /// The values that services are given under this name.
    pub of_services: Vec<String>,
}

impl Secret {
    /// All its values.
    pub fn values(&self) -> impl Iterator<Item = &String> {
        self.value.iter().chain(&self.of_services)
    }
}

impl fmt::Debug for Secret {
    /// Without the values.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Secret").field(&self.name.value).finish()
    }
}

impl Reader<'_> {
    pub(super) fn secrets(&mut self, fields: &Fields<'_>, services: &IndexMap<String, Service>) -> Vec<Secret> {
        let names = fields.get("secrets").map(|node| self.words(node, "`secrets`"));
        let mut secrets = Vec::new();
        for name in names.unwrap_or_default() {
            let value = (self.variables)(&name.value).filter(|value| !value.is_empty());
            if let Some(short) = value.as_deref().filter(|value| is_short(value)) {
                self.short(&name, &format!("the value of the secret `{}`", name.value), short);
            }
            let mut of_services = Vec::new();
            for (service, declared) in services {
                let given = declared.environment.get(&name.value);
                let Some((given, known)) = given.and_then(|given| Some((given, known(&given.value)?))) else {
                    continue;
                };
                if Some(&known) == value.as_ref() || known.is_empty() {
                    continue;
                }
                if is_short(&known) {
                    let of = format!("the secret `{}` of service `{service}`", name.value);
                    self.short(given, &of, &known);
                }
                of_services.push(known);
            }
            secrets.push(Secret {
                name,
                value,
                of_services,
            });
        }
        secrets
    }

    fn short<T>(&mut self, at: &Located<T>, what: &str, value: &str) {
        let why = too_short(value);
        let (message, hint) = why.split_once("; hint: ").unwrap_or((&why, ""));
        let error = MeshError::at(&at.place, format!("{what} is too short: {message}"));
        self.errors.push(error.hint(hint));
    }

    pub(super) fn redact(&mut self, node: &Node) -> Vec<SecretPlace> {
        let mut places = Vec::new();
        for word in self.words(node, "`redact`") {
            match SecretPlace::parse(&word.value) {
                Ok(place) => places.push(place),
                Err(why) => {
                    let (message, hint) = why.split_once("; hint: ").unwrap_or((&why, ""));
                    self.errors.push(MeshError::at(&word.place, message).hint(hint));
                }
            }
        }
        places
    }
}

/// A value that does not wait for the environment to fill it in.
fn known(template: &Template) -> Option<String> {
    let known = template.segments.iter().map(|segment| match segment {
        Segment::Text(text) => Some(text.as_str()),
        Segment::Reference(_) => None,
    });
    known.collect()
}

impl Mesh {
    /// What its secrets mask, those too short to be searched for left out.
    pub(super) fn known_masks(&self) -> Masks {
        let values = self
            .secrets
            .iter()
            .flat_map(Secret::values)
            .filter(|value| !is_short(value));
        Masks::new(values.cloned(), []).unwrap_or_default()
    }
}
