//! Which service waits for which.

use super::Mesh;
use super::error::MeshError;
use super::place::Located;

impl Mesh {
    /// The services in the order of their start: each group depends only on services of groups before it.
    pub fn start_order(&self) -> Vec<Vec<&str>> {
        let mut groups: Vec<Vec<&str>> = Vec::new();
        let mut left: Vec<&str> = self.services.keys().map(String::as_str).collect();
        while !left.is_empty() {
            let (ready, waiting): (Vec<&str>, Vec<&str>) = left
                .iter()
                .partition(|name| self.waits_for(name).all(|other| !left.contains(&other.as_str())));
            if ready.is_empty() {
                // A ring: `Mesh::load` has refused it.
                groups.push(waiting);
                break;
            }
            groups.push(ready);
            left = waiting;
        }
        groups
    }

    /// The services among a service's edges.
    fn waits_for(&self, name: &str) -> impl Iterator<Item = &Located<String>> {
        let service = self.services.get(name);
        let edges = service.map(|service| service.depends_on.as_slice());
        let edges = edges.unwrap_or_default().iter();
        edges.filter(|edge| self.services.contains_key(&edge.value))
    }

    /// An error for each ring of services, at the edge that closes it.
    pub(super) fn rings(&self) -> Vec<MeshError> {
        let mut errors = Vec::new();
        let mut done = Vec::new();
        for name in self.services.keys() {
            self.walk(name, &mut Vec::new(), &mut done, &mut errors);
        }
        errors
    }

    fn walk<'m>(
        &'m self,
        name: &'m str,
        way: &mut Vec<(&'m str, &'m Located<String>)>,
        done: &mut Vec<&'m str>,
        errors: &mut Vec<MeshError>,
    ) {
        if done.contains(&name) {
            return;
        }
        for edge in self.waits_for(name) {
            way.push((name, edge));
            match way.iter().position(|(from, _)| *from == edge.value) {
                Some(start) => errors.push(ring(&way[start..])),
                None => self.walk(&edge.value, way, done, errors),
            }
            way.pop();
        }
        done.push(name);
    }
}

/// `ring` are the steps around, each from a service along one of its edges.
fn ring(ring: &[(&str, &Located<String>)]) -> MeshError {
    let names: Vec<&str> = ring.iter().map(|(from, _)| *from).collect();
    let first = names.first().copied().unwrap_or_default();
    let steps: Vec<String> = ring
        .iter()
        .map(|(from, edge)| format!("`{from}` names `{}` at {}", edge.value, edge.place))
        .collect();
    let message = match names.as_slice() {
        [alone] => format!("service `{alone}` depends on itself"),
        _ => format!(
            "services depend on each other in a ring: {} → {first}",
            names.join(" → ")
        ),
    };
    let (_, closing) = ring[ring.len() - 1];
    MeshError::at(&closing.place, message).hint(steps.join(", "))
}
