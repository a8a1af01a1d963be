//! A connection: requests one way, answers the other, in the order of their requests.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

use super::Namespace;
use super::api::{Answer, Answered, Asked, Before, correlation, ids, invalid};
use super::frame::Frames;
use super::handlers::handler_of;
use super::scope::Scope;
use super::versions;
use crate::edge::Wire;
use crate::gate::Gate;

/// How many requests may wait for their answers; further ones stay with the client.
const IN_FLIGHT: usize = 4096;

/// Carries a connection to its end: a FIN of either side is passed on.
///
/// # Errors
/// Of either end, or when something comes that is not understood.
pub(crate) async fn carry(
    wire: &Arc<Wire>,
    namespace: &Namespace,
    (from_client, to_client): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    (from_broker, mut to_broker): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    gate: Gate,
) -> io::Result<()> {
    let scope = Scope::new(wire, namespace);
    let (ask, asked) = mpsc::channel(IN_FLIGHT);
    if let Some(credential) = &namespace.credential {
        credential.present(&mut to_broker, &ask).await?;
    }
    tokio::try_join!(
        requests(&scope, from_client, to_broker, ask, gate.clone()),
        answers(&scope, from_broker, to_client, asked, gate)
    )?;
    Ok(())
}

async fn requests(
    scope: &Scope,
    reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    ask: mpsc::Sender<Answer>,
    mut gate: Gate,
) -> io::Result<()> {
    let mut frames = Frames::new(reader);
    loop {
        let frame = frames.next().await;
        if !matches!(frame, Ok(Some(_))) {
            scope.left();
        }
        gate.pass().await;
        let Some(frame) = frame? else {
            drop(ask);
            return writer.shutdown().await;
        };
        let Asked {
            mut bytes,
            answer,
            before,
        } = rewrite(scope, frame)?;
        if let Some(Before {
            question,
            correlation,
            then,
        }) = before
        {
            let (resolve, resolved) = oneshot::channel();
            drop(ask.send(Answer::Between(correlation, then, resolve)).await);
            gate.write(&mut writer, &question).await?;
            match resolved.await {
                Ok(resolved) => bytes = Some(resolved),
                // The broker ended its side, and so does this one once its client does.
                Err(_) => continue,
            }
        }
        if let Some(answer) = answer {
            // Nobody takes it when the broker ended its side; then the write tells.
            drop(ask.send(answer).await);
        }
        if let Some(bytes) = bytes {
            gate.write(&mut writer, &bytes).await?;
        }
    }
}

fn rewrite(scope: &Scope, frame: Bytes) -> io::Result<Asked> {
    let (key, version, _) = ids(&frame)?;
    if key == versions::KEY {
        return versions::ask(scope, frame);
    }
    match handler_of(key, scope.broker()) {
        Some(handler) if (handler.versions.min..=handler.versions.max).contains(&version) => {
            (handler.ask)(scope, frame)
        }
        _ => Err(versions::unhandled(key, version)),
    }
}

async fn answers(
    scope: &Scope,
    reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    mut asked: mpsc::Receiver<Answer>,
    mut gate: Gate,
) -> io::Result<()> {
    let (mut frames, mut asking) = (Frames::new(reader), true);
    loop {
        let answer = tokio::select! {
            biased;
            answer = asked.recv(), if asking => match answer {
                Some(answer) => answer,
                None => {
                    asking = false;
                    continue;
                }
            },
            filled = frames.fill(), if frames.is_empty() => {
                gate.pass().await;
                match filled? {
                    0 => return writer.shutdown().await,
                    _ => continue,
                }
            }
            else => return Err(invalid("the broker sent something that nobody asked for")),
        };
        let id = match &answer {
            Answer::Own(_) => None,
            Answer::Broker(id, _) | Answer::Between(id, ..) => Some(*id),
        };
        let frame = match id {
            None => Bytes::new(),
            Some(id) => {
                let frame = frames.next().await;
                gate.pass().await;
                match frame? {
                    Some(frame) => from_broker(frame, id)?,
                    None => return writer.shutdown().await,
                }
            }
        };
        let Answered { bytes, under_way } = match answer {
            Answer::Own(bytes) => bytes.into(),
            Answer::Broker(_, rewrite) => rewrite(scope, frame)?,
            Answer::Between(_, then, resolve) => {
                // Nobody takes it when the client ended the connection meanwhile.
                drop(resolve.send(then(scope, frame)?));
                continue;
            }
        };
        gate.write(&mut writer, &bytes).await?;
        drop(under_way);
    }
}

/// A frame that must answer the request of this correlation id.
fn from_broker(frame: Bytes, id: i32) -> io::Result<Bytes> {
    match correlation(&frame) {
        answered if answered == id => Ok(frame),
        other => Err(invalid(format!("the broker answered request {other} before {id}"))),
    }
}
