//! HTTP/2 on an edge (RFC 9113): exchanges are recorded while their bytes pass unmodified, and can be answered by a rule.
//!
//! A header block of the client passes whole, everything else as it comes. What is malformed, or a header block or a
//! list of fields larger than [`BUFFER`](crate::relay::BUFFER), passes as plain bytes from there on, or ends the connection where bytes do not
//! pass unmodified any more.
//!
//! A request that a rule answers is kept from the upstream, with all that comes on its stream; its answer is written between
//! the frames of the others, and so is the leave to send more in place of what was kept (flow control). A client that hears
//! from its server that it goes away may take a request that a rule is about to answer for one that was not taken.

mod block;
mod fields;
mod frame;
mod requests;
mod responses;
mod settings;
mod streams;
#[cfg(test)]
mod tests;

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use self::frame::PREFACE;
use self::requests::Requests;
use self::responses::Responses;
pub(super) use self::streams::Streams;
use super::exchanges::Exchanges;
use crate::gate::Gate;
use crate::rule::Rules;

/// The most streams whose exchanges are kept at a time.
const STREAMS: usize = 10_000;

/// How the first bytes of a client relate to HTTP/2.
pub(super) enum Beginning {
    /// They may be its preface, or not.
    Perhaps,
    /// They begin with its preface, which is so long.
    Preface(usize),
    /// They are something else.
    Other,
}

/// What the first bytes of a client are.
pub(super) fn beginning(bytes: &[u8]) -> Beginning {
    if bytes.starts_with(PREFACE) {
        Beginning::Preface(PREFACE.len())
    } else if PREFACE.starts_with(bytes) {
        Beginning::Perhaps
    } else {
        Beginning::Other
    }
}

/// Whether a server that begins so may speak HTTP/2: with SETTINGS, or so much of them as is there.
pub(super) fn may_be_settings(bytes: &[u8]) -> bool {
    let shape = [
        Some(0),
        None,
        None,
        Some(4),
        Some(0),
        Some(0),
        Some(0),
        Some(0),
        Some(0),
    ];
    let alike = |(byte, expected): (&u8, &Option<u8>)| expected.is_none_or(|expected| expected == *byte);
    bytes.iter().zip(&shape).all(alike)
}

/// Carries what the client sends; of what follows the preface, `begun` is there.
pub(super) async fn requests(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    mut gate: Gate,
    rules: watch::Receiver<Rules>,
    exchanges: &Exchanges,
    begun: &[u8],
    mut buffer: Vec<u8>,
) -> io::Result<()> {
    let mut requests = Requests::new(exchanges, rules);
    let mut out = PREFACE.to_vec();
    let mut bytes = begun;
    loop {
        if exchanges.is_tunnel() {
            unmodified(requests.rewrites())?;
            out.append(&mut requests.rest());
            out.extend_from_slice(bytes);
        } else if requests.take(bytes, &mut out).is_err() {
            exchanges.is_foreign("what the caller sends is no HTTP/2");
            unmodified(requests.rewrites())?;
        }
        gate.write(writer, &out).await?;
        out.clear();
        let read = reader.read(&mut buffer).await;
        gate.pass().await;
        bytes = &buffer[..read?];
        if bytes.is_empty() {
            exchanges.streams().ended();
            if !requests.rewrites() {
                gate.write(writer, &requests.rest()).await?;
            }
            return writer.shutdown().await;
        }
    }
}

/// Carries what the server sends, of which `begun` is there.
pub(super) async fn responses(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    mut gate: Gate,
    exchanges: &Exchanges,
    begun: &[u8],
    mut buffer: Vec<u8>,
) -> io::Result<()> {
    let streams = exchanges.streams();
    let mut responses = Responses::new(streams);
    let (mut out, mut over) = (Vec::new(), Vec::new());
    let mut bytes = begun;
    loop {
        if exchanges.is_tunnel() {
            out.extend_from_slice(responses.rest());
            responses = Responses::new(streams);
            out.extend_from_slice(bytes);
        } else if responses.take(bytes, &mut out, &mut over).is_err() {
            unmodified(streams.are_answered())?;
            exchanges.is_foreign("what the upstream answers is no HTTP/2");
        }
        gate.write(writer, &out).await?;
        out.clear();
        over.clear();
        let read = tokio::select! {
            biased;
            () = streams.injected() => {
                bytes = &[];
                continue;
            }
            read = reader.read(&mut buffer) => read,
        };
        gate.pass().await;
        bytes = &buffer[..read?];
        if bytes.is_empty() {
            break;
        }
    }
    // The upstream is gone; what rules answer does not need it.
    while responses.injects() && streams.are_answered() {
        responses.inject(&mut out, &mut over);
        gate.write(writer, &out).await?;
        out.clear();
        over.clear();
        if streams.are_answered() {
            streams.injected().await;
        }
    }
    gate.write(writer, responses.rest()).await?;
    exchanges.give_up();
    writer.shutdown().await
}

/// Plain bytes cannot pass where frames were kept from an end.
fn unmodified(rewritten: bool) -> io::Result<()> {
    if rewritten {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "what passes is no HTTP/2 any more, and a rule answered requests on this connection",
        ));
    }
    Ok(())
}
