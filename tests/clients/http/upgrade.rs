//! Java's own HTTP client, which asks each plain server for HTTP/2 (`Upgrade: h2c`), before one that agrees.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use momus_engine::activity::Quiet;
use momus_engine::event::Happening;
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Edge, Protocol, Purpose, Upstream};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::program::said;
use crate::table::{Cell, Said, judge, must_say};
use crate::tools;

/// A server that goes over to HTTP/2; it ends with what this holds.
struct Server {
    address: SocketAddr,
    _process: Child,
}

impl Server {
    async fn start() -> Self {
        let program = tokio::task::spawn_blocking(|| tools::go("h2c")).await.unwrap();
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.next_line().await.unwrap().unwrap().parse().unwrap();
        Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            _process: process,
        }
    }
}

async fn java_asks(address: SocketAddr) -> Said {
    let mut command = Command::new("java");
    command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData"]);
    command.arg(tools::programs().join("java/http/Ask.java"));
    said(command.arg(format!("http://{address}"))).await
}

/// What was recorded of the answers.
fn answers(timeline: &Timeline) -> Vec<String> {
    let answer = |happening: &Happening| match happening {
        Happening::Response {
            method, path, status, ..
        } => Some(format!("{method}:{path}:{}", status.unwrap_or_default())),
        _ => None,
    };
    timeline.look(|events| events.iter().filter_map(|event| answer(&event.happening)).collect())
}

#[tokio::test]
async fn javas_http_client_goes_over_to_http2() {
    let server = Server::start().await;
    let timeline = Timeline::new(Clock::start(), 0, "s1");
    timeline.activity().settles_in(Some(Duration::ZERO));
    let (upstream, protocol) = (Upstream::Tcp(server.address), Protocol::Http(Purpose::Calls));
    let edge = Edge::listen("shop", "billing", upstream, protocol, timeline.clone());
    let edge = edge.await.unwrap();
    let direct = java_asks(server.address).await;
    let proxied = java_asks(edge.address()).await;
    let wire = answers(&timeline);
    assert_eq!(wire.len(), 22, "{wire:?}");
    let quiet = timeline.activity().quiet();
    assert!(!matches!(quiet, Quiet::Hidden { .. }), "{quiet:?}");
    let cells = [Cell {
        client: "Java's HttpClient".to_owned(),
        feature: "h2c".to_owned(),
        direct: Some(direct),
        proxied,
        tls: None,
        wire,
    }];
    judge("HTTP", &cells);
    must_say("java-http", &cells);
}
