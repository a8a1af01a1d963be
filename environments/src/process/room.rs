//! How many sandboxes a process has room for, by the descriptors that it may have open (RLIMIT_NOFILE).

use momus_engine::mesh::{Mesh, Source};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the run has open beside its sandboxes: reports, servers, the test client's own.
const OF_THE_RUN: u64 = 64;
/// A listener, and a connection on either side.
const OF_AN_EDGE: u64 = 3;
/// Its pipes and log, and its walls.
const OF_A_SERVICE: u64 = 8;

/// Lets this process, and the guardian that it starts, have as many open as the system allows it.
pub(super) fn raise_descriptors() {
    let limits = getrlimit(Resource::Nofile);
    // What cannot be raised is what there is.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limits.maximum,
            ..limits
        },
    );
}

/// How many sandboxes of the mesh it has room for, at least one, and why not for more.
pub(super) fn of_descriptors(mesh: &Mesh) -> Option<(usize, String)> {
    let limit = getrlimit(Resource::Nofile).current?;
    let room = limit.saturating_sub(OF_THE_RUN) / of_a_sandbox(mesh).max(1);
    let why = format!("this process may have only {limit} descriptors open; hint: raise `ulimit -n`");
    Some((usize::try_from(room).unwrap_or(usize::MAX).max(1), why))
}

fn of_a_sandbox(mesh: &Mesh) -> u64 {
    let things = mesh.services.len() + mesh.datastores.len() + mesh.brokers.len() + mesh.buckets.len();
    let of_services = mesh.services.values().map(|service| service.dependencies().len());
    let edges = things + mesh.partners.len() + of_services.sum::<usize>() + of_other_nodes(mesh);
    let services = mesh.services.values();
    let started = services.filter(|service| matches!(service.source, Source::Command(_)));
    edges as u64 * OF_AN_EDGE + started.count() as u64 * OF_A_SERVICE
}

/// How many edges it is as if there were more, for the nodes of brokers that have several.
fn of_other_nodes(mesh: &Mesh) -> usize {
    let others = mesh.brokers.iter().map(|(name, broker)| {
        let services = mesh.services.values();
        let callers = 1 + services
            .filter(|service| service.dependencies().contains(&name.as_str()))
            .count();
        callers * (broker.nodes as usize).saturating_sub(1)
    });
    others.sum()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_sandbox_takes_what_its_edges_and_services_take() {
        let mesh = "mesh: m\nservices:\n  shop: { command: [shop], depends_on: [db, bank] }\n  bank: { url: 'http://localhost:1' }\n\
                    datastores: { db: { postgres: {} } }\n";
        let cluster = "brokers: { kafka: { nodes: 3 } }\n";
        let read = |text: &str| Mesh::parse(text, Path::new("/m/mesh.yaml")).unwrap();
        let with_cluster = mesh.replace("[db, bank]", "[db, bank, kafka]") + cluster;
        assert_eq!(of_a_sandbox(&read(&with_cluster)), 11 * OF_AN_EDGE + OF_A_SERVICE);
        let mesh = read(mesh);
        assert_eq!(of_a_sandbox(&mesh), 5 * OF_AN_EDGE + OF_A_SERVICE);
        let (room, why) = of_descriptors(&mesh).unwrap();
        assert!(
            room >= 1 && why.starts_with("this process may have only "),
            "{room} {why}"
        );
    }
}
