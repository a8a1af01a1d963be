//! The plain relay: bytes as they come, each direction ended by its own FIN.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::gate::Gate;

/// How much of one direction is held at most, in bytes; the rest stays with its sender (backpressure).
pub(crate) const BUFFER: usize = 64 * 1024;

/// Carries one direction until its FIN, which is passed on.
///
/// # Errors
/// The reset (or other error) of either end, not before a cut lets it pass.
pub(crate) async fn pump(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    mut gate: Gate,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = reader.read(&mut buffer).await;
        gate.pass().await;
        match read? {
            0 => return writer.shutdown().await,
            count => gate.write(writer, &buffer[..count]).await?,
        }
    }
}
