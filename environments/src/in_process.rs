//! An HTTP/1.1 server that nobody reaches but this process, which hands its ways out; it ends with its handle.

use std::{error::Error, future, io};

use hyper::{Request, Response, body::Body, body::Incoming, server::conn::http1, service::Service};
use hyper_util::rt::{TokioIo, TokioTimer};
use momus_proxies::edge::Dialer;
use tokio::{
    net::UnixStream,
    sync::mpsc,
    task::{JoinHandle, JoinSet},
};

/// A server without an address, and every connection to it. Dropping it closes all of them.
#[derive(Debug)]
pub(crate) struct InProcess {
    connect: mpsc::UnboundedSender<UnixStream>,
    accepting: JoinHandle<()>,
}

impl InProcess {
    /// Answers every request of every connection by `service`.
    pub(crate) fn serve<S, B>(service: S) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (connect, mut connected) = mpsc::unbounded_channel();
        let accepting = tokio::spawn(async move {
            // The set lives in this task: when the task is aborted, every connection is too.
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    Some(stream) = connected.recv() => drop(connections.spawn(answer(stream, service.clone()))),
                    Some(_) = connections.join_next() => {}
                    else => break,
                }
            }
        });
        Self { connect, accepting }
    }

    /// How to connect to it: one end of a pair of sockets each time, the other being the server's. Refused once it has ended.
    pub(crate) fn dialer(&self) -> Dialer {
        let connect = self.connect.clone();
        Dialer::new(move || {
            let pair = UnixStream::pair();
            let connected = pair.and_then(|(near, far)| match connect.send(far) {
                Ok(()) => Ok(near),
                Err(_) => Err(io::ErrorKind::ConnectionRefused.into()),
            });
            future::ready(connected)
        })
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn answer<S, B>(stream: UnixStream, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    // A client that breaks off, or speaks no HTTP, ends its own connection and nothing else.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, time::Duration};

    use bytes::Bytes;
    use http_body_util::Full;
    use hyper::service::service_fn;
    use momus_engine::timeline::{Clock, Timeline};
    use momus_proxies::edge::{Edge, Protocol, Upstream};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        Ok(Response::new(Full::from("hello")))
    }

    #[tokio::test]
    async fn dropping_it_closes_every_connection_and_refuses_others() {
        let server = InProcess::serve(service_fn(hello));
        let timeline = Timeline::new(Clock::start(), 0, "s1");
        let upstream = Upstream::Dialed(server.dialer());
        let edge = Edge::listen("shop", "bank", upstream, Protocol::Tcp, timeline.clone());
        let edge = edge.await.unwrap();
        let mut idle = TcpStream::connect(edge.address()).await.unwrap();
        let mut used = TcpStream::connect(edge.address()).await.unwrap();
        used.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut head = [0; 15];
        used.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");

        drop(server);

        tokio::time::timeout(Duration::from_secs(5), async {
            let mut rest = Vec::new();
            // Either an end or a reset: the connection is gone.
            let _ = used.read_to_end(&mut rest).await;
            let _ = idle.read_to_end(&mut rest).await;
            let mut late = TcpStream::connect(edge.address()).await.unwrap();
            assert!(late.read_to_end(&mut rest).await.is_err(), "refused is reset");
        })
        .await
        .expect("the connections end with the server");
        let told = format!("{:?}", timeline.snapshot());
        assert!(told.contains("refused: connection refused"), "{told}");
    }
}
