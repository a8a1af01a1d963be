//! The edges of one sandbox: a proxy for each caller's way to each dependency.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Kind, Mesh, Source, Tls};
use momus_engine::sandbox::{CLIENT, Endpoint};
use momus_engine::timeline::Timeline;
use momus_proxies::edge::{Databases, Edge, Protocol, Purpose, Upstream};
use momus_proxies::edges::Edges;
use momus_proxies::http::forward::ForwardProxy;
use momus_proxies::kafka::{Broker, Namespace};
use momus_proxies::tls::{Roots, TlsUpstream};

use super::brokers::BrokerServer;
use super::data::{clone_of, prefix};
use super::forwarding;
use super::found::{address_of, names_of, others_of};
use super::making::Shared;
use super::standins::StandIns;

/// The edges of one sandbox, and what callers are told of them.
#[derive(Default)]
pub(super) struct Wiring {
    pub(super) edges: Edges,
    /// By caller and dependency.
    pub(super) endpoints: BTreeMap<(String, String), Endpoint>,
    /// What was seen of each caller's part of a broker.
    pub(super) namespaces: BTreeMap<(String, String), Namespace>,
    /// By service, where one has built in a host name and nobody resolves it.
    pub(super) proxies: BTreeMap<String, ForwardProxy>,
}

impl Wiring {
    /// Lays every edge of the mesh, those of the test client included.
    pub(super) async fn lay(shared: &Shared, standins: &StandIns, timeline: &Timeline) -> Result<Self, StepError> {
        let mesh = &shared.mesh;
        let mut wiring = Self::default();
        for dependency in mesh.names(&Kind::EDGES) {
            wiring
                .edge((CLIENT, false), dependency, shared, standins, timeline)
                .await?;
        }
        for (caller, service) in &mesh.services {
            let walls = shared.walls && matches!(service.source, Source::Command(_));
            for dependency in service.dependencies() {
                wiring
                    .edge((caller, walls), dependency, shared, standins, timeline)
                    .await?;
            }
            if !walls && let Some(proxy) = forwarding::serve(mesh, caller, service, &wiring.edges, timeline).await? {
                wiring.proxies.insert(caller.clone(), proxy);
            }
        }
        Ok(wiring)
    }

    async fn edge(
        &mut self,
        (caller, walls): (&str, bool),
        dependency: &str,
        shared: &Shared,
        standins: &StandIns,
        timeline: &Timeline,
    ) -> Result<(), StepError> {
        let (mesh, servers) = (&shared.mesh, &shared.servers);
        // The test client is Momus itself: to it, and to no service, an edge at which TLS ends is plain.
        let tls = match mesh.tls(dependency) {
            Some(Tls::Ended) if caller == CLIENT => None,
            Some(Tls::Passed) if caller == CLIENT && is_served(mesh, dependency) => None,
            tls => tls,
        };
        let key = (caller.to_owned(), dependency.to_owned());
        let absent = || Failure::unknown(format!("{dependency} is not served"));
        let (upstream, protocol) = match mesh.kind(dependency) {
            Some(Kind::Service) => {
                let upstream = match mesh.services.get(dependency).map(|service| &service.source) {
                    Some(Source::Url(url)) => served(dependency, url, tls).await?,
                    _ => Upstream::Nowhere,
                };
                let protocol = match tls {
                    Some(Tls::Passed) => Protocol::Tcp,
                    Some(Tls::Ended) | None => Protocol::Http(Purpose::Calls),
                };
                (upstream, protocol)
            }
            Some(Kind::Datastore) => {
                let server = servers.postgres.get(dependency).ok_or_else(absent)?;
                let is_there = |name: &str| {
                    servers
                        .postgres
                        .get(name)
                        .is_some_and(|other| Arc::ptr_eq(server, other))
                };
                // Where a caller has no edge, its sessions must not come either.
                let service = mesh.services.get(caller);
                let reaches = |name: &str| service.is_none_or(|service| service.dependencies().contains(&name));
                let mut databases = Databases::default();
                for (name, datastore) in mesh
                    .datastores
                    .iter()
                    .filter(|(name, _)| reaches(name) && is_there(name))
                {
                    let clone = clone_of(name, timeline.sandbox());
                    databases.clones.insert(name.clone(), clone);
                    if datastore.shows_values {
                        databases.shown.insert(name.clone());
                    }
                }
                let protocol = Protocol::Postgres(databases);
                (Upstream::Unix(server.socket()), protocol)
            }
            Some(Kind::Broker) => {
                let server = servers.brokers.get(dependency).ok_or_else(absent)?;
                let upstream = server.upstream().ok_or_else(absent)?;
                let broker = match &**server {
                    BrokerServer::Real(_) if servers.is_own(dependency) => Broker::Own,
                    BrokerServer::Real(_) => Broker::Real,
                    BrokerServer::Mock(_) => Broker::Mock,
                };
                // Callers of one broker share what is known of it.
                let mut known = self.namespaces.iter();
                let known = known.find(|((_, other), _)| other == dependency);
                let namespace = match known {
                    Some((_, namespace)) => namespace.beside(caller),
                    None => {
                        let prefix = prefix(timeline.sandbox());
                        let namespace = Namespace::new(caller, prefix, broker, timeline.activity().clone());
                        match &**server {
                            BrokerServer::Real(server) => namespace.with_credential(server.credential().clone()),
                            BrokerServer::Mock(_) => namespace,
                        }
                    }
                };
                self.namespaces.insert(key.clone(), namespace.clone());
                (upstream, Protocol::Kafka(namespace))
            }
            Some(Kind::Bucket) => {
                let s3 = standins.s3.as_ref().ok_or_else(absent)?;
                (Upstream::Dialed(s3.dialer()), Protocol::Http(Purpose::Objects))
            }
            Some(Kind::Partner) => {
                let partner = standins.partners.get(dependency).ok_or_else(absent)?;
                (Upstream::Dialed(partner.dialer()), Protocol::Http(Purpose::Calls))
            }
            Some(Kind::BuiltIn) if dependency == "statsd" => {
                let address = standins.statsd.get(caller).ok_or_else(absent)?.address();
                let inside = walls.then(|| address_of(mesh, caller, dependency));
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
                (Upstream::Dialed(logs.dialer()), Protocol::Http(Purpose::Logs))
            }
            Some(Kind::Topic | Kind::Ledger | Kind::Role) | None => return Err(absent()),
        };
        let trust = shared.trust.as_ref().filter(|_| tls == Some(Tls::Ended));
        let edge = if walls {
            let address = address_of(mesh, caller, dependency);
            let mut names = names_of(mesh, caller, dependency);
            names.push(address.ip().to_string());
            let identity = trust.map(|trust| trust.identity(&names)).transpose()?;
            Edge::at(
                (address, others_of(mesh, caller, dependency)),
                (caller, dependency),
                upstream,
                protocol,
                identity.as_ref(),
                timeline.clone(),
            )
        } else {
            let names = names_of(mesh, caller, dependency);
            let identity = trust.map(|trust| trust.identity(&names)).transpose()?;
            let ways = (upstream, protocol, timeline.clone());
            let listened = match identity {
                Some(identity) => Edge::listen_tls(caller, dependency, ways.0, ways.1, &identity, ways.2).await,
                None => Edge::listen(caller, dependency, ways.0, ways.1, ways.2).await,
            };
            listened.map_err(|error| Failure::unknown(error.to_string()))?
        };
        let mut endpoint = plain(edge.address());
        // Clients of S3 put the bucket before a host that has a name, and behind one that is an address.
        if walls && mesh.kind(dependency) != Some(Kind::Bucket) {
            endpoint.host = dependency.to_owned();
        }
        describe(&mut endpoint, dependency, shared, standins);
        if tls.is_some() {
            secure(&mut endpoint, trust.map(|trust| trust.pem.as_path()));
        }
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
fn describe(endpoint: &mut Endpoint, dependency: &str, shared: &Shared, standins: &StandIns) {
    let (mesh, servers) = (&shared.mesh, &shared.servers);
    let address = format!("{}:{}", endpoint.host, endpoint.port);
    let http = format!("http://{address}");
    endpoint.address.clone_from(&address);
    endpoint.url.clone_from(&http);
    match mesh.kind(dependency) {
        Some(Kind::Broker) => endpoint.url = address,
        Some(Kind::Datastore) => {
            if let Some(server) = servers.postgres.get(dependency) {
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

/// The addresses as callers that speak TLS are given them.
fn secure(endpoint: &mut Endpoint, ca: Option<&Path>) {
    let mode = match ca {
        Some(ca) => format!("sslmode=verify-full&sslrootcert={}", ca.display()),
        None => "sslmode=require".to_owned(),
    };
    for url in [&mut endpoint.url, &mut endpoint.address] {
        *url = url.replacen("http://", "https://", 1).replace("sslmode=disable", &mode);
    }
}

fn is_served(mesh: &Mesh, name: &str) -> bool {
    let service = mesh.services.get(name);
    service.is_some_and(|service| matches!(service.source, Source::Url(_)))
}

/// Where a service that is served already listens, and whether TLS is spoken to it; TLS that passes is its caller's.
async fn served(service: &str, url: &str, tls: Option<Tls>) -> Result<Upstream, StepError> {
    let wrong = |why: &str| Failure::unknown(format!("the url `{url}` of {service} {why}"));
    let (rest, port) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
        (Some(rest), _) => (rest, 80),
        (None, Some(rest)) => (rest, 443),
        (None, None) => return Err(wrong("cannot be reached").hint("an edge carries `http://` and `https://`")),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let authority = match authority.len() == host.len() {
        true => format!("{authority}:{port}"),
        false => authority.to_owned(),
    };
    let mut found = tokio::net::lookup_host(&authority)
        .await
        .map_err(|error| wrong(&format!("cannot be resolved: {error}")))?;
    let address = found.next().ok_or_else(|| wrong("has no address"))?;
    if port == 80 || tls == Some(Tls::Passed) {
        return Ok(Upstream::Tcp(address));
    }
    Ok(Upstream::Tls(TlsUpstream {
        address,
        name: host.trim_matches(['[', ']']).to_owned(),
        roots: Roots::System,
    }))
}
