//! A service within walls: what it finds inside, and who serves it there.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use futures::FutureExt;
use momus_engine::event::Happening;
use momus_engine::mesh::{Kind, Mesh, Service};
use momus_engine::timeline::Timeline;
use momus_proxies::edge::Entrance;
use momus_proxies::edges::Edges;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::AbortHandle;

use crate::guardian::walls::{Built, Inside, Socket, Tries, Try, Walls, WallsError};
use crate::guardian::{Child, Command, Guardian, Output, SpawnError};
use crate::standins::statsd::{Receiving, Statsd};

/// Every dependency has an address of its own in this network, so that two of one kind are found at the same port.
const NETWORK: [u8; 2] = [127, 77];

/// Where a service finds a dependency inside its walls: an address of its own, at the port that its kind has usually.
pub(super) fn address_of(mesh: &Mesh, dependency: &str) -> SocketAddr {
    let kinds = [
        Kind::Service,
        Kind::Datastore,
        Kind::Broker,
        Kind::Bucket,
        Kind::Partner,
    ];
    let mut names = mesh.names(&kinds).into_iter().chain(["statsd", "logs"]);
    let place = names.position(|name| name == dependency).unwrap_or_default() + 1;
    let [_, _, high, low] = u32::try_from(place).unwrap_or(u32::MAX).to_be_bytes();
    let port = match mesh.kind(dependency) {
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
        _ => 80,
    };
    (Ipv4Addr::new(NETWORK[0], NETWORK[1], high, low), port).into()
}

/// One way from inside to a dependency.
struct Entry {
    dependency: String,
    socket: Socket,
}

/// What a service's walls are entered by from outside, and left by from inside.
pub(super) struct House<'a> {
    pub(super) mesh: &'a Mesh,
    pub(super) edges: &'a Edges,
    /// By service.
    pub(super) statsd: &'a BTreeMap<String, Statsd>,
}

/// What serves a service inside its walls. Dropping it closes the ways out.
pub(super) struct Served {
    _entrances: Vec<Entrance>,
    _receiving: Vec<Receiving>,
    tries: Arc<Tries>,
    teller: Teller,
    telling: AbortHandle,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.telling.abort();
    }
}

/// A service that cannot be started within walls.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotWithin {
    /// There is nobody to build them.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// They cannot be built.
    #[error("its walls cannot be built: {0}")]
    Build(WallsError),
    /// A socket that was made inside does not serve.
    #[error("a socket inside its walls: {0}")]
    Socket(#[from] std::io::Error),
}

impl House<'_> {
    /// Builds walls around a service, serves it inside, and runs it there.
    pub(super) async fn run(
        &self,
        name: &str,
        guardian: &Guardian,
        command: Command,
        timeline: &Timeline,
    ) -> Result<(Child, Output, Walls, Served), NotWithin> {
        let service = self.mesh.services.get(name);
        let entries = service.map(|service| self.entries(service)).unwrap_or_default();
        let inside = Inside {
            hostname: name.to_owned(),
            hosts: hosts(name, &entries),
            resolver: None,
            kept: kept(&command, service, self.mesh),
            sockets: entries.iter().map(|entry| entry.socket).collect(),
        };
        let program = command.program.display().to_string();
        let (child, output, walls) = guardian.spawn_walls(name).await?;
        let Built { sockets, tries } = walls.build(inside).await.map_err(NotWithin::Build)?;
        let (mut entrances, mut receiving) = (Vec::new(), Vec::new());
        for (entry, socket) in entries.iter().zip(sockets) {
            match entry.socket {
                Socket::Tcp(_) => {
                    let socket = std::net::TcpListener::from(socket);
                    socket.set_nonblocking(true)?;
                    let listener = TcpListener::from_std(socket)?;
                    let edge = self.edges.get(name, &entry.dependency);
                    entrances.extend(edge.map(|edge| edge.serve(listener)));
                }
                Socket::Udp(_) => {
                    let socket = std::net::UdpSocket::from(socket);
                    socket.set_nonblocking(true)?;
                    let socket = UdpSocket::from_std(socket)?;
                    receiving.extend(self.statsd.get(name).map(|statsd| statsd.receive(socket)));
                }
            }
        }
        let (tries, teller) = (
            Arc::new(tries),
            Teller {
                service: name.to_owned(),
                timeline: timeline.clone(),
            },
        );
        let (seen, tells) = (Arc::clone(&tries), teller.clone());
        let telling = tokio::spawn(async move {
            while let Some(tried) = seen.next().await {
                tells.tell(tried);
            }
        });
        let served = Served {
            _entrances: entrances,
            _receiving: receiving,
            tries,
            teller,
            telling: telling.abort_handle(),
        };
        walls.run(command).await.map_err(|error| SpawnError::Refused {
            program,
            reason: error.to_string(),
        })?;
        Ok((child, output, walls, served))
    }

    fn entries(&self, service: &Service) -> Vec<Entry> {
        let dependencies = service.dependencies().into_iter();
        let entries = dependencies.map(|dependency| {
            let address = address_of(self.mesh, dependency);
            let socket = match dependency {
                "statsd" => Socket::Udp(address),
                _ => Socket::Tcp(address),
            };
            Entry {
                dependency: dependency.to_owned(),
                socket,
            }
        });
        entries.collect()
    }
}

impl Served {
    /// Closes the ways out, having told what was tried last.
    pub(super) fn close(self) {
        while let Some(Some(tried)) = self.tries.next().now_or_never() {
            self.teller.tell(tried);
        }
    }
}

/// `/etc/hosts` inside.
fn hosts(name: &str, entries: &[Entry]) -> String {
    let mut hosts = format!("127.0.0.1 localhost {name}\n::1 localhost\n");
    for entry in entries {
        let (Socket::Tcp(address) | Socket::Udp(address)) = entry.socket;
        hosts.push_str(&format!("{} {}\n", address.ip(), entry.dependency));
    }
    hosts
}

/// What stays visible inside: where the service runs and lies, and what its command and environment name.
fn kept(command: &Command, service: Option<&Service>, mesh: &Mesh) -> Vec<PathBuf> {
    let named = command.environment.iter().map(|(_, value)| value);
    let named = named.chain(&command.arguments).map(PathBuf::from);
    let folders = service.map(|service| service.working_dir.clone()).into_iter();
    let all = folders.chain(mesh.bin.clone()).chain([command.program.clone()]).chain(named);
    all.filter(|path| path.is_absolute()).collect()
}

/// Tells what a service tries to reach that no edge leads to.
#[derive(Clone)]
struct Teller {
    service: String,
    timeline: Timeline,
}

impl Teller {
    fn tell(&self, tried: Try) {
        let (address, what) = match tried {
            Try::Tcp(address) => (address, "refused: no edge leads there"),
            Try::Udp(address) => (address, "a datagram, dropped: no edge leads there"),
        };
        self.timeline.record(Happening::Connection {
            caller: self.service.clone(),
            dependency: address.to_string(),
            what: what.to_owned(),
        });
    }
}
