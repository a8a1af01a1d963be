//! What a caller that must speak TLS says first: SSLRequest, or TLS at once (PostgreSQL's "SSL Session Encryption").

use std::io;

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{CANCEL_REQUEST, GSSENC_REQUEST, LARGEST, SSL_REQUEST};
use crate::gate::Gate;

/// The first byte of a TLS handshake record (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

/// How a connection begins, and what of it is read that is still to be understood.
pub(crate) enum Opening {
    /// TLS comes next.
    Tls(Vec<u8>),
    /// A CancelRequest, which older clients never encrypt, or nothing more.
    Plain(Vec<u8>),
}

/// Reads what the caller says first, and answers it: TLS is agreed to (`S`), GSS declined (`N`).
///
/// # Errors
/// Of the connection, and when the caller goes on without TLS, which it is told.
pub(crate) async fn ask(client: &mut (impl AsyncRead + AsyncWrite + Unpin), gate: &mut Gate) -> io::Result<Opening> {
    loop {
        let mut read = Vec::new();
        while read.len() < 8 && read.first() != Some(&HANDSHAKE) {
            let room = 8 - read.len();
            if client.read_buf(&mut (&mut read).limit(room)).await? == 0 {
                return Ok(Opening::Plain(read));
            }
        }
        gate.pass().await;
        if read.first() == Some(&HANDSHAKE) {
            return Ok(Opening::Tls(read));
        }
        let number = |at: usize| u32::from_be_bytes([read[at], read[at + 1], read[at + 2], read[at + 3]]);
        match number(4) {
            SSL_REQUEST => {
                gate.write(client, b"S").await?;
                return Ok(Opening::Tls(Vec::new()));
            }
            GSSENC_REQUEST => gate.write(client, b"N").await?,
            CANCEL_REQUEST => return Ok(Opening::Plain(read)),
            _ => {
                // With bytes left unread, its end would be an RST and the reason lost.
                let rest = usize::try_from(number(0)).unwrap_or(usize::MAX).saturating_sub(8);
                let mut rest = vec![0; rest.min(LARGEST)];
                client.read_exact(&mut rest).await?;
                gate.write(client, &refusal()).await?;
                client.shutdown().await?;
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the caller speaks no TLS"));
            }
        }
    }
}

/// An ErrorResponse: `invalid_authorization_specification`, as of a server that takes `hostssl` alone.
fn refusal() -> Vec<u8> {
    let fields = b"SFATAL\0VFATAL\0C28000\0Mno encryption: the mesh says `tls: true`\0\0";
    let length = u32::try_from(fields.len() + 4).unwrap_or(u32::MAX);
    [b"E", &length.to_be_bytes()[..], fields].concat()
}
