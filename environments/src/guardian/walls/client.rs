//! The runner's hand inside the walls.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream, UdpSocket, UnixStream},
    sync::{Mutex, mpsc, oneshot},
};

use super::filter;
pub use super::filter::Try;
use super::{Answer, Ask, Inside};
use crate::guardian::{
    command::Command,
    wire::{Incoming, send},
};

/// How many sockets for connections into the walls are kept ready: as many can begin while everything inside is paused.
const READY: usize = 8;

/// Why walls could not be built, or a program not run inside.
#[derive(Debug, thiserror::Error)]
pub enum WallsError {
    /// What the system said.
    #[error("{0}")]
    Refused(String),
    /// The processes around the program are gone.
    #[error("the walls are gone")]
    Gone,
}

/// Who waits for what came of a request.
type Asker = oneshot::Sender<Result<Vec<OwnedFd>, WallsError>>;

/// The walls around one process. Clones are the same. When the last is dropped, what is inside is killed.
#[derive(Clone, Debug)]
pub struct Walls {
    asks: mpsc::UnboundedSender<(Ask, Asker)>,
    ready: Arc<Ready>,
}

/// Sockets for connections into the walls.
#[derive(Debug, Default)]
struct Ready {
    sockets: Mutex<VecDeque<OwnedFd>>,
    /// Whether more are asked for.
    awaited: AtomicBool,
}

/// What was built.
#[derive(Debug)]
pub struct Built {
    /// The sockets that were asked for, in their order.
    pub sockets: Vec<OwnedFd>,
    /// What is told of tries to reach what is not there.
    pub tries: Tries,
}

impl Walls {
    /// Takes the socket to the inner process.
    pub(in crate::guardian) fn new(stream: UnixStream) -> Self {
        let (asks, asked) = mpsc::unbounded_channel();
        tokio::spawn(converse(stream, asked));
        Self {
            asks,
            ready: Arc::default(),
        }
    }

    /// Builds what is inside; the program does not run yet.
    ///
    /// # Errors
    /// When the system refuses a part of it.
    pub async fn build(&self, inside: Inside) -> Result<Built, WallsError> {
        let mut sockets = self.ask(Ask::Build(inside)).await?;
        let tries = sockets.pop().ok_or(WallsError::Gone)?;
        let ready = self.ask(Ask::Sockets(READY)).await?;
        self.ready.sockets.lock().await.extend(ready);
        // A packet socket, of which only `recv` is asked, and that is the same for all kinds of sockets.
        let tries = std::net::UdpSocket::from(tries);
        let readable = tries.set_nonblocking(true).and_then(|()| UdpSocket::from_std(tries));
        let tries = readable.map_err(|error| WallsError::Refused(error.to_string()))?;
        Ok(Built {
            sockets,
            tries: Tries(tries),
        })
    }

    /// Runs the program inside.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn run(&self, command: Command) -> Result<(), WallsError> {
        self.ask(Ask::Run(Box::new(command))).await.map(drop)
    }

    /// Listens at an address as it is inside.
    ///
    /// # Errors
    /// When the address is taken, or the walls are gone.
    pub async fn listen(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let mut sockets = self.ask(Ask::Listen(address)).await.map_err(io::Error::other)?;
        let socket = sockets.pop().ok_or(io::ErrorKind::NotConnected)?;
        let listener = std::net::TcpListener::from(socket);
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    }

    /// Connects to an IPv4 address as it is inside.
    ///
    /// # Errors
    /// As `connect(2)` fails; `ConnectionRefused` when the walls are gone.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let gone = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
        let socket = {
            let mut ready = self.ready.sockets.lock().await;
            let socket = ready.pop_front();
            if ready.len() < READY / 2 && !self.ready.awaited.swap(true, Ordering::Relaxed) {
                let walls = self.clone();
                // In a task of its own: whoever connects does not wait for it, and may be paused inside.
                tokio::spawn(async move {
                    if let Ok(more) = walls.ask(Ask::Sockets(READY)).await {
                        walls.ready.sockets.lock().await.extend(more);
                    }
                    walls.ready.awaited.store(false, Ordering::Relaxed);
                });
            }
            socket
        };
        let socket = match socket {
            Some(socket) => socket,
            None => self
                .ask(Ask::Sockets(1))
                .await
                .map_err(gone)?
                .pop()
                .ok_or(io::ErrorKind::ConnectionRefused)?,
        };
        TcpSocket::from_std_stream(socket.into()).connect(address).await
    }

    /// Lets go of what is kept ready for connections: the network inside can end.
    pub async fn let_go(&self) {
        self.ready.awaited.store(true, Ordering::Relaxed);
        self.ready.sockets.lock().await.clear();
    }

    async fn ask(&self, ask: Ask) -> Result<Vec<OwnedFd>, WallsError> {
        let (answer, answered) = oneshot::channel();
        self.asks.send((ask, answer)).map_err(|_| WallsError::Gone)?;
        answered.await.map_err(|_| WallsError::Gone)?
    }
}

/// Asks one thing after the other. A task of its own, so that nothing is cut short by whoever asks.
async fn converse(stream: UnixStream, mut asked: mpsc::UnboundedReceiver<(Ask, Asker)>) {
    let mut incoming = Incoming::default();
    while let Some((ask, answer)) = asked.recv().await {
        let Some(result) = exchange(&stream, &mut incoming, &ask).await else {
            return;
        };
        drop(answer.send(result));
    }
}

/// `None` when the inner process is gone.
async fn exchange(stream: &UnixStream, incoming: &mut Incoming, ask: &Ask) -> Option<Result<Vec<OwnedFd>, WallsError>> {
    send(stream, ask, &[]).await.ok()?;
    let mut descriptors = Vec::new();
    loop {
        match incoming.next(stream).await.ok()?? {
            Answer::Descriptors(count) => {
                descriptors.extend(incoming.descriptors.drain(..count.min(incoming.descriptors.len())))
            }
            Answer::Done(_) => return Some(Ok(descriptors)),
            Answer::Failed(why) => return Some(Err(WallsError::Refused(why))),
        }
    }
}

/// The tries of a program to reach what is not there, as they come.
#[derive(Debug)]
pub struct Tries(UdpSocket);

impl Tries {
    /// The next one; `None` when the walls are gone. Cancelling it loses nothing.
    pub async fn next(&self) -> Option<Try> {
        let mut packet = [0; 256];
        loop {
            let length = self.0.recv(&mut packet).await.ok()?;
            if let Some(seen) = packet.get(..length).and_then(filter::read) {
                return Some(seen);
            }
        }
    }
}
