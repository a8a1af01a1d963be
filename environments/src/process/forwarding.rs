//! How a service without walls finds what it depends on under a host name that it has built in: by a forward proxy of its
//! own, of which it learns as programs do, from its environment. Within walls the name is resolved (`found.rs`).

use std::net::{IpAddr, SocketAddr};

use momus_engine::event::Happening;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Address, Kind, Mesh, Service};
use momus_engine::timeline::Timeline;
use momus_proxies::edges::Edges;
use momus_proxies::http::forward::{ForwardProxy, Ways};

/// What is reached without the proxy: the service's own ports, and the addresses of edges that it is given.
const DIRECTLY: &str = "localhost,127.0.0.1,::1";

/// Whether what speaks HTTP is found there by a forward proxy, so that no walls are needed.
pub(super) fn is_forwarded(mesh: &Mesh, dependency: &str, at: &Address) -> bool {
    let is_name = !at.host.eq_ignore_ascii_case("localhost") && at.host.parse::<IpAddr>().is_err();
    let speaks_http = match mesh.kind(dependency) {
        Some(Kind::Service | Kind::Bucket | Kind::Partner) => true,
        Some(Kind::BuiltIn) => dependency != "statsd",
        Some(Kind::Datastore | Kind::Broker | Kind::Topic | Kind::Ledger | Kind::Role) | None => false,
    };
    is_name && speaks_http
}

/// The proxy of a service, where it has built in such a name.
pub(super) async fn serve(
    mesh: &Mesh,
    caller: &str,
    service: &Service,
    edges: &Edges,
    timeline: &Timeline,
) -> Result<Option<ForwardProxy>, StepError> {
    let mut ways = Ways::default();
    let mut any = false;
    for (dependency, addresses) in &service.also_at {
        let Some(edge) = edges.get(caller, dependency) else {
            continue;
        };
        for at in addresses.iter().map(|at| &at.value) {
            if is_forwarded(mesh, dependency, at) {
                ways.add(&at.host, at.port, edge.address());
                any = true;
            }
        }
    }
    if !any {
        return Ok(None);
    }
    // Not every program leaves the proxy aside where `NO_PROXY` says so.
    for edge in service
        .dependencies()
        .into_iter()
        .filter_map(|it| edges.get(caller, it))
    {
        for address in edge.addresses() {
            ways.add(&address.ip().to_string(), address.port(), address);
            ways.add("localhost", address.port(), address);
        }
    }
    let (service, timeline) = (caller.to_owned(), timeline.clone());
    let beyond = move |to: &str| {
        timeline.record(Happening::Beyond {
            service: service.clone(),
            to: to.to_owned(),
            what: "refused: no edge of it leads there".to_owned(),
        });
    };
    let proxy = ForwardProxy::listen(ways, beyond).await;
    let proxy = proxy.map_err(|error| Failure::unknown(format!("no port for the forward proxy of {caller}: {error}")));
    proxy.map(Some)
}

/// The variables from which programs learn of the proxy, those aside that the service sets itself.
pub(super) fn variables(proxy: SocketAddr, service: &Service) -> Vec<(&'static str, String)> {
    let url = format!("http://{proxy}");
    let variables = [
        ("HTTP_PROXY", url.clone()),
        ("http_proxy", url.clone()),
        ("HTTPS_PROXY", url.clone()),
        ("https_proxy", url),
        ("NO_PROXY", DIRECTLY.to_owned()),
        ("no_proxy", DIRECTLY.to_owned()),
    ];
    let own = |name: &str| service.environment.contains_key(name);
    variables.into_iter().filter(|(name, _)| !own(name)).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn host_names_of_what_speaks_http_are_forwarded() {
        let mesh = "mesh: m\nservices:\n  shop: { command: [shop], depends_on: [db, till, files, logs, statsd] }\n\
                    \x20 till: { command: [till] }\nbuckets: { files: {} }\ndatastores: { db: { postgres: {} } }\n";
        let mesh = Mesh::parse(mesh, Path::new("/m/mesh.yaml")).unwrap();
        let at = |host: &str| Address {
            host: host.to_owned(),
            port: 443,
        };
        for dependency in ["till", "files", "logs"] {
            assert!(is_forwarded(&mesh, dependency, &at("api.example")), "{dependency}");
        }
        for (dependency, host) in [
            ("till", "localhost"),
            ("till", "Localhost"),
            ("till", "10.0.0.7"),
            ("db", "db.example"),
            ("statsd", "metrics.example"),
        ] {
            assert!(!is_forwarded(&mesh, dependency, &at(host)), "{dependency} at {host}");
        }
    }
}
