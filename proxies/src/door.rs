//! Where an edge listens: open, or shut while nobody is to be had behind it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use futures::FutureExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::rule::Rules;
use crate::wire::Wire;

type Listening = Pin<Box<dyn Future<Output = io::Result<TcpListener>> + Send>>;

/// Where an edge listens.
pub struct Door {
    listener: Option<TcpListener>,
    /// How to listen there again. Without it the door is never shut: somebody else could be given its port.
    again: Option<Box<dyn Fn() -> Listening + Send + Sync>>,
    /// The place of the node that it leads to, from 0.
    pub(crate) node: usize,
}

impl Door {
    /// A door that is never shut: what is refused is accepted, and reset at once.
    pub fn open(listener: TcpListener) -> Self {
        Self {
            listener: Some(listener),
            again: None,
            node: 0,
        }
    }

    /// A door that is shut while the edge refuses its connections; `again` listens at the same address.
    pub fn shutting<F>(listener: TcpListener, again: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<TcpListener>> + Send + 'static,
    {
        Self {
            listener: Some(listener),
            again: Some(Box::new(move || Box::pin(again()))),
            node: 0,
        }
    }

    /// The same, leading to the node that comes at this place of the edge's upstream, from 0. Else a door leads to the first.
    #[must_use]
    pub fn to_node(self, node: usize) -> Self {
        Self { node, ..self }
    }

    /// The next connection. Cancelling it loses none.
    pub(crate) async fn accept(&mut self, rules: &mut watch::Receiver<Rules>) -> io::Result<TcpStream> {
        let Some(again) = &self.again else {
            return accept(self.listener.as_ref()).await;
        };
        loop {
            let shut = rules.borrow_and_update().refuse_all();
            match &self.listener {
                Some(listener) if shut => {
                    // Who was before the door when it shut is seen, and sent away as at an open one.
                    if let Some(Ok((client, _))) = listener.accept().now_or_never() {
                        return Ok(client);
                    }
                    self.listener = None;
                }
                None if !shut => self.listener = Some(again().await?),
                Some(_) | None => {}
            }
            tokio::select! {
                changed = rules.changed() => if changed.is_err() {
                    std::future::pending::<()>().await;
                },
                accepted = accept(self.listener.as_ref()) => return accepted,
            }
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(client, _)| client),
        None => std::future::pending().await,
    }
}

/// Tells of connections that the system refused, the door being shut.
#[derive(Clone)]
pub struct TurnedAway {
    pub(crate) wire: Arc<Wire>,
    pub(crate) rules: watch::Receiver<Rules>,
}

impl TurnedAway {
    /// One was refused: strikes the faults that refuse, and records it.
    pub fn tell(&self) {
        let what = {
            // A rule strikes under the lock, so that it never does once it is healed.
            let rules = self.rules.borrow();
            rules.refusals.iter().for_each(|(_, strikes)| strikes.strike());
            match rules.refusals.is_empty() {
                true => format!("refused: {}", io::Error::from(rustix::io::Errno::CONNREFUSED)),
                false => "refused: a fault".to_owned(),
            }
        };
        self.wire.effect(&what);
        self.wire.connection(what);
    }
}
