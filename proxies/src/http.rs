//! HTTP on an edge: exchanges are recorded while their bytes pass unmodified, and can be answered by a rule. HTTP/2 is spoken
//! where the client begins with its preface, or the server takes the client's offer of it ([`http2`], [`h2c`]).
//!
//! A head passes whole (it is held until its last byte is there), everything else as it comes. What is neither HTTP/1.1 nor
//! HTTP/2, or a head larger than [`BUFFER`], passes as plain bytes from there on, which stands on the timeline; so does what
//! follows an upgrade, which does not.
//!
//! A request that a rule answers has its answer once its body has come, as a server gives it that reads the whole
//! request first; a caller that asks before it sends the body (`Expect: 100-continue`) is told to go on.

mod body;
mod content;
mod exchange;
mod exchanges;
pub mod forward;
mod h2c;
mod head;
mod http2;
mod meaning;

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use self::body::Body;
use self::exchange::Answered;
pub use self::exchange::next_exchange;
pub(crate) use self::exchanges::Exchanges;
use self::head::Parsed;
use self::http2::Beginning;
pub use self::meaning::Purpose;
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
    let mut is_new = true;
    loop {
        let read = reader.read(&mut buffer).await;
        gate.pass().await;
        let mut rest = &buffer[..read?];
        if rest.is_empty() {
            match &state {
                State::Head(head) => gate.write(writer, head).await?,
                State::Body { swallow: true, .. } => exchanges.received(false),
                State::Body { .. } | State::Tunnel => {}
            }
            return writer.shutdown().await;
        }
        while !rest.is_empty() {
            // What is being swallowed is nobody's but the rule's, to its end.
            if exchanges.is_tunnel() && !matches!(state, State::Body { swallow: true, .. }) {
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
                    let (count, done) = body.take(rest, |content| {
                        if swallow {
                            exchanges.receive(content);
                        }
                    });
                    if !swallow {
                        gate.write(writer, &rest[..count]).await?;
                    } else if done {
                        exchanges.received(true);
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
                    let whole = if before == 0 {
                        rest
                    } else {
                        head.extend_from_slice(rest);
                        &head
                    };
                    let is_switched = exchanges.streams().are_switched_to();
                    if is_new || is_switched {
                        match http2::beginning(whole) {
                            Beginning::Perhaps => {
                                if before == 0 {
                                    exchanges.begins();
                                    head.extend_from_slice(rest);
                                }
                                state = State::Head(head);
                                break;
                            }
                            Beginning::Preface(length) => {
                                exchanges.is_http2();
                                let begun = whole[length..].to_vec();
                                return http2::requests(reader, writer, gate, rules, exchanges, &begun, buffer).await;
                            }
                            Beginning::Other => is_new = false,
                        }
                    }
                    let parsed = match is_switched || exchanges.streams().are_spoken_by_server() {
                        true => Parsed::Foreign,
                        false => head::request(whole),
                    };
                    match parsed {
                        Parsed::Partial if whole.len() < BUFFER => {
                            if before == 0 {
                                exchanges.begins();
                                head.extend_from_slice(rest);
                            }
                            rest = &[];
                            State::Head(head)
                        }
                        Parsed::Partial | Parsed::Foreign => {
                            exchanges.is_foreign("the caller speaks no HTTP/1.1");
                            gate.write(writer, whole).await?;
                            rest = &[];
                            State::Tunnel
                        }
                        Parsed::Head(length, request) => {
                            rest = &rest[length - before..];
                            // A rule strikes under the lock, so that it never does once it is healed.
                            let answered = rules.borrow().answer(&request.method, &request.path).map(Answered::new);
                            let (mut body, swallow) = (request.body, answered.is_some());
                            exchanges.push(request, answered);
                            if swallow && body == Body::Empty {
                                exchanges.received(true);
                                State::Head(Vec::new())
                            } else if swallow {
                                State::Body { body, swallow }
                            } else {
                                // What is there of the body goes out with the head.
                                let (count, done) = body.take(rest, |_| {});
                                gate.write(writer, &whole[..length + count]).await?;
                                rest = &rest[count..];
                                if done {
                                    State::Head(Vec::new())
                                } else {
                                    State::Body { body, swallow }
                                }
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
    let mut is_new = true;
    loop {
        if is_new && exchanges.streams().are_spoken() {
            return http2::responses(reader, writer, gate, exchanges, &[], buffer).await;
        }
        if give_answers(writer, &mut gate, exchanges).await? {
            return writer.shutdown().await;
        }
        let read = tokio::select! {
            biased;
            () = exchanges.answered() => continue,
            read = reader.read(&mut buffer) => read,
        };
        gate.pass().await;
        let bytes = &buffer[..read?];
        if bytes.is_empty() {
            let until_end = matches!(
                state,
                State::Body {
                    body: Body::UntilEnd,
                    ..
                }
            );
            let over = if until_end { exchanges.finish() } else { None };
            if !until_end && answer_the_rest(writer, &mut gate, exchanges).await? {
                return writer.shutdown().await;
            }
            if let State::Head(head) = &state {
                gate.write(writer, head).await?;
            }
            exchanges.give_up();
            let ended = writer.shutdown().await;
            drop(over);
            return ended;
        }
        let streams = exchanges.streams();
        let is_unasked = || exchanges.awaited(|_| ()).is_none() && !exchanges.is_tunnel();
        if is_new && (streams.are_spoken() || is_unasked() && http2::may_be_settings(bytes)) {
            streams.is_spoken_by_server();
            let begun = bytes.to_vec();
            return http2::responses(reader, writer, gate, exchanges, &begun, buffer).await;
        }
        is_new = false;
        // What passes of what was read goes out in one piece: up to `at`, and from `sent` on it is still to go.
        let (mut at, mut sent, mut overs) = (0, 0, Vec::new());
        while at < bytes.len() {
            // A rule's answer may be due between two responses that came in one piece.
            if matches!(&state, State::Head(head) if head.is_empty()) && exchanges.answers_next() {
                gate.write(writer, &bytes[sent..at]).await?;
                sent = at;
                overs.clear();
                if give_answers(writer, &mut gate, exchanges).await? {
                    return writer.shutdown().await;
                }
            }
            let rest = &bytes[at..];
            state = match state {
                State::Tunnel => {
                    at = bytes.len();
                    State::Tunnel
                }
                State::Body { mut body, swallow } => {
                    let (count, done) = body.take(rest, |content| exchanges.hear(content));
                    overs.extend(if done { exchanges.finish() } else { None });
                    at += count;
                    if done {
                        State::Head(Vec::new())
                    } else {
                        State::Body { body, swallow }
                    }
                }
                State::Head(mut head) => {
                    let before = head.len();
                    let whole = if before == 0 {
                        rest
                    } else {
                        head.extend_from_slice(rest);
                        &head
                    };
                    let parsed = exchanges.awaited(|method| head::response(whole, method));
                    let is_awaited = parsed.is_some();
                    match parsed.unwrap_or(Parsed::Foreign) {
                        Parsed::Partial if whole.len() < BUFFER => {
                            gate.write(writer, &bytes[sent..at]).await?;
                            at = bytes.len();
                            sent = at;
                            if before == 0 {
                                head.extend_from_slice(rest);
                            }
                            State::Head(head)
                        }
                        Parsed::Partial | Parsed::Foreign => {
                            exchanges.is_foreign(match is_awaited {
                                true => "the answer is no HTTP/1.1",
                                false => "an answer came to no request",
                            });
                            gate.write(writer, &head[..before]).await?;
                            at = bytes.len();
                            State::Tunnel
                        }
                        Parsed::Head(length, response) => {
                            at += length - before;
                            if response.switches && exchanges.switches() {
                                gate.write(writer, &head[..before]).await?;
                                gate.write(writer, &bytes[sent..at]).await?;
                                drop(overs);
                                let begun = bytes[at..].to_vec();
                                return http2::responses(reader, writer, gate, exchanges, &begun, buffer).await;
                            }
                            let interim = (100..200).contains(&response.status) && !response.tunnel;
                            if !interim {
                                exchanges.answer(response.status);
                            }
                            if response.body == Body::Empty && !interim {
                                overs.extend(exchanges.finish());
                            }
                            if response.tunnel {
                                exchanges.is_upgraded();
                            }
                            gate.write(writer, &head[..before]).await?;
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
        gate.write(writer, &bytes[sent..at]).await?;
        drop(overs);
    }
}

/// Writes the rules' answers up to the next request that the upstream, which is gone, was to answer; whether the
/// connection ends with the last of them.
async fn answer_the_rest(
    writer: &mut (impl AsyncWrite + Unpin),
    gate: &mut Gate,
    exchanges: &Exchanges,
) -> io::Result<bool> {
    loop {
        if give_answers(writer, gate, exchanges).await? {
            return Ok(true);
        }
        if !exchanges.answers_next() {
            return Ok(false);
        }
        exchanges.answered().await;
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
