//! Where a service finds what it depends on, inside its walls.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use momus_engine::mesh::{BUILT_INS, Kind, Mesh};

use crate::guardian::walls::Socket;

/// Every dependency has an address of its own in this network, so that two of one kind are found at the same port.
const NETWORK: [u8; 2] = [127, 77];

/// Whom programs inside ask for names.
pub(super) const RESOLVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 77, 255, 53)), 53);

/// How much higher a port is than usual where the usual one is the service's own: a program that listens on all addresses
/// leaves it to none. The usual one leads there, where the kernel can redirect.
const HIGHER: u16 = 1000;

/// Where a service finds a dependency inside its walls: an address of its own, at the port that its kind has usually.
pub(super) fn address_of(mesh: &Mesh, caller: &str, dependency: &str) -> SocketAddr {
    let mut names = mesh.names(&Kind::EDGES).into_iter().chain(BUILT_INS);
    let place = names.position(|name| name == dependency).unwrap_or_default() + 1;
    let [_, _, high, low] = u32::try_from(place).unwrap_or(u32::MAX).to_be_bytes();
    let port = usual_port(mesh, dependency);
    let own = mesh.services.get(caller).map(|service| &service.ports);
    let mut free = std::iter::successors(Some(port), |port| Some(port.wrapping_add(HIGHER)));
    let free = free.find(|port| !own.is_some_and(|own| own.values().any(|own| own == port)));
    (Ipv4Addr::new(NETWORK[0], NETWORK[1], high, low), free.unwrap_or(port)).into()
}

/// Where a service finds the other nodes of a broker inside its walls: at the ports that follow that of the first. What the
/// service has itself, or finds something at, is left out.
pub(super) fn others_of(mesh: &Mesh, caller: &str, dependency: &str) -> Vec<SocketAddr> {
    let first = address_of(mesh, caller, dependency);
    let count = mesh.brokers.get(dependency).map_or(1, |broker| broker.nodes as usize);
    let service = mesh.services.get(caller);
    let own = service.into_iter().flat_map(|service| service.ports.values().copied());
    // Told by name it is this address, and told as an address it may be.
    let also = service
        .into_iter()
        .flat_map(|service| service.also_at.values().flatten());
    let taken: Vec<u16> = own.chain(also.map(|also| also.value.port)).collect();
    let following = (first.port()..=u16::MAX).skip(1).filter(|port| !taken.contains(port));
    following
        .take(count.saturating_sub(1))
        .map(|port| SocketAddr::new(first.ip(), port))
        .collect()
}

/// By what a service knows a dependency: its name, and wherever else it is found.
pub(super) fn names_of(mesh: &Mesh, caller: &str, dependency: &str) -> Vec<String> {
    let service = mesh.services.get(caller);
    let also = service.and_then(|service| service.also_at.get(dependency));
    let also = also.into_iter().flatten().map(|address| address.value.host.clone());
    std::iter::once(dependency.to_owned()).chain(also).collect()
}

/// The port that a dependency's kind has usually.
fn usual_port(mesh: &Mesh, dependency: &str) -> u16 {
    match mesh.kind(dependency) {
        Some(Kind::Broker) => 9092,
        Some(Kind::Datastore) => 5432,
        Some(Kind::Bucket) => 9000,
        Some(Kind::BuiltIn) if dependency == "statsd" => 8125,
        Some(Kind::BuiltIn) => 9200,
        Some(Kind::Service) => {
            let service = mesh.services.get(dependency);
            let port = service.and_then(|service| service.ports.get(service.http_port()?));
            port.copied().unwrap_or(80)
        }
        _ if mesh.tls(dependency).is_some() => 443,
        _ => 80,
    }
}

/// One way from inside to a dependency.
pub(super) struct Entry {
    pub(super) dependency: String,
    /// The place of the node that it leads to, from 0.
    pub(super) node: usize,
    pub(super) socket: Socket,
}

/// What one service finds.
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// Usual addresses whose port is the service's own, with those where the dependency is found in their place.
    pub(super) redirects: Vec<(SocketAddrV4, SocketAddrV4)>,
    /// Addresses by name.
    pub(super) names: BTreeMap<String, Ipv4Addr>,
}

impl Found {
    /// What a service of the mesh finds.
    pub(super) fn new(mesh: &Mesh, service: &str) -> Self {
        let mut found = Self {
            entries: Vec::new(),
            redirects: Vec::new(),
            names: BTreeMap::from([
                ("localhost".to_owned(), Ipv4Addr::LOCALHOST),
                (service.to_owned(), Ipv4Addr::LOCALHOST),
            ]),
        };
        let caller = service;
        let Some(service) = mesh.services.get(caller) else {
            return found;
        };
        for dependency in service.dependencies() {
            let address = address_of(mesh, caller, dependency);
            found.name(dependency, address.ip());
            found.enter(dependency, 0, address);
            for (address, node) in others_of(mesh, caller, dependency).into_iter().zip(1..) {
                found.enter(dependency, node, address);
            }
            let usual = SocketAddr::new(address.ip(), usual_port(mesh, dependency));
            if let (SocketAddr::V4(usual), SocketAddr::V4(address)) = (usual, address)
                && usual != address
            {
                found.redirects.push((usual, address));
            }
            for also in service.also_at.get(dependency).into_iter().flatten() {
                let at = match also.value.host.parse::<Ipv4Addr>() {
                    Ok(address) => address.into(),
                    Err(_) if also.value.host == "localhost" => Ipv4Addr::LOCALHOST.into(),
                    Err(_) => {
                        found.name(&also.value.host, address.ip());
                        address.ip()
                    }
                };
                found.enter(dependency, 0, SocketAddr::new(at, also.value.port));
            }
        }
        found
    }

    fn name(&mut self, name: &str, address: IpAddr) {
        if let IpAddr::V4(address) = address {
            self.names.entry(name.to_lowercase()).or_insert(address);
        }
    }

    fn enter(&mut self, dependency: &str, node: usize, address: SocketAddr) {
        let taken = |entry: &Entry| match entry.socket {
            Socket::Tcp(other) | Socket::Udp(other) => other == address,
        };
        if !self.entries.iter().any(taken) {
            self.entries.push(Entry {
                dependency: dependency.to_owned(),
                node,
                socket: match dependency {
                    "statsd" => Socket::Udp(address),
                    _ => Socket::Tcp(address),
                },
            });
        }
    }

    /// `/etc/hosts` inside.
    pub(super) fn hosts(&self, service: &str) -> String {
        // Not `::1 localhost`: what is found at localhost is found at one address.
        let mut hosts = format!("127.0.0.1 localhost {service}\n::1 ip6-localhost ip6-loopback\n");
        for (name, address) in self
            .names
            .iter()
            .filter(|(_, address)| !address.is_loopback() || address.octets()[1] == NETWORK[1])
        {
            // A String takes all that is written.
            let _ = writeln!(hosts, "{address} {name}");
        }
        hosts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESH: &str = "mesh: m
services:
  shop:
    command: [shop]
    depends_on: [stock, stock-db, kafka, statsd]
    also_at: { stock-db: ['localhost:5432', 'db.internal:6432'], kafka: ['10.0.0.7:9092', 'kafka:9092'] }
  stock: { command: [stock], ports: { http: 8080 } }
  till: { command: [till], ports: { http: 8080 }, depends_on: [stock] }
datastores: { shop-db: { postgres: {} }, stock-db: { postgres: {} } }
brokers: { kafka: {} }
";

    #[test]
    fn a_service_finds_its_dependencies_and_no_others() {
        let mesh = Mesh::parse(MESH, std::path::Path::new("/m/mesh.yaml")).unwrap();
        let found = Found::new(&mesh, "shop");
        let entries = found.entries.iter();
        let told: Vec<String> = entries
            .map(|entry| match entry.socket {
                Socket::Tcp(address) => format!("{} {address}", entry.dependency),
                Socket::Udp(address) => format!("{} udp {address}", entry.dependency),
            })
            .collect();
        assert_eq!(
            told,
            [
                "stock 127.77.0.2:8080",
                "stock-db 127.77.0.5:5432",
                "stock-db 127.0.0.1:5432",
                "stock-db 127.77.0.5:6432",
                "kafka 127.77.0.6:9092",
                "kafka 10.0.0.7:9092",
                "statsd udp 127.77.0.7:8125",
            ]
        );
        assert_eq!(
            found.hosts("shop"),
            "127.0.0.1 localhost shop\n::1 ip6-localhost ip6-loopback\n127.77.0.5 db.internal\n127.77.0.6 kafka\n127.77.0.7 statsd\n127.77.0.2 stock\n127.77.0.5 stock-db\n"
        );
        assert_eq!(Found::new(&mesh, "stock").entries.len(), 0);
        let stock = address_of(&mesh, "till", "stock");
        assert_eq!(stock.to_string(), "127.77.0.2:9080", "8080 is its own");
        let till = Found::new(&mesh, "till").redirects;
        assert_eq!(
            till,
            [("127.77.0.2:8080".parse().unwrap(), "127.77.0.2:9080".parse().unwrap())]
        );
    }

    #[test]
    fn the_other_nodes_of_a_broker_are_found_at_the_ports_that_follow_and_are_free() {
        let mesh = "mesh: m\nservices:\n  shop: { command: [shop], depends_on: [kafka] }\n  till:\n    command: [till]\n    \
                    ports: { http: 9093 }\n    depends_on: [kafka]\n    also_at: { kafka: ['kafka:9095'] }\n\
                    brokers: { kafka: { nodes: 3 } }\n";
        let mesh = Mesh::parse(mesh, std::path::Path::new("/m/mesh.yaml")).unwrap();
        let others = |caller| {
            let others = others_of(&mesh, caller, "kafka").into_iter();
            others.map(|address| address.port()).collect::<Vec<_>>()
        };
        assert_eq!(others("shop"), [9093, 9094]);
        assert_eq!(
            others("till"),
            [9094, 9096],
            "9093 is its own, and the first node is at 9095 as well"
        );
        let found = Found::new(&mesh, "till").entries;
        assert_eq!(found.iter().map(|entry| entry.node).collect::<Vec<_>>(), [0, 1, 2, 0]);
    }
}
