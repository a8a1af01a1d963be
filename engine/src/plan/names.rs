//! Names in steps, checked against the mesh.

use super::line::{Line, Spot};
use super::{Planner, Reason};
use crate::mesh::{Kind, Mesh, NOT_GIVEN};
use crate::parameter::Value;

impl Planner<'_> {
    /// Checks every bare name of a step.
    pub(super) fn names(&self, values: &[Value], line: &Line<'_>, errors: &mut Vec<(Spot, Reason)>) {
        for value in values {
            let Value::Name { kinds, name } = value else { continue };
            if let Err(reason) = self.name(kinds, name) {
                errors.push((line.step.text.find(name).map_or(Spot::Step, Spot::Text), reason));
            }
        }
    }

    /// Checks that a name is of one of the kinds.
    pub(super) fn name(&self, kinds: &[Kind], name: &str) -> Result<(), Reason> {
        let Some(mesh) = &self.mesh else {
            return Err(Reason::invalid(format!(
                "`{name}` is a name of a mesh, and {NOT_GIVEN}"
            )));
        };
        match mesh.kind(name) {
            // Topics have names of their own, which other things may have as well.
            _ if kinds.contains(&Kind::Topic) && mesh.topic(name).is_some() => Ok(()),
            Some(kind) if kind.is_one_of(kinds) => Ok(()),
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

fn suggestion(mesh: &Mesh, taken: &[Kind], name: &str) -> String {
    let roles = taken.contains(&Kind::Service).then_some(Kind::Role);
    let with_roles: Vec<Kind> = taken.iter().copied().chain(roles).collect();
    if let Some(near) = mesh.suggest(name, &with_roles) {
        return format!("; hint: did you mean `{near}`?");
    }
    let all = mesh.names(&with_roles);
    if all.is_empty() {
        return format!("; hint: it declares no {} at all", words(taken));
    }
    format!("; hint: it has {}", all.join(", "))
}

fn words(kinds: &[Kind]) -> String {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
    words.join(" or ")
}
