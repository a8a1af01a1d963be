//! The metrics agent's stand-in: DogStatsD datagrams over UDP.

use std::{io, net::SocketAddr, sync::Arc, time::SystemTime};

use tokio::{net::UdpSocket, task::JoinHandle};

use super::Listener;

pub mod datagram;
pub mod message;
mod news;

pub use datagram::Malformed;
pub use message::{Event, Kind, Message, Metric, ServiceCheck, Values};
pub use news::News;

/// The largest UDP payload there is.
const LARGEST: usize = 65_535;

/// One line of a datagram, as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// When its datagram was read.
    pub at: SystemTime,
    /// Who sent it.
    pub from: SocketAddr,
    /// The line, bytes that are no UTF-8 replaced.
    pub line: String,
    /// What it says, or why it says nothing.
    pub message: Result<Message, Malformed>,
}

/// A UDP listener on a loopback port. Dropping it closes the port.
pub struct Statsd {
    address: SocketAddr,
    listener: Listener<Received>,
    _receiving: Receiving,
}

/// A socket that is read until this is dropped.
#[derive(Debug)]
#[must_use = "the socket is closed when this is dropped"]
pub struct Receiving(JoinHandle<()>);

impl Statsd {
    /// Listens on 127.0.0.1 and tells `listener` every line of every datagram.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn serve(listener: Listener<Received>) -> io::Result<Self> {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await?;
        let address = socket.local_addr()?;
        let receiving = Receiving(tokio::spawn(receive(Arc::new(socket), Arc::clone(&listener))));
        Ok(Self {
            address,
            listener,
            _receiving: receiving,
        })
    }

    /// Listens to another socket, too.
    pub fn receive(&self, socket: Arc<UdpSocket>) -> Receiving {
        Receiving(tokio::spawn(receive(socket, Arc::clone(&self.listener))))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn receive(socket: Arc<UdpSocket>, listener: Arc<dyn Fn(Received) + Send + Sync>) {
    let mut buffer = vec![0; LARGEST];
    loop {
        // An error on a UDP socket is about a datagram that was sent; this one sends none.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        let at = SystemTime::now();
        for (line, message) in datagram::parse(&buffer[..length]) {
            listener(Received {
                at,
                from,
                line,
                message,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn every_line_of_a_datagram_is_told_and_a_bad_one_spoils_no_other() {
        let (told, mut lines) = mpsc::unbounded_channel();
        let statsd = Statsd::serve(Arc::new(move |line| told.send(line).unwrap()))
            .await
            .unwrap();
        let sender = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
        sender
            .send_to(b"orders:1|c|#shop:3\nnonsense\ndepth:4.5|g\n", statsd.address())
            .await
            .unwrap();
        sender.send_to(b"\xff|c\n", statsd.address()).await.unwrap();

        let mut seen = Vec::new();
        for _ in 0..4 {
            let line = tokio::time::timeout(Duration::from_secs(5), lines.recv())
                .await
                .unwrap()
                .unwrap();
            assert_eq!(line.from, sender.local_addr().unwrap());
            seen.push((line.line, line.message.is_ok()));
        }
        let expected = [
            ("orders:1|c|#shop:3", true),
            ("nonsense", false),
            ("depth:4.5|g", true),
            ("\u{fffd}|c", false),
        ];
        assert_eq!(seen, expected.map(|(line, good)| (line.to_owned(), good)));
    }

    #[tokio::test]
    async fn dropping_it_frees_its_port() {
        let statsd = Statsd::serve(Arc::new(|_| ())).await.unwrap();
        let address = statsd.address();
        drop(statsd);
        tokio::task::yield_now().await;
        tokio::time::timeout(Duration::from_secs(5), async {
            while UdpSocket::bind(address).await.is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the port is free");
    }
}
