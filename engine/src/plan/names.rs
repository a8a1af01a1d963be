//! Names in steps, checked against the mesh.

use momus_gherkin::{Location, PickleStep};

use super::{Planner, Reason};
use crate::mesh::{Kind, Mesh};
use crate::parameter::Value;

impl Planner<'_> {
    /// Checks every bare name of a step.
    pub(super) fn names(&self, values: &[Value], step: &PickleStep, errors: &mut Vec<(Location, Reason)>) {
        for value in values {
            let Value::Name { kinds, name } = value else { continue };
            if let Err(reason) = self.name(kinds, name) {
                errors.push((place_of(step, name), reason));
            }
        }
    }

    /// Checks that a name is of one of the kinds.
    pub(super) fn name(&self, kinds: &[Kind], name: &str) -> Result<(), Reason> {
        let Some(mesh) = &self.mesh else {
            return Err(Reason::invalid(format!(
                "`{name}` is a name of a mesh, and no mesh is given; hint: name its file with `-f mesh.yaml`, or in momus.toml"
            )));
        };
        match mesh.kind(name) {
            Some(kind) if kinds.contains(&kind) => Ok(()),
            Some(kind) => Err(Reason::invalid(format!(
                "`{name}` is a {}, and here stands a {}",
                kind.word(),
                words(kinds)
            ))),
            None => Err(Reason::invalid(format!(
                "the mesh has no {} `{name}`{}",
                words(kinds),
                suggestion(mesh, kinds, name)
            ))),
        }
    }
}

fn suggestion(mesh: &Mesh, kinds: &[Kind], name: &str) -> String {
    if let Some(near) = mesh.suggest(name, kinds) {
        return format!("; hint: did you mean `{near}`?");
    }
    let all = mesh.names(kinds);
    if all.is_empty() {
        return format!("; hint: it declares no {} at all", words(kinds));
    }
    format!("; hint: it has {}", all.join(", "))
}

fn words(kinds: &[Kind]) -> String {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
    words.join(" or ")
}

/// Where a name stands in a step; in an outline's step, where the step stands, for there the text is another.
fn place_of(step: &PickleStep, name: &str) -> Location {
    let found = step.text.find(name).filter(|_| step.row.is_none());
    let Some(offset) = found else { return step.location };
    let before = step.keyword.chars().count() + step.text[..offset].chars().count();
    let before = u32::try_from(before).unwrap_or_default();
    Location::new(step.location.line, step.location.column + before)
}
