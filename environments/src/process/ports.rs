//! The ports of a service's process: the system's choice, and kept for it.
//!
//! Between the choice and the moment that the process listens, anybody may be given the same port: another service, or an
//! edge of another sandbox, behind which a healthcheck would find the wrong service. So each port stays bound by a socket
//! that never listens. On Linux the system then gives it to nobody, and whoever names it and allows it to be reused
//! (`SO_REUSEADDR`, which nearly every server sets) can bind it as if it were free (socket(7), ip(7)).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use momus_engine::mesh::Service;
use tokio::net::TcpSocket;

/// Signs in what programs say of a port that is taken: libc, Go, Node, Java, Rust.
const TAKEN: [&str; 3] = ["ddress already in use", "EADDRINUSE", "ddress in use"];

/// The ports of one process, by the names that the mesh gives them.
pub(super) struct Ports {
    numbers: BTreeMap<String, u16>,
    /// Keeps them, until this is dropped.
    _kept: Vec<TcpSocket>,
}

impl Ports {
    /// A port for each that the service declares; `keep` tells whether they stay bound.
    pub(super) fn draw(service: &Service, keep: bool) -> io::Result<Self> {
        let (mut numbers, mut bound) = (BTreeMap::new(), Vec::new());
        for name in service.ports.keys() {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
            numbers.insert(name.clone(), socket.local_addr()?.port());
            bound.push(socket);
        }
        if !keep {
            bound.clear();
        }
        Ok(Self { numbers, _kept: bound })
    }

    /// The ports that the service declares, in a network of its own.
    pub(super) fn declared(service: &Service) -> Self {
        let numbers = service.ports.iter().map(|(name, number)| (name.clone(), *number));
        Self {
            numbers: numbers.collect(),
            _kept: Vec::new(),
        }
    }

    /// Their numbers by name.
    pub(super) fn numbers(&self) -> &BTreeMap<String, u16> {
        &self.numbers
    }

    /// Where the port of this name is, in the network of the service.
    pub(super) fn address(&self, name: &str) -> Option<SocketAddr> {
        self.numbers
            .get(name)
            .map(|number| (Ipv4Addr::LOCALHOST, *number).into())
    }

    /// Whether somebody else listens on one of them; asked when the process itself is gone.
    pub(super) fn are_taken(&self) -> bool {
        let mut numbers = self.numbers.values();
        numbers.any(|number| TcpListener::bind((Ipv4Addr::LOCALHOST, *number)).is_err())
    }
}

/// Whether a line says that a port is taken.
pub(super) fn says_taken(line: &str) -> bool {
    TAKEN.iter().any(|sign| line.contains(sign))
}

/// The services of a run that cannot bind a port that is kept for them. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Unshared(Arc<Mutex<BTreeSet<String>>>);

impl Unshared {
    /// From now on the service's ports are not kept.
    pub(super) fn add(&self, service: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(service.to_owned());
    }

    /// Whether the service's ports can be kept, as far as is known.
    pub(super) fn allows(&self, service: &str) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(service)
    }
}

#[cfg(test)]
mod tests {
    use momus_engine::mesh::Mesh;

    use super::*;

    fn service() -> Mesh {
        let text = "mesh: m\nservices: { shop: { command: [x], ports: { http: 1, admin: 2 } } }";
        Mesh::parse(text, std::path::Path::new("/m/mesh.yaml")).unwrap()
    }

    #[tokio::test]
    async fn a_kept_port_is_given_to_nobody_and_can_be_listened_on() {
        let mesh = service();
        let ports = Ports::draw(&mesh.services["shop"], true).unwrap();
        assert_eq!(ports.numbers().len(), 2);
        let address = ports.address("http").unwrap();
        assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens");
        assert!(!ports.are_taken());
        let listener = TcpListener::bind(address).unwrap();
        assert!(ports.are_taken());
        drop(std::net::TcpStream::connect(address).unwrap());
        drop(listener);
        // All that the system gives away are others, however many are asked for.
        let others: Vec<_> = (0..2_000)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
            .collect();
        assert!(others.iter().all(|other| other.local_addr().unwrap() != address));
    }

    #[tokio::test]
    async fn a_service_that_shares_no_port_is_known_by_its_name() {
        let unshared = Unshared::default();
        unshared.clone().add("shop");
        assert!(!unshared.allows("shop") && unshared.allows("billing"));
        assert!(says_taken("OSError: [Errno 98] Address already in use") && !says_taken("listening"));
    }
}
