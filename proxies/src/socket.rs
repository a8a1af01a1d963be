//! What either end of a connection is read from and written to.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

/// One end of a connection.
pub(crate) enum Socket {
    Tcp(TcpStream),
    /// Some of what came is read already.
    Begun(Begun),
    Unix(UnixStream),
    Tls(Box<TlsStream<Begun>>),
}

/// What an end is read from.
pub(crate) type Reader<'a> = Box<dyn AsyncRead + Send + Unpin + 'a>;
/// What an end is written to.
pub(crate) type Writer<'a> = Box<dyn AsyncWrite + Send + Unpin + 'a>;

impl Socket {
    /// Both directions.
    pub fn split(&mut self) -> (Reader<'_>, Writer<'_>) {
        match self {
            Self::Tcp(stream) => {
                let (reader, writer) = stream.split();
                (Box::new(reader), Box::new(writer))
            }
            Self::Unix(stream) => {
                let (reader, writer) = stream.split();
                (Box::new(reader), Box::new(writer))
            }
            Self::Begun(stream) => {
                let (reader, writer) = tokio::io::split(stream);
                (Box::new(reader), Box::new(writer))
            }
            Self::Tls(stream) => {
                let (reader, writer) = tokio::io::split(&mut **stream);
                (Box::new(Ended(reader)), Box::new(writer))
            }
        }
    }

    /// Has it end with RST in place of FIN when it is dropped.
    pub fn reset(&self) {
        match self {
            Self::Tcp(stream) => reset(stream),
            Self::Begun(begun) => reset(&begun.stream),
            Self::Tls(tls) => reset(&tls.get_ref().0.stream),
            Self::Unix(_) => {}
        }
    }
}

/// Has the stream end with RST in place of FIN when it is dropped.
pub(crate) fn reset(stream: &TcpStream) {
    // Fails only on a socket that is gone, and then there is nobody to tell.
    drop(stream.set_zero_linger());
}

/// A stream some of whose first bytes are read already.
pub(crate) struct Begun {
    pub read: Vec<u8>,
    pub stream: TcpStream,
}

impl From<TcpStream> for Begun {
    fn from(stream: TcpStream) -> Self {
        Self {
            read: Vec::new(),
            stream,
        }
    }
}

impl AsyncRead for Begun {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let count = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read[..count]);
        self.read.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Begun {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Reads TLS: `close_notify` is its FIN, and so is a FIN without one, for many programs send none.
struct Ended<R>(R);

impl<R: AsyncRead + Unpin> AsyncRead for Ended<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.0).poll_read(cx, buffer) {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            polled => polled,
        }
    }
}
