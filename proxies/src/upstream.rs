//! Where an edge leads.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

use crate::dialer::{Dialed, Dialer};
use crate::greeting::{self, Opened};
use crate::socket::Socket;
use crate::tls::{self, TlsUpstream};
use crate::wire::Wire;

/// Where an edge leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// A TCP address.
    Tcp(SocketAddr),
    /// The nodes of a cluster, each a TCP address, in the order of their ids, which begin with 1. The edge has an address of its
    /// own for each.
    Nodes(Vec<SocketAddr>),
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// Where no address leads: into a network that is not this process' own, or to a server within it.
    Dialed(Dialer),
    /// Nobody listens: the dependency does not run.
    Nowhere,
    /// A TCP address where TLS is spoken.
    Tls(TlsUpstream),
}

impl Upstream {
    /// How many nodes it has.
    pub(crate) fn nodes(&self) -> usize {
        match self {
            Self::Nodes(nodes) => nodes.len(),
            Self::Tcp(_) | Self::Unix(_) | Self::Dialed(_) | Self::Nowhere | Self::Tls(_) => 1,
        }
    }

    /// Connects to the node that comes at this place, from 0.
    pub(crate) async fn connect(self, node: usize, wire: &Wire) -> io::Result<Opened> {
        let socket = match self {
            Self::Tcp(address) => tcp(address).await?,
            Self::Nodes(nodes) => match nodes.get(node) {
                Some(address) => tcp(*address).await?,
                None => return refused(),
            },
            Self::Nowhere => return refused(),
            Self::Unix(path) => Socket::Unix(UnixStream::connect(path).await?),
            Self::Dialed(dialer) => match dialer.dial().await? {
                Dialed::Tcp(stream) => {
                    stream.set_nodelay(true)?;
                    Socket::Tcp(stream)
                }
                Dialed::Unix(stream) => Socket::Unix(stream),
            },
            Self::Tls(upstream) => {
                let stream = TcpStream::connect(upstream.address).await?;
                stream.set_nodelay(true)?;
                if greeting::is_for_both(wire) {
                    return Ok((Socket::Tcp(stream), Some(upstream)));
                }
                let stream = tls::agree(stream, &upstream, Vec::new())?.await?;
                Socket::Tls(Box::new(TlsStream::Client(stream)))
            }
        };
        Ok((socket, None))
    }
}

async fn tcp(address: SocketAddr) -> io::Result<Socket> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(Socket::Tcp(stream))
}

fn refused() -> io::Result<Opened> {
    Err(rustix::io::Errno::CONNREFUSED.into())
}
