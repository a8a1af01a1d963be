//! A tap: a forwarder before the broker that notes which APIs are called, in which versions.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kafka_protocol::messages::ApiKey;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::recording::{self, Talk, Talks};

type Seen = Arc<Mutex<BTreeSet<(i16, i16)>>>;

/// What an edge says itself before its client's first word.
const EDGES_OWN: [ApiKey; 2] = [ApiKey::SaslHandshake, ApiKey::SaslAuthenticate];

/// A forwarder; it ends when it is dropped.
pub struct Tap {
    address: SocketAddr,
    seen: Seen,
    /// What was said, where it is recorded.
    talks: Option<Talks>,
    accepts: JoinHandle<()>,
}

impl Tap {
    /// A tap before this broker.
    pub async fn before(broker: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Seen::default();
        let noted = Arc::clone(&seen);
        let talks = recording::is_on().then(Talks::default);
        let heard = talks.clone();
        let accepts = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let talk = heard.as_ref().map(Talks::begin);
                tokio::spawn(forward(client, broker, Arc::clone(&noted), talk));
            }
        });
        Self {
            address,
            seen,
            talks,
            accepts,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Records what passed, if it is to be; names begin with this prefix.
    pub fn record(&self, prefix: &str, run_folder: &Path) {
        if let Some(talks) = &self.talks {
            talks.record(prefix, run_folder);
        }
    }

    /// The requests that passed, each API once with each of its versions, the edge's own aside.
    pub fn seen(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter()
            .map(|&(key, version)| {
                let name = ApiKey::try_from(key).map_or_else(|()| format!("API {key}"), |key| format!("{key:?}"));
                match version {
                    // How the edge has the broker say what it does know.
                    i16::MAX => format!("{name}:later"),
                    _ => format!("{name}:{version}"),
                }
            })
            .collect()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

async fn forward(client: TcpStream, broker: SocketAddr, seen: Seen, talk: Option<Talk>) -> std::io::Result<()> {
    let broker = TcpStream::connect(broker).await?;
    broker.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let (from_client, mut to_client) = client.into_split();
    let (from_broker, to_broker) = broker.into_split();
    let (from_client, mut from_broker): (Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncRead + Send + Unpin>) =
        match talk {
            None => (Box::new(from_client), Box::new(from_broker)),
            Some(talk) => (
                Box::new(talk.keep(from_client, false)),
                Box::new(talk.keep(from_broker, true)),
            ),
        };
    let answers = async {
        tokio::io::copy(&mut from_broker, &mut to_client).await?;
        to_client.shutdown().await
    };
    tokio::try_join!(requests(from_client, to_broker, &seen), answers)?;
    Ok(())
}

/// Passes frames on: a length, then an API's key and version, then the rest.
async fn requests(
    from: impl AsyncRead + Unpin,
    to: impl AsyncWrite + Unpin,
    seen: &Mutex<BTreeSet<(i16, i16)>>,
) -> std::io::Result<()> {
    let (mut from, mut to) = (BufReader::new(from), BufWriter::new(to));
    let mut head = [0; 8];
    while let Ok(length) = from.read_u32().await {
        head[..4].copy_from_slice(&length.to_be_bytes());
        from.read_exact(&mut head[4..]).await?;
        let [_, _, _, _, a, b, c, d] = head;
        let (key, version) = (i16::from_be_bytes([a, b]), i16::from_be_bytes([c, d]));
        if !EDGES_OWN.iter().any(|own| *own as i16 == key) {
            seen.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert((key, version));
        }
        to.write_all(&head).await?;
        let rest = u64::from(length).saturating_sub(4);
        tokio::io::copy(&mut (&mut from).take(rest), &mut to).await?;
        to.flush().await?;
    }
    to.shutdown().await
}
