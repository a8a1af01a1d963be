//! The edges of one sandbox: a proxy for each caller's way to each dependency.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Kind, Mesh, Source};
use momus_engine::sandbox::{CLIENT, Endpoint};
use momus_engine::timeline::Timeline;
use momus_proxies::edge::{Edge, Protocol, Purpose, Upstream};
use momus_proxies::edges::Edges;
use momus_proxies::kafka::{Broker, Namespace};

use super::brokers::BrokerServer;
use super::data::{clone_of, prefix};
use super::found::address_of;
use super::making::Shared;
use super::servers::Servers;
use super::standins::StandIns;

/// The edges of one sandbox, and what callers are told of them.
#[derive(Default)]
pub(super) struct Wiring {
    pub(super) edges: Edges,
    /// By caller and dependency.
    pub(super) endpoints: BTreeMap<(String, String), Endpoint>,
    /// What was seen of each caller's part of a broker.
    pub(super) namespaces: BTreeMap<(String, String), Namespace>,
}

/// Nobody listens there: the upstream of a service that does not run.
pub(super) const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

impl Wiring {
    /// Lays every edge of the mesh, those of the test client included.
    pub(super) async fn lay(shared: &Shared, standins: &StandIns, timeline: &Timeline) -> Result<Self, StepError> {
        let (mesh, servers) = (shared.mesh.as_ref(), shared.servers.as_ref());
        let mut wiring = Self::default();
        let kinds = [
            Kind::Service,
            Kind::Datastore,
            Kind::Broker,
            Kind::Bucket,
            Kind::Partner,
        ];
        for dependency in mesh.names(&kinds) {
            wiring
                .edge((CLIENT, false), dependency, mesh, servers, standins, timeline)
                .await?;
        }
        for (caller, service) in &mesh.services {
            let walls = shared.walls && matches!(service.source, Source::Command(_));
            for dependency in service.dependencies() {
                wiring
                    .edge((caller, walls), dependency, mesh, servers, standins, timeline)
                    .await?;
            }
        }
        Ok(wiring)
    }

    async fn edge(
        &mut self,
        (caller, walls): (&str, bool),
        dependency: &str,
        mesh: &Mesh,
        servers: &Servers,
        standins: &StandIns,
        timeline: &Timeline,
    ) -> Result<(), StepError> {
        let key = (caller.to_owned(), dependency.to_owned());
        let absent = || Failure::unknown(format!("{dependency} is not served"));
        let (upstream, protocol) = match mesh.kind(dependency) {
            Some(Kind::Service) => {
                let upstream = match mesh.services.get(dependency).map(|service| &service.source) {
                    Some(Source::Url(url)) => served(dependency, url).await?,
                    _ => Upstream::Tcp(NOWHERE),
                };
                (upstream, Protocol::Http(Purpose::Calls))
            }
            Some(Kind::Datastore) => {
                let server = servers.postgres.as_ref().ok_or_else(absent)?;
                // Where a caller has no edge, its sessions must not come either.
                let service = mesh.services.get(caller);
                let reaches = |name: &str| service.is_none_or(|service| service.dependencies().contains(&name));
                let clones = mesh
                    .datastores
                    .keys()
                    .filter(|name| reaches(name))
                    .map(|name| (name.clone(), clone_of(name, timeline.sandbox())));
                let protocol = Protocol::Postgres {
                    clones: clones.collect(),
                };
                (Upstream::Unix(server.socket()), protocol)
            }
            Some(Kind::Broker) => {
                let server = servers.brokers.get(dependency).ok_or_else(absent)?;
                let address = server.address().parse().map_err(|_| absent())?;
                let broker = match server {
                    BrokerServer::Real(_) => Broker::Real,
                    BrokerServer::Mock(_) => Broker::Mock,
                };
                // Callers of one broker share what is known of it.
                let mut known = self.namespaces.iter();
                let known = known.find(|((_, other), _)| other == dependency);
                let namespace = match known {
                    Some((_, namespace)) => namespace.beside(caller),
                    None => Namespace::new(caller, prefix(timeline.sandbox()), broker, timeline.activity().clone()),
                };
                self.namespaces.insert(key.clone(), namespace.clone());
                (Upstream::Tcp(address), Protocol::Kafka(namespace))
            }
            Some(Kind::Bucket) => {
                let s3 = standins.s3.as_ref().ok_or_else(absent)?;
                (Upstream::Tcp(s3.address()), Protocol::Http(Purpose::Objects))
            }
            Some(Kind::Partner) => {
                let partner = standins.partners.get(dependency).ok_or_else(absent)?;
                (Upstream::Tcp(partner.address()), Protocol::Http(Purpose::Calls))
            }
            Some(Kind::BuiltIn) if dependency == "statsd" => {
                let address = standins.statsd.get(caller).ok_or_else(absent)?.address();
                let inside = walls.then(|| address_of(mesh, dependency));
                let mut endpoint = plain(inside.unwrap_or(address));
                if walls {
                    endpoint.host = dependency.to_owned();
                }
                endpoint.address = format!("{}:{}", endpoint.host, endpoint.port);
                endpoint.url = format!("udp://{}", endpoint.address);
                self.endpoints.insert(key, endpoint);
                return Ok(());
            }
            Some(Kind::BuiltIn) => {
                let logs = standins.logs.get(caller).ok_or_else(absent)?;
                (Upstream::Tcp(logs.address()), Protocol::Http(Purpose::Logs))
            }
            Some(Kind::Topic | Kind::Ledger | Kind::Role) | None => return Err(absent()),
        };
        let edge = if walls {
            let address = address_of(mesh, dependency);
            Edge::at(address, caller, dependency, upstream, protocol, timeline.clone())
        } else {
            let edge = Edge::listen(caller, dependency, upstream, protocol, timeline.clone()).await;
            edge.map_err(|error| Failure::unknown(error.to_string()))?
        };
        let mut endpoint = plain(edge.address());
        // Clients of S3 put the bucket before a host that has a name, and behind one that is an address.
        if walls && mesh.kind(dependency) != Some(Kind::Bucket) {
            endpoint.host = dependency.to_owned();
        }
        describe(&mut endpoint, dependency, mesh, servers, standins);
        self.endpoints.insert(key, endpoint);
        self.edges.insert(caller, dependency, edge);
        Ok(())
    }
}

fn plain(address: SocketAddr) -> Endpoint {
    Endpoint {
        host: address.ip().to_string(),
        port: address.port(),
        ..Endpoint::default()
    }
}

/// Fills in what follows from the host and the port.
fn describe(endpoint: &mut Endpoint, dependency: &str, mesh: &Mesh, servers: &Servers, standins: &StandIns) {
    let address = format!("{}:{}", endpoint.host, endpoint.port);
    let http = format!("http://{address}");
    endpoint.address.clone_from(&address);
    endpoint.url.clone_from(&http);
    match mesh.kind(dependency) {
        Some(Kind::Broker) => endpoint.url = address,
        Some(Kind::Datastore) => {
            if let Some(server) = &servers.postgres {
                let (user, password) = (server.superuser(), server.password());
                endpoint.url = format!("postgres://{user}:{password}@{address}/{dependency}?sslmode=disable");
                endpoint.address.clone_from(&endpoint.url);
                endpoint.user = Some(user.to_owned());
                endpoint.password = Some(password.to_owned());
                endpoint.database = Some(dependency.to_owned());
            }
        }
        Some(Kind::Bucket) => {
            endpoint.address = http;
            endpoint.user = Some(standins.credentials.access_key.clone());
            endpoint.password = Some(standins.credentials.secret_key.clone());
            endpoint.database = Some(dependency.to_owned());
        }
        _ => endpoint.address = http,
    }
}

/// Where a service that is served already listens.
async fn served(service: &str, url: &str) -> Result<Upstream, StepError> {
    let wrong = |why: &str| Failure::unknown(format!("the url `{url}` of {service} {why}"));
    let rest = url.strip_prefix("http://").ok_or_else(|| {
        wrong("cannot be reached").hint("an edge carries `http://HOST:PORT`; let a proxy of your own end TLS before it")
    })?;
    let authority = rest.split('/').next().unwrap_or_default();
    let authority = if authority.contains(':') {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let mut found = tokio::net::lookup_host(&authority)
        .await
        .map_err(|error| wrong(&format!("cannot be resolved: {error}")))?;
    found.next().map(Upstream::Tcp).ok_or_else(|| wrong("has no address"))
}
