//! A forward proxy: how a caller whose names nobody resolves reaches edges under host names that it has built in.
//!
//! CONNECT (RFC 9110, section 9.3.6) makes a way for bytes: TLS, and what is spoken within it, ends at the edge. A plain request
//! (absolute-form, RFC 9112, section 3.2.2) goes to the edge in origin-form, on a connection of its own that ends with
//! the response. Whatever no edge is for is refused.

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

use super::body::Body;
use super::head::{FIELDS, framed};
use crate::relay::BUFFER;
use crate::socket::reset;

/// How long a caller who is refused may take to read that before it is left.
const LINGER: Duration = Duration::from_secs(2);

/// After how long a connection is accepted again where the system had no room for one.
const AGAIN: Duration = Duration::from_millis(100);

/// Header fields that are a caller's and its proxy's own (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [&str; 4] = ["connection", "keep-alive", "proxy-connection", "proxy-authorization"];

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

/// A host and a port.
type Target = (String, u16);

/// What a caller asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    target: Target,
    /// The request that is to be made there; none where a way is asked for.
    request: Option<Request>,
}

/// A request as the edge is to get it.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    head: Vec<u8>,
    body: Body,
}

/// What is asked for, and the length of its head; nothing while the end of that is still to come.
fn asked(bytes: &[u8]) -> Result<Option<(usize, Asked)>, &'static str> {
    const FOREIGN: &str = "this is a forward proxy, which speaks HTTP/1.1";
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(length) = request.parse(bytes).map_err(|_| FOREIGN)? else {
        return Ok(None);
    };
    let (method, form) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    if method == "CONNECT" {
        let target = authority(form, None).ok_or("CONNECT asks for `HOST:PORT`")?;
        return Ok(Some((length, Asked { target, request: None })));
    }
    let absolute = form.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://"));
    let rest = absolute.and(form.get(7..));
    let rest = rest.ok_or("this is a forward proxy: ask for `http://HOST/PATH`, or for a way by CONNECT")?;
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let target = authority(host, Some(80)).ok_or("the request names no host")?;
    let body = framed(request.headers).map_err(|_| "nothing tells where the body of the request ends")?;
    let slash = if path.starts_with('/') { "" } else { "/" };
    let version = request.version.unwrap_or(1);
    let mut head = format!("{method} {slash}{path} HTTP/1.{version}\r\nHost: {host}\r\n").into_bytes();
    for field in &*request.headers {
        let is = |name: &&str| field.name.eq_ignore_ascii_case(name);
        if !is(&"host") && !HOP_BY_HOP.iter().any(is) {
            head.extend_from_slice(&[field.name.as_bytes(), b": ", field.value, b"\r\n"].concat());
        }
    }
    head.extend_from_slice(b"Connection: close\r\n\r\n");
    let body = body.unwrap_or(Body::Empty);
    let request = Some(Request { head, body });
    Ok(Some((length, Asked { target, request })))
}

/// A host, and its port or the one that is meant without.
fn authority(text: &str, otherwise: Option<u16>) -> Option<Target> {
    let bare = |host: &str| host.trim_matches(['[', ']']).to_owned();
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (text, otherwise?),
    };
    (!host.is_empty()).then(|| (bare(host), port))
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
        failed = asks => failed,
        answered = answers => answered,
    }
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

    fn target(text: &str) -> Option<Target> {
        asked(text.as_bytes()).ok()?.map(|(_, asked)| asked.target)
    }

    fn at(host: &str, port: u16) -> Option<Target> {
        Some((host.to_owned(), port))
    }

    #[test]
    fn a_way_is_asked_for_by_host_and_port() {
        assert_eq!(target("CONNECT api.bank:443 HTTP/1.1\r\n\r\n"), at("api.bank", 443));
        assert_eq!(target("CONNECT [::1]:443 HTTP/1.1\r\n\r\n"), at("::1", 443));
        for wrong in ["api.bank", ":443", "api.bank:https", "api.bank:65536"] {
            assert_eq!(target(&format!("CONNECT {wrong} HTTP/1.1\r\n\r\n")), None, "{wrong}");
        }
    }

    #[test]
    fn a_request_is_passed_on_as_a_server_gets_it() {
        let text = "POST http://me:secret@API.bank:8080?a=1 HTTP/1.1\r\nHost: other\r\nProxy-Connection: keep-alive\r\n\
                    Proxy-Authorization: Basic eA==\r\nConnection: keep-alive\r\nX-Own: 1\r\nContent-Length: 3\r\n\r\nabcGET";
        let (length, asked) = asked(text.as_bytes()).unwrap().unwrap();
        assert_eq!(&text[length..], "abcGET");
        assert_eq!(Some(asked.target), at("API.bank", 8080));
        let request = asked.request.unwrap();
        assert_eq!(
            String::from_utf8(request.head).unwrap(),
            "POST /?a=1 HTTP/1.1\r\nHost: API.bank:8080\r\nX-Own: 1\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(request.body, Body::Length(3));
        assert_eq!(target("GET HTTP://api.bank/a HTTP/1.1\r\n\r\n"), at("api.bank", 80));
        assert_eq!(target("GET http://[::1]/a HTTP/1.1\r\n\r\n"), at("::1", 80));
    }

    #[test]
    fn what_is_asked_of_no_proxy_is_not_understood() {
        for wrong in [
            "GET /a HTTP/1.1\r\n\r\n",
            "GET https://api.bank/a HTTP/1.1\r\n\r\n",
            "GET http:///a HTTP/1.1\r\n\r\n",
            "POST http://api.bank/ HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            "\u{16}\u{3}\u{1}\u{0}",
        ] {
            assert!(asked(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
        assert_eq!(asked(b"GET http://api.bank/a HTTP/1.1\r\nHo"), Ok(None));
    }

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
