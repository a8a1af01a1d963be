//! The beginning of a caller's connection on an edge at which TLS ends.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsStream};

use crate::edge::Protocol;
use crate::gate::Gate;
use crate::postgres;
use crate::socket::{Begun, Socket, reset};
use crate::wire::Wire;

/// The names (ALPN, RFC 7301) of what is understood within TLS.
pub(crate) fn names(protocol: &Protocol) -> &'static [&'static [u8]] {
    match protocol {
        Protocol::Http(_) => &[b"http/1.1"],
        Protocol::Postgres(_) => &[b"postgresql"],
        Protocol::Kafka(_) | Protocol::Tcp => &[],
    }
}

/// Why nothing came of a connection.
pub(crate) enum Ungreeted {
    /// A fault reset it.
    Refused,
    /// Its caller left without a word.
    Left,
    /// They did not agree.
    Failed(io::Error),
}

impl From<io::Error> for Ungreeted {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Agrees with the caller on TLS.
pub(crate) async fn greet(
    mut client: TcpStream,
    tls: &Arc<ServerConfig>,
    wire: &Wire,
    gate: &mut Gate,
) -> Result<Socket, Ungreeted> {
    let mut begun = Vec::new();
    if matches!(wire.protocol, Protocol::Postgres(_)) {
        let mut refusals = gate.clone();
        let opening = tokio::select! {
            biased;
            () = refusals.refused(|| true) => {
                reset(&client);
                return Err(Ungreeted::Refused);
            }
            opening = postgres::security::ask(&mut client, gate) => opening?,
        };
        match opening {
            postgres::security::Opening::Tls(bytes) => begun = bytes,
            postgres::security::Opening::Plain(read) => return Ok(Socket::Begun(Begun { read, stream: client })),
        }
    }
    let begun = Begun {
        read: begun,
        stream: client,
    };
    let mut accepting = TlsAcceptor::from(Arc::clone(tls)).accept(begun);
    let agreed = tokio::select! {
        biased;
        () = gate.refused(|| true) => {
            if let Some(begun) = accepting.get_ref() {
                reset(&begun.stream);
            }
            return Err(Ungreeted::Refused);
        }
        agreed = &mut accepting => agreed,
    };
    match agreed {
        Ok(stream) => Ok(Socket::Tls(Box::new(TlsStream::Server(stream)))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Ungreeted::Left),
        Err(error) => Err(Ungreeted::Failed(error)),
    }
}
