//! What either end of a connection is read from and written to.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// Both directions; whether what is read here is truncated shows in `own`, and `other` whether what is written is.
    pub fn split<'a>(&'a mut self, own: &'a Truncated, other: &'a Truncated) -> (Reader<'a>, Writer<'a>) {
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
                let (reader, writer) = tokio::io::split(Ending { stream, own, other });
                (Box::new(reader), Box::new(writer))
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

/// Whether what came from one end of a connection ended without its `close_notify`, so nobody knows whether that is all of it.
#[derive(Default)]
pub(crate) struct Truncated(AtomicBool);

/// Speaks TLS to its end: `close_notify` is its FIN, and so is a FIN without one, for many programs send none. What is written ends
/// as what comes from the other end does.
struct Ending<'a> {
    stream: &'a mut TlsStream<Begun>,
    own: &'a Truncated,
    other: &'a Truncated,
}

impl AsyncRead for Ending<'_> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut *self.stream).poll_read(cx, buffer) {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.own.0.store(true, Ordering::Release);
                Poll::Ready(Ok(()))
            }
            polled => polled,
        }
    }
}

impl AsyncWrite for Ending<'_> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.other.0.load(Ordering::Acquire) {
            return Pin::new(&mut *self.stream).poll_shutdown(cx);
        }
        std::task::ready!(Pin::new(&mut *self.stream).poll_flush(cx))?;
        let stream = match &mut *self.stream {
            TlsStream::Client(stream) => stream.get_mut().0,
            TlsStream::Server(stream) => stream.get_mut().0,
        };
        Pin::new(stream).poll_shutdown(cx)
    }
}
