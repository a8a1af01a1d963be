//! Services whose processes outlive a sandbox: `reuse: true`.

use super::Mesh;
use super::error::MeshError;
use super::model::Source;
use super::node::Value;
use super::place::Place;
use super::reader::{Fields, Reader};

impl Mesh {
    /// Services that are to be reused where nobody can tell whether they are idle.
    pub(super) fn check_reuse(&self, errors: &mut Vec<MeshError>) {
        let reused = self.services.values().find_map(|service| service.reuse.as_ref());
        let Some(place) = reused else { return };
        for (name, service) in &self.services {
            if service.settle.is_none() {
                let message = format!("a service is reused, and service `{name}` has no `settle`");
                let hint = format!(
                    "a process is reused once its sandbox is quiet, which `settle` tells; `reuse` stands at {place}"
                );
                errors.push(MeshError::at(&service.place, message).hint(hint));
            }
        }
    }

    /// Whether a process of the service may serve one sandbox after another.
    pub fn is_reused(&self, service: &str) -> bool {
        let service = self.services.get(service);
        service.is_some_and(|service| service.reuse.is_some() && matches!(service.source, Source::Command(_)))
    }
}

impl Reader<'_> {
    /// The key `reuse` of a service: where it says `true`.
    pub(super) fn reuse(&mut self, fields: &Fields<'_>, of: &str) -> Option<Place> {
        let (place, node) = fields.entry("reuse")?;
        match &node.value {
            Value::Text { text, .. } if text == "true" => return Some(place.clone()),
            Value::Text { text, .. } if text == "false" => {}
            _ => self.unfit(node, of, "`true` or `false`"),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(services: &str) -> Result<Mesh, Vec<String>> {
        let mesh = Mesh::parse(&format!("mesh: m\nservices:\n{services}"), Path::new("m.yaml"));
        mesh.map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_service_is_reused_where_it_says_so() {
        let mesh = read(
            "  shop: { command: [shop], settle: 1s, reuse: true }\n  till: { command: [till], settle: 1s, reuse: false }\n",
        );
        let mesh = mesh.unwrap();
        assert!(mesh.is_reused("shop") && !mesh.is_reused("till") && !mesh.is_reused("stock"));
    }

    #[test]
    fn where_one_is_reused_all_must_settle() {
        let errors = read("  shop: { command: [shop], settle: 1s, reuse: true }\n  till: { command: [till] }\n");
        assert_eq!(
            errors.err().unwrap(),
            [
                "m.yaml:4:3: a service is reused, and service `till` has no `settle`\n  hint: a process is reused once its sandbox is quiet, which `settle` tells; `reuse` stands at m.yaml:3:40"
            ]
        );
    }
}
