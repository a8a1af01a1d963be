//! A connection that its server takes over from HTTP/1.1 to HTTP/2 (`Upgrade: h2c`, RFC 7540, section 3.2).

use momus_engine::activity::Quiet;
use momus_proxies::edge::Purpose;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::peers::{Bench, SOON};

const SETTINGS: u8 = 4;
const HEADERS: u8 = 1;
/// Both of a header block's flags: it ends, and so does its stream.
const WHOLE: u8 = 5;
const AGREES: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

fn asks(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: b\r\nConnection: Upgrade, HTTP2-Settings\r\n{more}\r\n")
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// What a client says first within HTTP/2.
fn preface() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &[])].concat()
}

fn get(path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).unwrap();
    [&[0x82, 0x86, 0x44, length], path.as_bytes()].concat()
}

async fn says(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) {
    from.write_all(bytes).await.unwrap();
    hears(to, bytes).await;
}

async fn hears(end: &mut TcpStream, bytes: &[u8]) {
    let mut came = vec![0; bytes.len()];
    timeout(SOON, end.read_exact(&mut came)).await.unwrap().unwrap();
    assert_eq!(came, bytes, "{}", came.escape_ascii());
}

async fn connected() -> (Bench, TcpStream, TcpStream) {
    let (listener, bench) = Bench::before_a_listener(Purpose::Calls).await;
    let client = TcpStream::connect(bench.edge.address()).await.unwrap();
    let (server, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
    (bench, client, server)
}

#[tokio::test]
async fn stream_1_answers_the_request_that_asked_and_the_next_may_be_answered_by_a_rule() {
    let (bench, mut client, mut server) = connected().await;
    let (_rule, strikes) = bench.answer("GET", "/struck", 1, false);
    let asks = asks("/first", "Upgrade: h2c\r\nHTTP2-Settings: AAEAAABk\r\n");
    says(&mut client, &mut server, asks.as_bytes()).await;
    says(&mut server, &mut client, AGREES.as_bytes()).await;
    says(&mut server, &mut client, &frame(SETTINGS, 0, 0, &[])).await;
    says(&mut client, &mut server, &preface()).await;
    assert_eq!(bench.exchanges(), ["? GET /first -"]);
    client
        .write_all(&frame(HEADERS, WHOLE, 3, &get("/struck")))
        .await
        .unwrap();
    // The client's settings came with its request, and made the server's table smaller.
    let block = b"\x3f\x45\x10\x07:status\x03503\x10\x0econtent-length\x010";
    hears(&mut client, &frame(HEADERS, WHOLE, 3, block)).await;
    assert_eq!(strikes.count(), 1);
    says(&mut server, &mut client, &frame(HEADERS, WHOLE, 1, b"\x88")).await;
    bench.is_over().await;
    let expected = [
        "? GET /first -",
        "? GET /struck -",
        "503 GET /struck -",
        "200 GET /first -",
    ];
    assert_eq!(bench.exchanges(), expected);
    assert!(!matches!(bench.activity().quiet(), Quiet::Hidden { .. }));
}

/// A server that agrees to what nobody asked for, or to something else, speaks what nobody understands; so does a client
/// that goes on in something else than what it asked for.
#[tokio::test]
async fn what_is_no_such_upgrade_passes_as_bytes_and_is_hidden() {
    let (h2c, other) = ("Upgrade: h2c\r\nHTTP2-Settings: \r\n", "Upgrade: websocket\r\n");
    let websocket = AGREES.replace("h2c", "websocket");
    for (asked, agreed, status) in [
        (h2c, websocket.as_str(), "101"),
        (other, AGREES, "101"),
        (other, &websocket, "101"),
        (h2c, AGREES, "None"),
    ] {
        let (bench, mut client, mut server) = connected().await;
        says(&mut client, &mut server, asks("/first", asked).as_bytes()).await;
        says(&mut server, &mut client, agreed.as_bytes()).await;
        says(&mut client, &mut server, b"\x81\x05hello").await;
        says(&mut server, &mut client, b"\x81\x05hello").await;
        assert!(
            matches!(bench.activity().quiet(), Quiet::Hidden { .. }),
            "{asked} {agreed}"
        );
        let answered = format!("{status} GET /first -");
        assert_eq!(bench.exchanges(), ["? GET /first -", &answered], "{asked} {agreed}");
    }
}
