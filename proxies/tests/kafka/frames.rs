//! Frames of requests and answers, as a client and a broker of a test's own write them.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Encodable, HeaderVersion, Request};
use tokio::io::{AsyncRead, AsyncReadExt};

fn framed(head: &impl Encodable, head_version: i16, body: &impl Encodable, version: i16) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i32(0);
    head.encode(&mut bytes, head_version).unwrap();
    body.encode(&mut bytes, version).unwrap();
    let length = i32::try_from(bytes.len() - 4).unwrap();
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes.freeze()
}

/// A request's frame.
pub fn request<R: Request>(request: &R, version: i16, correlation: i32) -> Bytes {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation);
    framed(&header, R::header_version(version), request, version)
}

/// An answer's frame.
pub fn response<T: Encodable + HeaderVersion>(body: &T, version: i16, correlation: i32) -> Bytes {
    let header = ResponseHeader::default().with_correlation_id(correlation);
    framed(&header, T::header_version(version), body, version)
}

/// The next frame, its length aside.
pub async fn frame(stream: &mut (impl AsyncRead + Unpin)) -> Bytes {
    let length = stream.read_u32().await.unwrap();
    let mut bytes = vec![0; length.try_into().unwrap()];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes.into()
}
