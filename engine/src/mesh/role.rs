//! Roles: what several services can do, of which one does it in a run.
//!
//! `provides: [streaks]` at two services makes `streaks` a name that stands for one of them, so that the same features run
//! against the service of yesterday and that of tomorrow.

use super::model::{Kind, Service};
use super::nearest::did_you_mean;
use super::{Mesh, Place};
use indexmap::IndexMap;

/// What several services can do, of which one does it in a run.
#[derive(Debug, Clone)]
pub struct Role {
    /// Where its first provider is declared as such.
    pub place: Place,
    /// The services that can fill it, in the files' order; at least one.
    pub providers: Vec<String>,
    /// The one that fills it.
    pub provider: String,
}

/// The roles that services provide, each filled by the first that does.
pub(super) fn of(services: &IndexMap<String, Service>) -> IndexMap<String, Role> {
    let mut roles: IndexMap<String, Role> = IndexMap::new();
    for (name, service) in services {
        for provided in &service.provides {
            let role = roles.entry(provided.value.clone()).or_insert_with(|| Role {
                place: provided.place.clone(),
                providers: Vec::new(),
                provider: name.clone(),
            });
            if !role.providers.contains(name) {
                role.providers.push(name.clone());
            }
        }
    }
    roles
}

impl Mesh {
    /// The service that a name stands for where a service stands: what fills the role of that name, else the name itself.
    pub fn filled<'a>(&'a self, name: &'a str) -> &'a str {
        self.roles.get(name).map_or(name, |role| role.provider.as_str())
    }

    /// Has a service fill a role.
    ///
    /// # Errors
    /// When there is no such role, or the service does not provide it.
    pub fn fill(&mut self, role: &str, service: &str) -> Result<(), String> {
        let Some(found) = self.roles.get_mut(role) else {
            let roles = self.names(&[Kind::Role]);
            let hint = did_you_mean(role, roles.iter().copied()).unwrap_or_else(|| match roles.is_empty() {
                true => format!("`provides: [{role}]` of a service makes it one"),
                false => format!("it has {}", roles.join(", ")),
            });
            return Err(format!("the mesh has no role `{role}`; hint: {hint}"));
        };
        if !found.providers.iter().any(|provider| provider == service) {
            let providers = found.providers.join(", ");
            return Err(format!(
                "`{service}` does not provide `{role}`; hint: {providers} {} ({})",
                if found.providers.len() == 1 { "does" } else { "do" },
                found.place
            ));
        }
        service.clone_into(&mut found.provider);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const SHOPS: &str = "mesh: market
services:
  old: { url: http://localhost:1, provides: [shop] }
  new: { url: http://localhost:2, provides: [shop, till] }
";

    #[test]
    fn the_first_that_provides_a_role_fills_it_and_another_may() {
        let mut mesh = Mesh::parse(SHOPS, Path::new("mesh.yaml")).unwrap();
        assert_eq!(mesh.kind("shop"), Some(Kind::Role));
        assert_eq!(
            (mesh.filled("shop"), mesh.filled("till"), mesh.filled("old")),
            ("old", "new", "old")
        );
        mesh.fill("shop", "new").unwrap();
        assert_eq!(mesh.filled("shop"), "new");
    }

    #[test]
    fn what_cannot_fill_a_role_is_refused() {
        let mut mesh = Mesh::parse(SHOPS, Path::new("mesh.yaml")).unwrap();
        let mut refused = |role, service| mesh.fill(role, service).unwrap_err();
        assert_eq!(
            refused("till", "old"),
            "`old` does not provide `till`; hint: new does (mesh.yaml:4:52)"
        );
        assert_eq!(
            refused("shopp", "old"),
            "the mesh has no role `shopp`; hint: did you mean `shop`?"
        );
        assert_eq!(
            refused("warehouse", "old"),
            "the mesh has no role `warehouse`; hint: it has shop, till"
        );
        let mut none = Mesh::empty("/".into());
        assert_eq!(
            none.fill("shop", "old").unwrap_err(),
            "the mesh has no role `shop`; hint: `provides: [shop]` of a service makes it one"
        );
    }

    #[test]
    fn a_role_is_no_dependency_and_has_a_name_of_its_own() {
        let text = "mesh: market
datastores: { stock: { postgres: {} } }
services:
  old: { url: http://localhost:1, provides: [shop, stock] }
  new: { command: [new], depends_on: [shop] }
";
        let errors = Mesh::parse(text, Path::new("mesh.yaml")).unwrap_err();
        let told: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().any(|each| each.contains("`stock`")), "{told:?}");
        assert!(told.iter().any(|each| each.contains("`shop` is a role")), "{told:?}");
    }
}
