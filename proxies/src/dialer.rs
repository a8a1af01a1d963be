//! Connections into a network that is not this process' own.

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use tokio::net::TcpStream;

/// How to connect into a network that is not this process' own.
#[derive(Clone)]
pub struct Dialer(Arc<dyn Fn() -> Dialed + Send + Sync>);

type Dialed = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

impl Dialer {
    /// Each connection is made by `dial`.
    pub fn new<F>(dial: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<TcpStream>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(dial())))
    }

    pub(crate) fn dial(&self) -> Dialed {
        (self.0)()
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
