//! The body of a request to a stand-in.

use std::io::Read;

use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use hyper::{HeaderMap, body::Incoming, header::CONTENT_ENCODING};

/// The most that a stand-in keeps of one body, packed or unpacked, in bytes: a service that goes
/// wild must not take the run's memory with it.
pub(super) const MOST: usize = 64 << 20;

/// A body as it came.
pub(super) struct Body {
    /// Its bytes, at most [`MOST`].
    pub(super) bytes: Bytes,
    /// It had more bytes than are kept.
    pub(super) cut: bool,
}

/// Reads a body to its end, or to the most that is kept.
///
/// # Errors
/// The client broke off.
pub(super) async fn read(mut incoming: Incoming) -> Result<Body, hyper::Error> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        if let Ok(data) = frame?.into_data() {
            let room = MOST - bytes.len();
            bytes.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                return Ok(Body {
                    bytes: bytes.freeze(),
                    cut: true,
                });
            }
        }
    }
    Ok(Body {
        bytes: bytes.freeze(),
        cut: false,
    })
}

/// The body unpacked, where its `Content-Encoding` is gzip.
///
/// # Errors
/// The encoding is another, the bytes are no gzip, or they unpack to more than is kept.
pub(super) fn unpacked(headers: &HeaderMap, bytes: &Bytes) -> Result<Bytes, String> {
    match headers
        .get(CONTENT_ENCODING)
        .map(|encoding| encoding.as_bytes().to_ascii_lowercase())
    {
        None => Ok(bytes.clone()),
        Some(encoding) if encoding == b"identity" => Ok(bytes.clone()),
        Some(encoding) if encoding == b"gzip" || encoding == b"x-gzip" => {
            let mut plain = Vec::new();
            let limit = MOST as u64 + 1;
            MultiGzDecoder::new(&bytes[..])
                .take(limit)
                .read_to_end(&mut plain)
                .map_err(|error| format!("the body is not gzip: {error}"))?;
            if plain.len() > MOST {
                return Err(format!("the body unpacks to more than {MOST} bytes"));
            }
            Ok(plain.into())
        }
        Some(other) => Err(format!(
            "the content encoding `{}` is not known",
            String::from_utf8_lossy(&other)
        )),
    }
}
