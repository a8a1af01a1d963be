//! A service within walls: what it finds inside, and who serves it there.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use futures::FutureExt;
use momus_engine::event::Happening;
use momus_engine::mesh::{Mesh, Service};
use momus_engine::timeline::Timeline;
use momus_proxies::edge::{Door, Entrance, TurnedAway};
use momus_proxies::edges::Edges;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

use super::found::{Found, RESOLVER};
use super::resolver;
use crate::guardian::walls::{Built, Inside, Socket, Tries, Try, Walls, WallsError};
use crate::guardian::{Child, Command, Guardian, Output, SpawnError};
use crate::standins::statsd::{Receiving, Statsd};

/// What a service's walls are entered by from outside, and left by from inside.
pub(super) struct House<'a> {
    pub(super) mesh: &'a Mesh,
    pub(super) edges: &'a Edges,
    /// By service.
    pub(super) statsd: &'a BTreeMap<String, Statsd>,
}

/// The openings in the walls around a service: what its sandbox serves it by.
pub(super) struct Openings {
    /// What the service finds there.
    found: Found,
    /// By the place of its entry in what is found.
    doors: Vec<(usize, Door)>,
    datagrams: Vec<Arc<UdpSocket>>,
    resolver: Option<Arc<UdpSocket>>,
    tries: Arc<Tries>,
}

/// What serves a service inside its walls. Dropping it closes the ways out.
pub(super) struct Served {
    found: Found,
    entrances: Vec<(usize, Entrance)>,
    receiving: Vec<Receiving>,
    tasks: JoinSet<()>,
    datagrams: Vec<Arc<UdpSocket>>,
    resolver: Option<Arc<UdpSocket>>,
    tries: Arc<Tries>,
    teller: Teller,
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
    Socket(#[from] io::Error),
}

impl House<'_> {
    /// Builds walls around a service, serves it inside, and runs it there. Of the files in `told` it learns otherwise than by
    /// a variable or a word that is their path.
    pub(super) async fn run(
        &self,
        name: &str,
        guardian: &Guardian,
        command: Command,
        told: Vec<PathBuf>,
        timeline: &Timeline,
    ) -> Result<(Child, Output, Walls, Served), NotWithin> {
        let service = self.mesh.services.get(name);
        let found = Found::new(self.mesh, name);
        let sockets = found.entries.iter().map(|entry| entry.socket);
        let inside = Inside {
            hostname: name.to_owned(),
            hosts: found.hosts(name),
            resolver: Some(RESOLVER.ip()),
            kept: kept(&command, service, self.mesh).into_iter().chain(told).collect(),
            redirects: found.redirects.clone(),
            sockets: sockets.chain([Socket::Udp(RESOLVER)]).collect(),
        };
        let program = command.program.display().to_string();
        let (child, output, walls) = guardian.spawn_walls(name).await?;
        let built = walls.build(inside).await.map_err(NotWithin::Build)?;
        let openings = Openings::new(built, found, &walls)?;
        let served = self.serve(name, openings, timeline);
        walls.run(command).await.map_err(|error| SpawnError::Refused {
            program,
            reason: error.to_string(),
        })?;
        Ok((child, output, walls, served))
    }

    /// Serves a service by the openings in its walls.
    pub(super) fn serve(&self, name: &str, openings: Openings, timeline: &Timeline) -> Served {
        let Openings {
            found,
            doors,
            datagrams,
            resolver,
            tries,
        } = openings;
        let mut teller = Teller {
            service: name.to_owned(),
            timeline: timeline.clone(),
            shut: BTreeMap::new(),
        };
        let mut tasks = JoinSet::new();
        if let Some(socket) = resolver.clone() {
            let tells = teller.clone();
            let unknown = move |asked: &str| tells.tell(asked, "not found: no edge of it has this name");
            tasks.spawn(resolver::answer(socket, found.names.clone(), unknown));
        }
        let mut entrances = Vec::new();
        for (place, door) in doors {
            let entry = &found.entries[place];
            let (Socket::Tcp(address), Some(edge)) = (entry.socket, self.edges.get(name, &entry.dependency)) else {
                continue;
            };
            entrances.push((place, edge.enter(door)));
            teller.shut.insert(address, edge.turned_away());
            let redirects = found.redirects.iter().filter(|(_, to)| SocketAddr::V4(*to) == address);
            teller
                .shut
                .extend(redirects.map(|(from, _)| (SocketAddr::V4(*from), edge.turned_away())));
        }
        let statsd = self.statsd.get(name);
        let receiving = datagrams
            .iter()
            .filter_map(|socket| Some(statsd?.receive(Arc::clone(socket))));
        let receiving = receiving.collect();
        let (seen, tells) = (Arc::clone(&tries), teller.clone());
        tasks.spawn(async move {
            while let Some(tried) = seen.next().await {
                tells.tried(tried);
            }
        });
        Served {
            found,
            entrances,
            receiving,
            tasks,
            datagrams,
            resolver,
            tries,
            teller,
        }
    }
}

impl Openings {
    /// Those of walls that were built for what a service finds.
    fn new(built: Built, found: Found, walls: &Walls) -> io::Result<Self> {
        let Built { mut sockets, tries } = built;
        let resolver = sockets.pop().map(datagrams).transpose()?;
        let (mut doors, mut udp) = (Vec::new(), Vec::new());
        for ((place, entry), socket) in found.entries.iter().enumerate().zip(sockets) {
            match entry.socket {
                Socket::Tcp(address) => {
                    let socket = std::net::TcpListener::from(socket);
                    socket.set_nonblocking(true)?;
                    let listener = TcpListener::from_std(socket)?;
                    let walls = walls.clone();
                    let again = move || {
                        let walls = walls.clone();
                        async move { walls.listen(address).await }
                    };
                    doors.push((place, Door::shutting(listener, again).to_node(entry.node)));
                }
                Socket::Udp(_) => udp.push(datagrams(socket)?),
            }
        }
        Ok(Self {
            found,
            doors,
            datagrams: udp,
            resolver,
            tries: Arc::new(tries),
        })
    }

    /// Forgets what came while nobody served.
    pub(super) fn forget_datagrams(&self) {
        let mut lost = [0; 1];
        for socket in &self.datagrams {
            while socket.try_recv(&mut lost).is_ok() {}
        }
    }
}

impl Served {
    /// Closes the ways out, having told what was tried last.
    pub(super) fn close(self) {
        self.tell_tries();
    }

    /// Serves no longer, and gives back what another sandbox can serve by: whoever knocks meanwhile waits. None when an edge
    /// has ended.
    pub(super) async fn vacate(mut self) -> Option<Openings> {
        self.tasks.shutdown().await;
        self.tell_tries();
        drop(self.receiving);
        let mut doors = Vec::new();
        for (place, entrance) in self.entrances {
            doors.push((place, entrance.leave().await?));
        }
        Some(Openings {
            found: self.found,
            doors,
            datagrams: self.datagrams,
            resolver: self.resolver,
            tries: self.tries,
        })
    }

    fn tell_tries(&self) {
        while let Some(Some(tried)) = self.tries.next().now_or_never() {
            self.teller.tried(tried);
        }
    }
}

/// What stays visible inside: where the service runs and lies, and what its command and environment name.
fn kept(command: &Command, service: Option<&Service>, mesh: &Mesh) -> Vec<PathBuf> {
    let named = command.environment.iter().map(|(_, value)| value);
    let named = named.chain(&command.arguments).map(PathBuf::from);
    let folders = service.map(|service| service.working_dir.clone()).into_iter();
    let all = folders
        .chain(mesh.bin.clone())
        .chain([command.program.clone()])
        .chain(named);
    all.filter(|path| path.is_absolute()).collect()
}

/// Tells what a service tries to reach that no edge leads to.
#[derive(Clone)]
struct Teller {
    service: String,
    timeline: Timeline,
    /// Edges whose door may be shut, by address.
    shut: BTreeMap<SocketAddr, TurnedAway>,
}

impl Teller {
    fn tried(&self, tried: Try) {
        if let Try::Tcp(address) = tried
            && let Some(edge) = self.shut.get(&address)
        {
            return edge.tell();
        }
        match tried {
            Try::Tcp(address) => self.tell(&address.to_string(), "refused: no edge of it leads there"),
            Try::Udp(address) => self.tell(&address.to_string(), "a datagram, lost: no edge of it leads there"),
        }
    }

    fn tell(&self, to: &str, what: &str) {
        self.timeline.record(Happening::Beyond {
            service: self.service.clone(),
            to: to.to_owned(),
            what: what.to_owned(),
        });
    }
}

fn datagrams(socket: OwnedFd) -> io::Result<Arc<UdpSocket>> {
    let socket = std::net::UdpSocket::from(socket);
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket).map(Arc::new)
}
