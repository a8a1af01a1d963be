//! How a kept run is told to give up what it keeps: a line over a Unix socket in its folder, and a line in answer.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream as Blocking;
use std::path::Path;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// The socket in the run's folder, which only its user can enter.
const SOCKET: &str = "control";
/// The answer to an order that was carried out.
const DONE: &str = "done";

/// What is to be removed.
#[derive(Debug, PartialEq, Eq)]
pub enum Order {
    /// All that is kept, and the run's servers.
    All,
    /// The sandbox of this name.
    Sandbox(String),
}

/// Gives the kept run in this folder an order, and waits until it is carried out.
///
/// # Errors
/// What the run says, or that it cannot be asked.
pub fn ask(run_folder: &Path, order: &Order) -> Result<(), String> {
    let sandbox = match order {
        Order::All => "",
        Order::Sandbox(name) => name,
    };
    let asked = || {
        let mut socket = Blocking::connect(run_folder.join(SOCKET))?;
        writeln!(socket, "{sandbox}")?;
        let mut answer = String::new();
        BufReader::new(socket).read_line(&mut answer)?;
        Ok::<_, io::Error>(answer)
    };
    let answer = asked().map_err(|error| format!("the run cannot be asked: {error}"))?;
    match answer.trim_end() {
        DONE => Ok(()),
        "" => Err("the run has ended without an answer".to_owned()),
        refused => Err(refused.to_owned()),
    }
}

/// Where orders come in.
pub struct Control(UnixListener);

/// An order that is not answered yet.
pub struct Ordered {
    pub order: Order,
    socket: UnixStream,
}

impl Control {
    /// Listens in the run's folder.
    ///
    /// # Errors
    /// When it cannot.
    pub fn listen(run_folder: &Path) -> io::Result<Self> {
        UnixListener::bind(run_folder.join(SOCKET)).map(Self)
    }

    /// The next order.
    pub async fn next(&self) -> Ordered {
        loop {
            let Ok((socket, _)) = self.0.accept().await else {
                // Out of descriptors, for one: the lease goes on.
                tokio::task::yield_now().await;
                continue;
            };
            let mut socket = tokio::io::BufReader::new(socket);
            let mut line = String::new();
            if matches!(socket.read_line(&mut line).await, Ok(read) if read > 0) {
                let order = match line.trim_end() {
                    "" => Order::All,
                    name => Order::Sandbox(name.to_owned()),
                };
                let socket = socket.into_inner();
                return Ordered { order, socket };
            }
        }
    }
}

impl Ordered {
    /// Answers that it is carried out, or why not.
    pub async fn answer(mut self, done: Result<(), String>) {
        let answer = done.err().unwrap_or_else(|| DONE.to_owned()).replace('\n', " ");
        // Whoever asked may be gone.
        drop(self.socket.write_all(format!("{answer}\n").as_bytes()).await);
    }
}
