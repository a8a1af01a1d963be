//! HTTP/1.1 on an edge: exchanges are recorded while their bytes pass unmodified, and can be answered by a rule.
//!
//! A head passes whole (it is held until its last byte is there), everything else as it comes. What is not
//! HTTP/1.1, or a head larger than [`BUFFER`], passes as plain bytes from there on; so does what follows an upgrade.

mod body;
mod exchange;
mod head;

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use self::body::Body;
pub(crate) use self::exchange::Exchanges;
pub use self::exchange::next_exchange;
use self::head::Parsed;
use crate::gate::Gate;
use crate::relay::BUFFER;
use crate::rule::Rules;

/// Where a direction stands.
enum State {
    /// In a head; what is there of it so far.
    Head(Vec<u8>),
    /// In a body, which passes on or is swallowed.
    Body { body: Body, swallow: bool },
    /// Plain bytes.
    Tunnel,
}

/// Carries the requests.
pub(crate) async fn requests(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    mut gate: Gate,
    rules: watch::Receiver<Rules>,
    exchanges: &Exchanges,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut state = State::Head(Vec::new());
    loop {
        let read = reader.read(&mut buffer).await;
        gate.pass().await;
        let mut rest = &buffer[..read?];
        if rest.is_empty() {
            if let State::Head(head) = &state {
                gate.write(writer, head).await?;
            }
            return writer.shutdown().await;
        }
        while !rest.is_empty() {
            if exchanges.is_tunnel() {
                if let State::Head(head) = &state {
                    gate.write(writer, head).await?;
                }
                state = State::Tunnel;
            }
            state = match state {
                State::Tunnel => {
                    gate.write(writer, rest).await?;
                    rest = &[];
                    State::Tunnel
                }
                State::Body { mut body, swallow } => {
                    let (count, done) = body.take(rest);
                    if !swallow {
                        gate.write(writer, &rest[..count]).await?;
                    }
                    rest = &rest[count..];
                    if done {
                        State::Head(Vec::new())
                    } else {
                        State::Body { body, swallow }
                    }
                }
                State::Head(mut head) => {
                    let before = head.len();
                    head.extend_from_slice(rest);
                    match head::request(&head) {
                        Parsed::Partial if head.len() < BUFFER => {
                            rest = &[];
                            State::Head(head)
                        }
                        Parsed::Partial | Parsed::Foreign => {
                            exchanges.give_up();
                            gate.write(writer, &head).await?;
                            rest = &[];
                            State::Tunnel
                        }
                        Parsed::Head(length, request) => {
                            rest = &rest[length - before..];
                            let status = {
                                let rules = rules.borrow();
                                let mut answers = rules.answers.iter();
                                answers.find_map(|answer| answer.to(&request.method, &request.path))
                            };
                            let body = request.body;
                            exchanges.push(request, status);
                            if status.is_none() {
                                gate.write(writer, &head[..length]).await?;
                            }
                            match body {
                                Body::Empty => State::Head(Vec::new()),
                                body => State::Body {
                                    body,
                                    swallow: status.is_some(),
                                },
                            }
                        }
                    }
                }
            };
        }
    }
}

/// Carries the responses, those of the upstream and those of the rules, in the order of their requests.
pub(crate) async fn responses(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    mut gate: Gate,
    exchanges: &Exchanges,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut state = State::Head(Vec::new());
    loop {
        if give_answers(writer, &mut gate, exchanges).await? {
            return writer.shutdown().await;
        }
        let read = tokio::select! {
            biased;
            () = exchanges.answered() => continue,
            read = reader.read(&mut buffer) => read,
        };
        gate.pass().await;
        let mut rest = &buffer[..read?];
        if rest.is_empty() {
            if matches!(
                state,
                State::Body {
                    body: Body::UntilEnd,
                    ..
                }
            ) {
                exchanges.finish();
            }
            if let State::Head(head) = &state {
                gate.write(writer, head).await?;
            }
            exchanges.give_up();
            return writer.shutdown().await;
        }
        while !rest.is_empty() {
            // A rule's answer may be due between two responses that came in one piece.
            if matches!(&state, State::Head(head) if head.is_empty())
                && give_answers(writer, &mut gate, exchanges).await?
            {
                return writer.shutdown().await;
            }
            state = match state {
                State::Tunnel => {
                    gate.write(writer, rest).await?;
                    rest = &[];
                    State::Tunnel
                }
                State::Body { mut body, swallow } => {
                    let (count, done) = body.take(rest);
                    if done {
                        exchanges.finish();
                    }
                    gate.write(writer, &rest[..count]).await?;
                    rest = &rest[count..];
                    if done {
                        State::Head(Vec::new())
                    } else {
                        State::Body { body, swallow }
                    }
                }
                State::Head(mut head) => {
                    let before = head.len();
                    head.extend_from_slice(rest);
                    let parsed = match exchanges.awaited() {
                        Some(method) => head::response(&head, &method),
                        None => Parsed::Foreign,
                    };
                    match parsed {
                        Parsed::Partial if head.len() < BUFFER => {
                            rest = &[];
                            State::Head(head)
                        }
                        Parsed::Partial | Parsed::Foreign => {
                            exchanges.give_up();
                            gate.write(writer, &head).await?;
                            rest = &[];
                            State::Tunnel
                        }
                        Parsed::Head(length, response) => {
                            rest = &rest[length - before..];
                            let interim = (100..200).contains(&response.status) && !response.tunnel;
                            if !interim {
                                exchanges.answer(response.status);
                            }
                            if response.body == Body::Empty && !interim {
                                exchanges.finish();
                            }
                            if response.tunnel {
                                exchanges.give_up();
                            }
                            gate.write(writer, &head[..length]).await?;
                            match response.body {
                                _ if response.tunnel => State::Tunnel,
                                Body::Empty => State::Head(Vec::new()),
                                body => State::Body { body, swallow: false },
                            }
                        }
                    }
                }
            };
        }
    }
}

/// Writes the rules' answers whose turn it is; whether the connection ends with the last of them.
async fn give_answers(
    writer: &mut (impl AsyncWrite + Unpin),
    gate: &mut Gate,
    exchanges: &Exchanges,
) -> io::Result<bool> {
    while let Some(answer) = exchanges.take_answer() {
        gate.write(writer, &answer.bytes).await?;
        if answer.last {
            return Ok(true);
        }
    }
    Ok(false)
}
