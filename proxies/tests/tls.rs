//! Edges at which TLS ends, with clients that nobody here wrote.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use momus_engine::event::Happening;
use momus_engine::injection::Strikes;
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Databases, Edge, Protocol, Purpose, Upstream};
use momus_proxies::rule::Answer;
use momus_proxies::tls::{Authority, Roots, TlsUpstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);
const NODE: &str = "require('https').get(process.argv[1], it => { it.setEncoding('utf8'); it.on('data', text => process.stdout.write(text)) })";
const PYTHON: &str = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode(), end='')";

/// A server that answers every connection's one request with `hello`, and the ways to it.
struct Bench {
    authority: Authority,
    timeline: Timeline,
    ca: PathBuf,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let authority = Authority::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, authority.pem()).unwrap();
        Self {
            authority,
            timeline: Timeline::new(Clock::start(), 0, "s1"),
            ca,
            _folder: folder,
        }
    }

    async fn edge(&self, upstream: Upstream, protocol: Protocol) -> Edge {
        let identity = self.authority.identity(&["billing".to_owned()]).unwrap();
        let listened = Edge::listen_tls("shop", "billing", upstream, protocol, &identity, self.timeline.clone());
        listened.await.unwrap()
    }

    /// The responses that were recorded, and what became of connections.
    fn seen(&self) -> Vec<String> {
        let told = |events: &[momus_engine::event::Event]| {
            let lines = events.iter().filter_map(|event| match &event.happening {
                Happening::Response {
                    method, path, status, ..
                } => Some(format!("{method} {path} {status:?}")),
                Happening::Connection { what, .. } => Some(what.clone()),
                _ => None,
            });
            lines.collect()
        };
        self.timeline.look(told)
    }
}

async fn hello() -> Upstream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    if !matches!(stream.read_buf(&mut head).await, Ok(1..)) {
                        return;
                    }
                }
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
                stream.write_all(answer).await.unwrap();
            });
        }
    });
    Upstream::Tcp(address)
}

async fn run(program: &str, arguments: &[&str], ca: &Path) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env("PGCONNECT_TIMEOUT", "10");
    for name in ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
        command.env(name, ca);
    }
    timeout(SOON, command.output()).await.unwrap().unwrap()
}

fn text(output: &Output) -> String {
    let told = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(told).unwrap()
}

#[tokio::test]
async fn tls_ends_at_the_address_of_each_node() {
    let bench = Bench::new();
    let mut nodes = Vec::new();
    for _ in 0..3 {
        let Upstream::Tcp(address) = hello().await else {
            unreachable!("it listens on a port")
        };
        nodes.push(address);
    }
    let edge = bench.edge(Upstream::Nodes(nodes), Protocol::Http(Purpose::Calls)).await;
    assert_eq!(edge.addresses().count(), 3);
    for address in edge.addresses() {
        let output = run("curl", &["-sS", &format!("https://{address}/")], &bench.ca).await;
        assert_eq!(text(&output), "hello", "{address}");
    }
    let answered = bench.seen();
    let answered = answered.iter().filter(|line| *line == "GET / Some(200)");
    assert_eq!(answered.count(), 3);
}

#[tokio::test]
async fn curl_python_and_node_trust_the_edge_and_are_recorded() {
    let bench = Bench::new();
    let edge = bench.edge(hello().await, Protocol::Http(Purpose::Calls)).await;
    let port = edge.address().port();
    for (program, before, host) in [
        ("curl", vec!["-sS"], "localhost"),
        ("curl", vec!["-sS", "--http2"], "127.0.0.1"),
        ("python3", vec!["-c", PYTHON], "127.0.0.1"),
        ("node", vec!["-e", NODE], "localhost"),
    ] {
        let url = format!("https://{host}:{port}/{program}");
        let output = run(program, &[&before[..], &[&url]].concat(), &bench.ca).await;
        assert_eq!(text(&output), "hello", "{program}");
        let line = format!("GET /{program} Some(200)");
        assert!(bench.seen().contains(&line), "{:?}", bench.seen());
    }
}

#[tokio::test]
async fn who_does_not_trust_the_ca_is_told_on_the_timeline() {
    let bench = Bench::new();
    let edge = bench.edge(hello().await, Protocol::Http(Purpose::Calls)).await;
    let stranger = bench.ca.with_file_name("stranger.pem");
    std::fs::write(&stranger, Authority::new().unwrap().pem()).unwrap();
    let url = format!("https://{}/", edge.address());
    let output = run("curl", &["-sS", &url], &stranger).await;
    assert_eq!(output.status.code(), Some(60), "{}", text(&output));
    let refused = || {
        bench
            .seen()
            .into_iter()
            .any(|line| line.starts_with("refused: no TLS: "))
    };
    let mut bell = bench.timeline.bell();
    while !refused() {
        timeout(SOON, bell.changed()).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn faults_strike_within_tls() {
    let bench = Bench::new();
    let edge = bench.edge(hello().await, Protocol::Http(Purpose::Calls)).await;
    let url = format!("https://{}/invoices", edge.address());
    let answer = Answer {
        method: "GET".into(),
        path: "/invoices".into(),
        first: 1,
        status: 503,
        partner: false,
    };
    let strikes = Strikes::new("answer", bench.timeline.clone());
    let rule = edge.answer(answer, strikes.clone());
    let output = run("curl", &["-sS", "-w", "%{http_code}", &url], &bench.ca).await;
    assert_eq!((text(&output).as_str(), strikes.count()), ("503", 1));
    rule.heal();

    let strikes = Strikes::new("refusal", bench.timeline.clone());
    let rule = edge.refuse(strikes.clone());
    let output = run("curl", &["-sS", &url], &bench.ca).await;
    // The reset comes before or after curl has noticed that it is connected.
    assert!(matches!(output.status.code(), Some(7 | 35)), "{}", text(&output));
    assert_eq!(strikes.count(), 1);
    // A caller in the midst of the handshake is reset too.
    rule.heal();
    let mut silent = TcpStream::connect(edge.address()).await.unwrap();
    let mut bell = bench.timeline.bell();
    let opened = || bench.seen().iter().filter(|line| *line == "opened").count();
    while opened() < 2 {
        timeout(SOON, bell.changed()).await.unwrap().unwrap();
    }
    let rule = edge.refuse(strikes.clone());
    let ended = timeout(SOON, silent.read_u8()).await.unwrap().unwrap_err();
    assert_eq!(ended.kind(), std::io::ErrorKind::ConnectionReset);
    rule.heal();

    let strikes = Strikes::new("cut", bench.timeline.clone());
    let rule = edge.cut(strikes.clone());
    let output = run("curl", &["-sS", "-m", "1", &url], &bench.ca).await;
    assert_eq!((output.status.code(), strikes.count()), (Some(28), 1));
    rule.heal();
    assert_eq!(text(&run("curl", &["-sS", &url], &bench.ca).await), "hello");
}

#[tokio::test]
async fn an_upstream_that_speaks_tls_is_spoken_tls_to() {
    let bench = Bench::new();
    let inner = bench.edge(hello().await, Protocol::Http(Purpose::Calls)).await;
    let upstream = |name: &str, authority: &Authority| {
        Upstream::Tls(TlsUpstream {
            address: inner.address(),
            name: name.into(),
            roots: Roots::Only(authority.der().to_vec()),
        })
    };
    let good = bench
        .edge(upstream("billing", &bench.authority), Protocol::Http(Purpose::Calls))
        .await;
    let url = format!("https://{}/", good.address());
    assert_eq!(text(&run("curl", &["-sS", &url], &bench.ca).await), "hello");
    for bad in [
        upstream("bank", &bench.authority),
        upstream("billing", &Authority::new().unwrap()),
    ] {
        let edge = bench.edge(bad, Protocol::Http(Purpose::Calls)).await;
        let url = format!("https://{}/", edge.address());
        let code = run("curl", &["-sS", &url], &bench.ca).await.status.code();
        assert!(matches!(code, Some(7 | 35)), "{code:?}");
        assert!(
            bench
                .seen()
                .iter()
                .any(|line| line.contains("invalid peer certificate")),
            "{:?}",
            bench.seen()
        );
    }
}

#[tokio::test]
async fn an_end_of_tls_is_passed_on_as_an_end_and_the_other_direction_goes_on() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::Tcp(listener.local_addr().unwrap());
    let edge = bench.edge(upstream, Protocol::Tcp).await;
    let script = "import socket, ssl, sys
context = ssl.create_default_context()
raw = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(incoming, outgoing, server_hostname='localhost')
def step(act):
    while True:
        try:
            done = act()
            raw.sendall(outgoing.read())
            return done
        except ssl.SSLWantReadError:
            raw.sendall(outgoing.read())
            incoming.write(raw.recv(65536))
step(tls.do_handshake)
tls.write(b'question')
try:
    tls.unwrap()
except ssl.SSLWantReadError:
    pass
raw.sendall(outgoing.read())
raw.shutdown(socket.SHUT_WR)
while True:
    part = raw.recv(65536)
    if not part:
        break
    print(len(part) > 0)
";
    let port = edge.address().port().to_string();
    let arguments = ["-c", script, &port];
    let caller = run("python3", &arguments, &bench.ca);
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        stream.read_to_end(&mut asked).await.unwrap();
        assert_eq!(asked, b"question");
        // More than any buffer between them holds.
        stream.write_all(&vec![7; 8_000_000]).await.unwrap();
    };
    let (output, ()) = tokio::join!(caller, server);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).starts_with("True"), "{}", text(&output));
}

#[tokio::test]
async fn postgres_is_told_that_it_must_speak_tls() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::Tcp(listener.local_addr().unwrap());
    let protocol = Protocol::Postgres(Databases {
        clones: [("billing".to_owned(), "s1.billing".to_owned())].into(),
        ..Databases::default()
    });
    let edge = bench.edge(upstream, protocol).await;
    let url = |rest: &str| format!("postgres://app@{}/billing?{rest}", edge.address());
    let plain = run("psql", &[&url("sslmode=disable"), "-c", "SELECT 1"], &bench.ca).await;
    assert!(
        text(&plain).contains("no encryption: the mesh says `tls: true`"),
        "{}",
        text(&plain)
    );
    let verified = url(&format!("sslmode=verify-full&sslrootcert={}", bench.ca.display()));
    let server = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut startup = [0; 1024];
            match stream.read(&mut startup).await.unwrap() {
                0 => {}
                count => {
                    let startup = String::from_utf8_lossy(&startup[..count]).into_owned();
                    stream
                        .write_all(b"E\0\0\0\x1dSFATAL\0C3D000\0Mno such db\0\0")
                        .await
                        .unwrap();
                    return startup;
                }
            }
        }
    };
    let arguments = [verified.as_str(), "-c", "SELECT 1"];
    let (output, startup) = tokio::join!(run("psql", &arguments, &bench.ca), server);
    assert!(startup.contains("s1.billing"), "{startup:?}");
    assert!(text(&output).contains("no such db"), "{}", text(&output));
}
