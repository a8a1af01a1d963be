//! What HTTP/1.1 allows beyond a request and its answer passes an HTTP edge unharmed, and unread-ahead.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::net::SocketAddr;
use std::time::Duration;

use momus_engine::event::{Event, Happening};
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Edge, Protocol, Purpose, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);
/// A body's size.
const LARGE: u64 = 1 << 30;

/// A server, and an edge before it.
struct Bench {
    listener: TcpListener,
    edge: Edge,
    timeline: Timeline,
}

impl Bench {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let timeline = Timeline::new(Clock::start(), 0, "s1");
        let upstream = Upstream::Tcp(listener.local_addr().unwrap());
        let protocol = Protocol::Http(Purpose::Calls);
        let edge = Edge::listen("shop", "billing", upstream, protocol, timeline.clone());
        Self {
            edge: edge.await.unwrap(),
            listener,
            timeline,
        }
    }

    /// To the server itself, and through the edge.
    fn ways(&self) -> [SocketAddr; 2] {
        [self.listener.local_addr().unwrap(), self.edge.address()]
    }

    async fn both(&self, way: SocketAddr) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(way).await.unwrap();
        let (server, _) = timeout(SOON, self.listener.accept()).await.unwrap().unwrap();
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        (client, server)
    }

    /// The answers that were recorded: `METHOD PATH STATUS`.
    fn answers(&self) -> Vec<String> {
        let told = |event: &Event| match &event.happening {
            Happening::Response {
                method, path, status, ..
            } => Some(format!("{method} {path} {status:?}")),
            _ => None,
        };
        self.timeline
            .look(|events: &[Event]| events.iter().filter_map(told).collect())
    }
}

async fn pass(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) {
    from.write_all(bytes).await.unwrap();
    let mut came = vec![0; bytes.len()];
    timeout(SOON, to.read_exact(&mut came)).await.unwrap().unwrap();
    assert!(came == bytes, "{} bytes came otherwise", bytes.len());
}

async fn end(from: &mut TcpStream, to: &mut TcpStream) {
    from.shutdown().await.unwrap();
    assert_eq!(timeout(SOON, to.read(&mut [0])).await.unwrap().unwrap(), 0);
}

/// A frame of a WebSocket (RFC 6455, section 5.2), masked where a client sends it.
fn frame(content: &[u8], masked: bool) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut frame = match u16::try_from(content.len()) {
        Ok(length @ 0..126) => vec![0x82, mask | length as u8],
        Ok(length) => [&[0x82, mask | 126][..], &length.to_be_bytes()].concat(),
        Err(_) => [&[0x82, mask | 127][..], &(content.len() as u64).to_be_bytes()].concat(),
    };
    if masked {
        frame.extend_from_slice(&[1, 2, 3, 4]);
    }
    let key = if masked { [1, 2, 3, 4] } else { [0; 4] };
    frame.extend(content.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

#[tokio::test]
async fn a_web_socket_passes_both_ways_frame_by_frame() {
    let bench = Bench::new().await;
    for way in bench.ways() {
        let (mut client, mut server) = bench.both(way).await;
        let ask = b"GET /feed HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        pass(&mut client, &mut server, ask).await;
        let switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        pass(&mut server, &mut client, switch).await;
        for number in 0..2000_usize {
            // What looks like HTTP, or like nothing.
            let content = match number % 3 {
                0 => b"GET / HTTP/1.1\r\n\r\n".to_vec(),
                1 => vec![number as u8; number],
                _ => vec![number as u8; number * 40],
            };
            pass(&mut client, &mut server, &frame(&content, true)).await;
            pass(&mut server, &mut client, &frame(&content, false)).await;
        }
        end(&mut server, &mut client).await;
        pass(&mut client, &mut server, &frame(b"still", true)).await;
        end(&mut client, &mut server).await;
    }
    assert_eq!(bench.answers(), ["GET /feed Some(101)"]);
}

#[tokio::test]
async fn chunks_trailers_and_who_waits_to_be_told_pass_as_they_are_said() {
    let bench = Bench::new().await;
    for way in bench.ways() {
        let (mut client, mut server) = bench.both(way).await;
        // Each part comes before the next is said: nothing waits for more.
        let head = b"POST /lines HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n";
        pass(&mut client, &mut server, head).await;
        pass(&mut server, &mut client, b"HTTP/1.1 100 Continue\r\n\r\n").await;
        for part in [
            &b"3;x=\"y\"\r\nabc\r\n"[..],
            b"1",
            b"0\r\n0123456789abcdef\r\n",
            b"0\r\n",
            b"X-Sum: 19\r\n",
            b"\r\n",
        ] {
            pass(&mut client, &mut server, part).await;
        }
        pass(
            &mut server,
            &mut client,
            b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
        )
        .await;
        pass(
            &mut server,
            &mut client,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        .await;
        for part in [&b"2\r\nok\r\n"[..], b"0\r\nServer-Timing: db;dur=1\r\n", b"\r\n"] {
            pass(&mut server, &mut client, part).await;
        }
        // One that is told not to go on, and asks anew on the same connection.
        let head = b"PUT /files/1 HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
        pass(&mut client, &mut server, head).await;
        pass(
            &mut server,
            &mut client,
            b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n",
        )
        .await;
        pass(&mut client, &mut server, b"hello").await;
        // An answer until the end, after its request's.
        pass(
            &mut client,
            &mut server,
            b"GET /rest HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n",
        )
        .await;
        end(&mut client, &mut server).await;
        pass(
            &mut server,
            &mut client,
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end",
        )
        .await;
        end(&mut server, &mut client).await;
    }
    let expected = ["POST /lines Some(200)", "PUT /files/1 Some(417)", "GET /rest Some(200)"];
    assert_eq!(bench.answers(), expected);
}

#[tokio::test]
async fn requests_in_one_piece_are_answered_in_one_piece() {
    let bench = Bench::new().await;
    for way in bench.ways() {
        let (mut client, mut server) = bench.both(way).await;
        let ask = |number: usize| {
            let body = "x".repeat(number * 7);
            format!(
                "POST /{number} HTTP/1.1\r\nHost: b\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        let asked: String = (0..200).map(ask).collect();
        let answer = |number: usize| match number % 3 {
            0 => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            1 => "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nfoo".to_owned(),
            _ => "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbar\r\n0\r\n\r\n".to_owned(),
        };
        let answered: String = (0..200).map(answer).collect();
        pass(&mut client, &mut server, asked.as_bytes()).await;
        pass(&mut server, &mut client, answered.as_bytes()).await;
    }
    let status = |number: usize| [204, 200, 201][number % 3];
    let expected: Vec<_> = (0..200)
        .map(|number| format!("POST /{number} Some({})", status(number)))
        .collect();
    assert_eq!(bench.answers(), expected);
}

/// The most memory that this process ever had, in bytes.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

async fn write(stream: &mut TcpStream, bytes: u64) {
    let block = vec![b'x'; 1 << 20];
    for _ in 0..bytes / block.len() as u64 {
        stream.write_all(&block).await.unwrap();
    }
}

async fn count(stream: &mut TcpStream, bytes: u64) {
    let (expected, mut block, mut seen) = (vec![b'x'; 1 << 20], vec![0; 1 << 20], 0);
    while seen < bytes {
        let count = timeout(SOON, stream.read(&mut block)).await.unwrap().unwrap();
        assert!(count > 0 && block[..count] == expected[..count], "after {seen} bytes");
        seen += count as u64;
    }
    assert_eq!(seen, bytes);
}

#[tokio::test]
async fn a_body_of_a_gigabyte_passes_either_way_in_little_memory() {
    const LITTLE: u64 = 96 << 20;
    let bench = Bench::new().await;
    let (mut client, mut server) = bench.both(bench.edge.address()).await;
    let before = most_memory();
    let head = format!("PUT /files/1 HTTP/1.1\r\nHost: b\r\nContent-Length: {LARGE}\r\n\r\n");
    pass(&mut client, &mut server, head.as_bytes()).await;
    tokio::join!(write(&mut client, LARGE), count(&mut server, LARGE));
    pass(
        &mut server,
        &mut client,
        b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    pass(&mut client, &mut server, b"GET /files/1 HTTP/1.1\r\nHost: b\r\n\r\n").await;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n");
    pass(&mut server, &mut client, head.as_bytes()).await;
    tokio::join!(write(&mut server, LARGE), count(&mut client, LARGE));
    let grown = most_memory() - before;
    assert!(grown < LITTLE, "{grown} bytes more");
    pass(&mut client, &mut server, b"GET /last HTTP/1.1\r\nHost: b\r\n\r\n").await;
    let expected = ["PUT /files/1 Some(201)", "GET /files/1 Some(200)"];
    assert_eq!(bench.answers(), expected);
}
