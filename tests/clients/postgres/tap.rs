//! A forwarder in front of a server or an edge, which notes the messages that a client sends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Where it leads.
#[derive(Clone)]
pub enum To {
    Edge(SocketAddr),
    Socket(PathBuf),
}

/// It ends with its connections when this is dropped.
pub struct Tap {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    /// How many connections there are.
    open: watch::Receiver<usize>,
    _serving: JoinSet<()>,
}

impl Tap {
    pub async fn open(to: To) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let mut serving = JoinSet::new();
        let noted = Arc::clone(&seen);
        let (count, open) = watch::channel(0);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (to, seen, count) = (to.clone(), Arc::clone(&noted), count.clone());
                count.send_modify(|open| *open += 1);
                connections.spawn(async move {
                    client.set_nodelay(true).unwrap();
                    match to {
                        To::Edge(address) => {
                            let server = TcpStream::connect(address).await.unwrap();
                            server.set_nodelay(true).unwrap();
                            forward(client, server.into_split(), &seen).await;
                        }
                        To::Socket(path) => {
                            forward(client, UnixStream::connect(path).await.unwrap().into_split(), &seen).await;
                        }
                    }
                    count.send_modify(|open| *open -= 1);
                });
            }
        });
        Self {
            address,
            seen,
            open,
            _serving: serving,
        }
    }

    /// Returns when no connection is there any more: all that a client sent has passed.
    pub async fn ended(&self) {
        self.open.clone().wait_for(|open| *open == 0).await.unwrap();
    }

    /// What was seen, each once, in the order of its first time.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

async fn forward(
    client: TcpStream,
    (mut from_server, mut to_server): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    seen: &Mutex<Vec<String>>,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let there = async {
        let (mut messages, mut buffer) = (Messages::default(), vec![0; 65_536]);
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            messages.take(&buffer[..length], seen);
            if to_server.write_all(&buffer[..length]).await.is_err() {
                break;
            }
        }
        drop(to_server.shutdown().await);
    };
    let back = async {
        drop(copy(&mut from_server, &mut to_client).await);
        drop(to_client.shutdown().await);
    };
    tokio::join!(there, back);
}

/// Where a client's stream stands.
#[derive(Default)]
struct Messages {
    started: bool,
    header: Vec<u8>,
    left: usize,
}

impl Messages {
    fn take(&mut self, mut bytes: &[u8], seen: &Mutex<Vec<String>>) {
        while !bytes.is_empty() {
            let skipped = self.left.min(bytes.len());
            self.left -= skipped;
            bytes = &bytes[skipped..];
            let whole = if self.started { 5 } else { 8 };
            let part = (whole - self.header.len()).min(bytes.len());
            self.header.extend_from_slice(&bytes[..part]);
            bytes = &bytes[part..];
            if self.left > 0 || self.header.len() < whole {
                continue;
            }
            let header = std::mem::take(&mut self.header);
            let number = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap());
            let (name, length) = match self.started {
                true => (char::from(header[0]).to_string(), number(1) as usize - 4),
                false => {
                    let name = match number(4) {
                        80_877_102 => "CancelRequest",
                        80_877_103 => "SSLRequest",
                        80_877_104 => "GSSENCRequest",
                        _ => "Startup",
                    };
                    self.started = name == "Startup";
                    (name.to_owned(), number(0) as usize - 8)
                }
            };
            self.left = length;
            let mut seen = seen.lock().unwrap();
            if !seen.contains(&name) {
                seen.push(name);
            }
        }
    }
}
