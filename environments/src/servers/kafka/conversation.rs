//! A conversation with the broker in its own protocol, for what librdkafka's client has no call for.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request};
use momus_proxies::kafka::Credential;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest answer that makes sense, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

/// A connection to the broker.
#[derive(Debug)]
pub struct Conversation {
    stream: TcpStream,
    asked: i32,
}

impl Conversation {
    /// Connects to the broker at this address.
    ///
    /// # Errors
    /// When it does not accept the connection.
    pub async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, asked: 0 })
    }

    /// Connects to the broker at this address, which takes only connections with this credential.
    ///
    /// # Errors
    /// When it does not accept the connection, or not the credential.
    pub async fn open_as(credential: &Credential, address: &str) -> io::Result<Self> {
        let mut broker = Self::open(address).await?;
        let mechanism = broker.ask(&credential.handshake(), 1).await?;
        let proof = match mechanism.error_code {
            0 => broker.ask(&credential.authenticate(), 2).await?.error_code,
            error => error,
        };
        match proof {
            0 => Ok(broker),
            error => {
                let text = format!("the broker refused the run's credential: {}", named(error));
                Err(io::Error::other(text))
            }
        }
    }

    /// Sends a request in this version, which the broker is known to have, and waits for its answer.
    ///
    /// # Errors
    /// When the connection ends, or something else is answered.
    pub async fn ask<R: Request>(&mut self, request: &R, version: i16) -> io::Result<R::Response> {
        self.asked += 1;
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.asked);
        let mut bytes = BytesMut::new();
        bytes.put_i32(0);
        let written = header.encode(&mut bytes, R::header_version(version));
        written
            .and_then(|()| request.encode(&mut bytes, version))
            .map_err(io::Error::other)?;
        let length = i32::try_from(bytes.len() - 4).map_err(io::Error::other)?;
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        self.stream.write_all(&bytes).await?;
        let length = self.stream.read_u32().await? as usize;
        if length > LONGEST_ANSWER {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).await?;
        let mut answer = Bytes::from(answer);
        let header = ResponseHeader::decode(&mut answer, R::Response::header_version(version));
        let header = header.map_err(io::Error::other)?;
        if header.correlation_id != self.asked {
            return Err(io::Error::other("the broker answered something else"));
        }
        R::Response::decode(&mut answer, version).map_err(io::Error::other)
    }
}

/// An error code of the protocol in words.
pub(super) fn named(code: i16) -> String {
    ResponseError::try_from_code(code).map_or_else(|| format!("error {code}"), |error| error.to_string())
}
