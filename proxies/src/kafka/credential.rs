//! What proves to a broker that a connection is the run's own: SASL/PLAIN (RFC 4616) within Kafka's SaslHandshake and
//! SaslAuthenticate.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::StrBytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use super::api::{Answer, invalid};
use super::question;

/// The mechanism, as SaslHandshake names it.
const PLAIN: &str = "PLAIN";
/// The version of SaslHandshake: the first behind which SaslAuthenticate follows.
const HANDSHAKE: i16 = 1;
/// The version of SaslAuthenticate.
const AUTHENTICATE: i16 = 2;
/// The correlation id of both requests: their answers come before all others, in the order in which they were asked for.
const CORRELATION: i32 = -1;

/// What the answers are.
const ANSWER: &str = "the broker's answer to the run's credential";

/// A user of a broker and its password, which nothing that is told of it shows. A cheap handle.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    user: Arc<str>,
    password: Arc<str>,
}

impl Credential {
    /// The credential of this user. Neither may hold a NUL, which ends them on the wire.
    pub fn new(user: &str, password: &str) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
        }
    }

    /// The user's name.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The request that names the mechanism.
    pub fn handshake(&self) -> SaslHandshakeRequest {
        SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(PLAIN))
    }

    /// The request that bears the credential.
    pub fn authenticate(&self) -> SaslAuthenticateRequest {
        let message = format!("\0{}\0{}", self.user, self.password);
        SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(message))
    }

    /// Presents it on a new connection. The broker's answers are due before all others, and none of them is the client's:
    /// its requests need not wait for them, for the broker takes one after the other.
    ///
    /// # Errors
    /// Of the connection.
    pub(super) async fn present(
        &self,
        broker: &mut (impl AsyncWrite + Unpin),
        ask: &mpsc::Sender<Answer>,
    ) -> io::Result<()> {
        let both = [
            question::ask(&self.handshake(), HANDSHAKE, CORRELATION)?,
            question::ask(&self.authenticate(), AUTHENTICATE, CORRELATION)?,
        ];
        let own = self.clone();
        let answers = [
            Answer::Broker(CORRELATION, Box::new(|_, frame| agreed(frame).map(Into::into))),
            Answer::Broker(
                CORRELATION,
                Box::new(move |_, frame| own.accepted(frame).map(Into::into)),
            ),
        ];
        for answer in answers {
            // Somebody takes it: the connection has only begun.
            drop(ask.send(answer).await);
        }
        broker.write_all(&both.concat()).await?;
        broker.flush().await
    }

    /// The broker takes the credential: the client is told nothing.
    fn accepted(&self, frame: Bytes) -> io::Result<Bytes> {
        let answer: SaslAuthenticateResponse = question::answer(&frame, AUTHENTICATE, ANSWER)?;
        let Some(error) = ResponseError::try_from_code(answer.error_code) else {
            return Ok(Bytes::new());
        };
        let reason = match answer.error_message {
            Some(text) => text.replace(&*self.password, "***"),
            None => error.to_string(),
        };
        Err(invalid(format!("the broker refused the run's credential: {reason}")))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// The broker knows the mechanism: the client is told nothing.
fn agreed(frame: Bytes) -> io::Result<Bytes> {
    let answer: SaslHandshakeResponse = question::answer(&frame, HANDSHAKE, ANSWER)?;
    match ResponseError::try_from_code(answer.error_code) {
        None => Ok(Bytes::new()),
        Some(error) => Err(invalid(format!(
            "the broker does not ask for the run's credential: {error}"
        ))),
    }
}
