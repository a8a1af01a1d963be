//! Traffic of the tests: a server behind every edge, and sentences with which services use their edges.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use momus_engine::event::{Event, Happening};
use momus_engine::failure::{Failure, StepError};
use momus_engine::step;
use momus_engine::step::{BlockShape, StepDefinition, StepResult};
use momus_engine::world::World;
use momus_proxies::edges::Edges;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::sandbox::Services;

/// What happens at all happens within this time.
const SOON: Duration = Duration::from_secs(10);

/// The sentences.
pub(super) fn definitions() -> [StepDefinition; 7] {
    [
        asks(),
        will_ask(),
        is_asked(),
        answers(),
        hears_nothing(),
        is_reset(),
        dies(),
    ]
}

/// The open connection of each caller to each dependency, and why the last request on it could not be written.
#[derive(Default)]
struct Connections(HashMap<(String, String), (TcpStream, io::Result<()>)>);

step! {
    /// Sends a request on the caller's connection, which is opened where there is none.
    "{service} asks {dependency} {method} {text}", BlockShape::Nothing;
    pub fn asks(world, caller: String, dependency: String, method: String, path: String; _block) {
        let address = address(world, &caller, &dependency)?;
        let Connections(open) = world.state.get_or_default();
        let key = (caller, dependency);
        let mut stream = match open.remove(&key) {
            Some((stream, _)) => stream,
            None => TcpStream::connect(address).await.expect("the edge listens"),
        };
        let asked = ask(&mut stream, &method, &path).await;
        open.insert(key, (stream, asked));
        Ok(())
    }
}

step! {
    /// Sends a request on a connection of its own, when something has happened after this step.
    "{service} will ask {dependency} {method} {text}", BlockShape::Nothing;
    pub fn will_ask(world, caller: String, dependency: String, method: String, path: String; _block) {
        let address = address(world, &caller, &dependency)?;
        let mut bell = world.timeline.bell();
        tokio::spawn(async move {
            bell.changed().await.expect("the scenario goes on");
            let mut stream = TcpStream::connect(address).await.expect("the edge listens");
            ask(&mut stream, &method, &path).await?;
            answered(&mut stream).await
        });
        Ok(())
    }
}

step! {
    /// Waits until the edge has seen a request.
    "{dependency} is asked by {service}", BlockShape::Nothing;
    pub fn is_asked(world, dependency: String, caller: String; _block) {
        let mut bell = world.timeline.bell();
        let asked = |event: &Event| {
            let Happening::Request { caller: from, dependency: to, .. } = &event.happening else { return false };
            (from, to) == (&caller, &dependency)
        };
        while !world.timeline.look(|events| events.iter().any(asked)) {
            let rung = timeout(SOON, bell.changed()).await;
            rung.map_err(|_| Failure::failed("no request was seen"))?.expect("the timeline is there");
        }
        Ok(())
    }
}

step! {
    /// Waits for the answer on the caller's connection.
    "{dependency} answers {service} {status}", BlockShape::Nothing;
    pub fn answers(world, dependency: String, caller: String, status: u64; _block) {
        let (stream, _) = connection(world, caller, dependency)?;
        let answer = answered(stream).await;
        let answer = answer.map_err(|error| Failure::failed(format!("no answer: {error}")))?;
        same(&u64::from(answer), &status)
    }
}

step! {
    /// Nothing has come on the caller's connection.
    "{service} hears nothing from {dependency}", BlockShape::Nothing;
    pub fn hears_nothing(world, caller: String, dependency: String; _block) {
        let (stream, _) = connection(world, caller, dependency)?;
        let read = stream.try_read(&mut [0]);
        same(&read.map_err(|error| error.kind()), &Err(io::ErrorKind::WouldBlock))
    }
}

step! {
    /// The caller's connection is reset, and closed by this step.
    "{service} is reset by {dependency}", BlockShape::Nothing;
    pub fn is_reset(world, caller: String, dependency: String; _block) {
        let Connections(open) = world.state.get_or_default();
        let (mut stream, asked) = open.remove(&(caller, dependency)).expect("it was opened");
        // Whoever meets the reset first has its error: the write, or the read.
        let ended = match asked {
            Ok(()) => answered(&mut stream).await.map(drop),
            asked => asked,
        };
        same(&ended.map_err(|error| error.kind()), &Err(io::ErrorKind::ConnectionReset))
    }
}

step! {
    /// The service ends, and nobody notices.
    "{service} dies of itself", BlockShape::Nothing;
    pub fn dies(world, service: String; _block) {
        let sandbox = world.sandbox()?;
        let services = sandbox.extensions().get::<Arc<Services>>();
        services.expect("they were put in").die(&service);
        Ok(())
    }
}

fn address(world: &World, caller: &str, dependency: &str) -> Result<SocketAddr, StepError> {
    let sandbox = world.sandbox()?;
    let edges = sandbox.extensions().get::<Edges>().expect("they were put in");
    Ok(edges.get(caller, dependency).expect("there is an edge").address())
}

fn connection(
    world: &mut World,
    caller: String,
    dependency: String,
) -> Result<&mut (TcpStream, io::Result<()>), StepError> {
    let Connections(open) = world.state.get_or_default();
    let found = open.get_mut(&(caller, dependency));
    found.ok_or_else(|| Failure::failed("there is no connection"))
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> StepResult {
    if found == expected {
        return Ok(());
    }
    Err(Failure::failed(format!("{found:?} in place of {expected:?}")))
}

/// Writes a request.
pub(super) async fn ask(stream: &mut TcpStream, method: &str, path: &str) -> io::Result<()> {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).await
}

/// Reads an answer that has no body, and gives its status.
pub(super) async fn answered(stream: &mut TcpStream) -> io::Result<u16> {
    let head = timeout(SOON, head(stream)).await??;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::other(format!("no answer: {head:?}")))
}

/// Reads one head, to its empty line.
async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// A server that answers every request 200, on connections that stay open, but one of `/slow` never.
pub(super) async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                while let Ok(asked) = head(&mut stream).await {
                    if asked.contains("/slow") {
                        continue;
                    }
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                        .await?;
                }
                Ok::<_, io::Error>(())
            });
        }
    });
    address
}
