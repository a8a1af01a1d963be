//! Connections that somebody else makes: into a network that is not this process' own, or to a server within it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use tokio::net::{TcpStream, UnixStream};

/// How to connect where no address leads: into a network that is not this process' own, or to a server within it.
#[derive(Clone)]
pub struct Dialer(Arc<dyn Fn() -> Dialing + Send + Sync>);

/// A connection that was made.
pub enum Dialed {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket, or a pair of them.
    Unix(UnixStream),
}

type Dialing = Pin<Box<dyn Future<Output = io::Result<Dialed>> + Send>>;

impl Dialer {
    /// Each connection is made by `dial`.
    pub fn new<S: Into<Dialed>, F>(dial: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<S>> + Send + 'static,
    {
        Self(Arc::new(move || {
            let dialing = dial();
            Box::pin(async move { dialing.await.map(Into::into) })
        }))
    }

    pub(crate) fn dial(&self) -> Dialing {
        (self.0)()
    }
}

impl From<TcpStream> for Dialed {
    fn from(stream: TcpStream) -> Self {
        Self::Tcp(stream)
    }
}

impl From<UnixStream> for Dialed {
    fn from(stream: UnixStream) -> Self {
        Self::Unix(stream)
    }
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dialer")
    }
}

impl PartialEq for Dialer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Dialer {}
