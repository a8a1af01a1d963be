//! The beginning of a caller's connection on an edge at which TLS ends.

use std::io;

use rustls::server::Acceptor;
use tokio::net::TcpStream;
use tokio_rustls::{LazyConfigAcceptor, TlsStream};

use crate::edge::Protocol;
use crate::gate::Gate;
use crate::postgres;
use crate::socket::{Begun, Socket, reset};
use crate::tls::{self, Identity, TlsUpstream};
use crate::wire::Wire;

const HTTP_1: &[u8] = b"http/1.1";
const HTTP_2: &[u8] = b"h2";

/// A connection to the upstream, and whom TLS is still to be agreed on with there, of which the caller has its say.
pub(crate) type Opened = (Socket, Option<TlsUpstream>);

/// Whether what is spoken within TLS (ALPN, RFC 7301) is for the caller and the upstream to agree on.
pub(crate) fn is_for_both(wire: &Wire) -> bool {
    wire.tls.is_some() && matches!(wire.protocol, Protocol::Http(_))
}

/// What is said to be spoken within TLS to a caller that offers these, where the upstream chose that, if it had a choice.
fn spoken<'n>(protocol: &Protocol, offered: &[Vec<u8>], upstream: &'n Socket) -> Option<&'n [u8]> {
    let offers = |name: &[u8]| offered.iter().any(|it| it == name);
    match (protocol, upstream) {
        (Protocol::Http(_), Socket::Tls(upstream)) => upstream.get_ref().1.alpn_protocol(),
        // Every server is taken to speak HTTP/1.1; a caller that does not (gRPC) knows that this one speaks HTTP/2.
        (Protocol::Http(_), _) if offers(HTTP_2) && !offers(HTTP_1) => Some(HTTP_2),
        (Protocol::Http(_), _) => Some(HTTP_1),
        (Protocol::Postgres(_), _) => Some(b"postgresql"),
        (Protocol::Kafka(_) | Protocol::Tcp, _) => None,
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
    /// The upstream was not to be had.
    Unreached(io::Error),
}

impl From<io::Error> for Ungreeted {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Agrees with the caller on TLS, and with an upstream that waits for that; gives both ends.
pub(crate) async fn greet(
    mut client: TcpStream,
    (upstream, waits): Opened,
    identity: &Identity,
    wire: &Wire,
    gate: &mut Gate,
) -> Result<(Socket, Socket), Ungreeted> {
    let mut begun = Vec::new();
    if matches!(wire.protocol, Protocol::Postgres(_)) {
        let mut refusals = gate.clone();
        let opening = tokio::select! {
            biased;
            () = refusals.refused(|| true) => {
                reset(&client);
                upstream.reset();
                return Err(Ungreeted::Refused);
            }
            opening = postgres::security::ask(&mut client, gate) => opening?,
        };
        match opening {
            postgres::security::Opening::Tls(bytes) => begun = bytes,
            postgres::security::Opening::Plain(read) => {
                return Ok((Socket::Begun(Begun { read, stream: client }), upstream));
            }
        }
    }
    let mut hearing = LazyConfigAcceptor::new(
        Acceptor::default(),
        Begun {
            read: begun,
            stream: client,
        },
    );
    let start = tokio::select! {
        biased;
        () = gate.refused(|| true) => {
            if let Some(begun) = hearing.take_io() {
                reset(&begun.stream);
            }
            upstream.reset();
            return Err(Ungreeted::Refused);
        }
        start = &mut hearing => start.map_err(left)?,
    };
    let names = start.client_hello().alpn().into_iter().flatten();
    let offered: Vec<Vec<u8>> = names.map(<[u8]>::to_vec).collect();
    let upstream = match (upstream, waits) {
        (Socket::Tcp(stream), Some(to)) => {
            let known = |name: &&Vec<u8>| [HTTP_2, HTTP_1].contains(&name.as_slice());
            let names = offered.iter().filter(known).cloned().collect();
            let agreed = match tls::agree(stream, &to, names) {
                Ok(mut agreeing) => tokio::select! {
                    biased;
                    () = gate.refused(|| true) => {
                        reset(&start.io.stream);
                        if let Some(begun) = agreeing.get_ref() {
                            reset(&begun.stream);
                        }
                        return Err(Ungreeted::Refused);
                    }
                    agreed = &mut agreeing => agreed,
                },
                Err(error) => Err(error),
            };
            match agreed {
                Ok(stream) => Socket::Tls(Box::new(TlsStream::Client(stream))),
                Err(error) => {
                    reset(&start.io.stream);
                    return Err(Ungreeted::Unreached(error));
                }
            }
        }
        (upstream, _) => upstream,
    };
    let mut accepting = start.into_stream(identity.server(spoken(&wire.protocol, &offered, &upstream)));
    let agreed = tokio::select! {
        biased;
        () = gate.refused(|| true) => {
            if let Some(begun) = accepting.get_ref() {
                reset(&begun.stream);
            }
            upstream.reset();
            return Err(Ungreeted::Refused);
        }
        agreed = &mut accepting => agreed,
    };
    let client = agreed.map_err(left)?;
    Ok((Socket::Tls(Box::new(TlsStream::Server(client))), upstream))
}

/// Why the caller does not speak TLS with us.
fn left(error: io::Error) -> Ungreeted {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Ungreeted::Left,
        _ => Ungreeted::Failed(error),
    }
}
