//! A forward proxy: how a caller whose names nobody resolves reaches edges under host names that it has built in.
//!
//! CONNECT (RFC 9110, section 9.3.6) makes a way for bytes: TLS, and what is spoken within it, ends at the edge. A plain request
//! (absolute-form, RFC 9112, section 3.2.2) goes to the edge in origin-form, on a connection of its own that ends with
//! the response. Whatever no edge is for is refused.

mod asked;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional_with_sizes};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::asked::passes_on_what_it_reads;
use self::asked::{Asked, Request, Target, asked};
use super::body::Body;
use crate::relay::BUFFER;
use crate::socket::reset;

/// How long a caller who is refused may take to read that before it is left.
const LINGER: Duration = Duration::from_secs(2);

/// After how long a connection is accepted again where the system had no room for one.
const AGAIN: Duration = Duration::from_millis(100);

/// Where edges listen, by host name and port.
#[derive(Debug, Default)]
pub struct Ways(BTreeMap<(String, u16), SocketAddr>);

impl Ways {
    /// Adds a way, unless there is one already.
    pub fn add(&mut self, host: &str, port: u16, edge: SocketAddr) {
        self.0.entry((named(host), port)).or_insert(edge);
    }

    fn to(&self, (host, port): &Target) -> Option<SocketAddr> {
        self.0.get(&(named(host), *port)).copied()
    }
}

/// A host name as it is compared.
fn named(host: &str) -> String {
    host.trim_end_matches('.').to_lowercase()
}

/// A proxy of one caller. Dropping it ends it, and its connections.
#[derive(Debug)]
pub struct ForwardProxy {
    address: SocketAddr,
    serving: AbortHandle,
}

impl ForwardProxy {
    /// Listens on a loopback port of the system's choice; `beyond` is told of each try to reach what there is no way to, as
    /// `HOST:PORT`.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn listen(ways: Ways, beyond: impl Fn(&str) + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(accept(listener, Arc::new(ways), Arc::new(beyond))).abort_handle();
        Ok(Self { address, serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for ForwardProxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn accept<B: Fn(&str) + Send + Sync + 'static>(listener: TcpListener, ways: Arc<Ways>, beyond: Arc<B>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    let (ways, beyond) = (Arc::clone(&ways), Arc::clone(&beyond));
                    connections.spawn(async move { serve(client, &ways, &*beyond).await });
                }
                Err(_) => sleep_until(Instant::now() + AGAIN).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection to its end; a reset of either end is the other's.
async fn serve(mut client: TcpStream, ways: &Ways, beyond: &impl Fn(&str)) {
    drop(client.set_nodelay(true));
    let (asked, rest) = match ask(&mut client).await {
        Ok(Some((Ok(asked), rest))) => (asked, rest),
        Ok(Some((Err(why), _))) => return refuse(&mut client, "400 Bad Request", why).await,
        Ok(None) | Err(_) => return,
    };
    let (host, port) = &asked.target;
    let to = format!("{host}:{port}");
    let Some(edge) = ways.to(&asked.target) else {
        beyond(&to);
        let why = format!(
            "no edge leads to {to}; hint: `also_at` of the service in the mesh says where it finds what it depends on"
        );
        return refuse(&mut client, "403 Forbidden", &why).await;
    };
    let mut upstream = match TcpStream::connect(edge).await {
        Ok(upstream) => upstream,
        Err(error) => return refuse(&mut client, "502 Bad Gateway", &format!("the edge to {to}: {error}")).await,
    };
    drop(upstream.set_nodelay(true));
    let carried = match asked.request {
        None => tunnel(&mut client, &mut upstream, &rest).await,
        Some(request) => exchange(&mut client, &mut upstream, request, &rest).await,
    };
    if carried.is_err() {
        reset(&client);
        reset(&upstream);
    }
}

/// Reads what a caller asks for, or why that cannot be understood, with what was read beyond; nothing from one who left.
async fn ask(client: &mut TcpStream) -> io::Result<Option<(Result<Asked, &'static str>, Vec<u8>)>> {
    let mut read = Vec::new();
    loop {
        if client.read_buf(&mut read).await? == 0 {
            return Ok(None);
        }
        match asked(&read) {
            Ok(Some((length, asked))) => return Ok(Some((Ok(asked), read.split_off(length)))),
            Ok(None) if read.len() < BUFFER => {}
            Ok(None) => return Ok(Some((Err("the head of the request is too large"), Vec::new()))),
            Err(why) => return Ok(Some((Err(why), Vec::new()))),
        }
    }
}

/// Answers in place of whoever was asked for.
async fn refuse(client: &mut TcpStream, status: &str, why: &str) {
    let length = why.len() + 1;
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{why}\n"
    );
    let answered = async {
        client.write_all(answer.as_bytes()).await?;
        client.shutdown().await?;
        // With bytes left unread, its end would be an RST and the reason lost.
        copy(client, &mut tokio::io::sink()).await
    };
    drop(timeout(LINGER, answered).await);
}

/// Carries bytes both ways.
async fn tunnel(client: &mut TcpStream, upstream: &mut TcpStream, rest: &[u8]) -> io::Result<()> {
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    upstream.write_all(rest).await?;
    copy_bidirectional_with_sizes(client, upstream, BUFFER, BUFFER).await?;
    Ok(())
}

/// Carries a request and its response, with which both connections end.
async fn exchange(client: &mut TcpStream, upstream: &mut TcpStream, request: Request, rest: &[u8]) -> io::Result<()> {
    let (from_client, mut to_client) = client.split();
    let (mut from_upstream, to_upstream) = upstream.split();
    let asks = async {
        send(request, rest, from_client, to_upstream).await?;
        std::future::pending().await
    };
    let answers = async {
        copy(&mut from_upstream, &mut to_client).await?;
        to_client.shutdown().await
    };
    tokio::select! {
        failed = asks => return failed,
        answered = answers => answered?,
    }
    // As with a refusal: an answer that came early is not to be lost.
    drop(timeout(LINGER, copy(client, &mut tokio::io::sink())).await);
    Ok(())
}

/// Sends a request, and the end of its caller; what the caller sends behind it is asked of a connection that ends.
async fn send(
    Request { head, mut body }: Request,
    rest: &[u8],
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
) -> io::Result<()> {
    to.write_all(&head).await?;
    let (mut buffer, mut read) = (vec![0; BUFFER], rest.to_vec());
    let mut done = body == Body::Empty;
    loop {
        if !done {
            let (count, ended) = body.take(&read, |_| {});
            to.write_all(&read[..count]).await?;
            done = ended;
        }
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        read.clear();
        read.extend_from_slice(&buffer[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_found_however_it_is_written() {
        let mut ways = Ways::default();
        let [one, other] = [1, 2].map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        ways.add("API.bank", 443, one);
        ways.add("api.bank", 443, other);
        let to = |host: &str, port| ways.to(&(host.to_owned(), port));
        assert_eq!(to("api.BANK.", 443), Some(one));
        assert_eq!((to("api.bank", 80), to("bank", 443)), (None, None));
    }
}
