//! Frames: a length of four bytes, then so many bytes.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The largest frame that passes, in bytes: the broker's own default for requests (`socket.request.max.bytes`, 100 MiB)
/// and room for what a client may ask for beside it.
pub(crate) const LARGEST: usize = 128 * 1024 * 1024;

/// How many bytes of a frame room is made for at once: a length alone takes no memory.
const STEP: usize = 1024 * 1024;

/// The frames of one direction of a connection.
pub(crate) struct Frames<R> {
    reader: R,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: BytesMut::new(),
        }
    }

    /// The next frame, its length included; none at the end of the stream.
    ///
    /// # Errors
    /// Of the stream; `InvalidData` when the length is no frame's; `UnexpectedEof` when the stream ends within a frame.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let wanted = match self.buffer.first_chunk() {
                None => 4,
                Some(length) => 4 + allowed(i32::from_be_bytes(*length))?,
            };
            if wanted > 4 && self.buffer.len() >= wanted {
                return Ok(Some(self.buffer.split_to(wanted).freeze()));
            }
            self.buffer.reserve((wanted - self.buffer.len()).clamp(16 * 1024, STEP));
            if self.fill().await? == 0 {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                let text = "the stream ended within a frame";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            }
        }
    }

    /// Reads something; 0 at the end of the stream. Nothing is lost when this is dropped.
    pub async fn fill(&mut self) -> io::Result<usize> {
        if self.buffer.is_empty() {
            // The room of frames that are gone is had again from its beginning, while there is nothing to be moved there.
            let _ = self.buffer.try_reclaim(self.buffer.capacity() + 1);
        }
        self.reader.read_buf(&mut self.buffer).await
    }

    /// Whether nothing of a next frame has come.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }
}

/// The length that a frame claims, if it can be one: the smallest frame is a correlation id.
fn allowed(length: i32) -> io::Result<usize> {
    match usize::try_from(length) {
        Ok(length) if (4..=LARGEST).contains(&length) => Ok(length),
        _ => {
            let text = format!("no Kafka frame: it claims {length} bytes, and 4 to {LARGEST} are allowed");
            Err(io::Error::new(io::ErrorKind::InvalidData, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_come_whole_however_they_are_split() {
        let bytes = [&5_i32.to_be_bytes()[..], b"hello", &4_i32.to_be_bytes()[..], b"more"].concat();
        for size in 1..=bytes.len() {
            let mut builder = tokio_test_stream(&bytes, size);
            let mut frames = Frames::new(&mut builder);
            assert_eq!(frames.next().await.unwrap().unwrap(), bytes[..9]);
            assert_eq!(frames.next().await.unwrap().unwrap(), bytes[9..]);
            assert_eq!(frames.next().await.unwrap(), None);
        }
    }

    /// A stream that gives so many bytes at a time.
    fn tokio_test_stream(bytes: &[u8], size: usize) -> impl AsyncRead + Unpin + use<> {
        let (mut writer, reader) = tokio::io::duplex(size);
        let bytes = bytes.to_vec();
        tokio::spawn(async move { tokio::io::AsyncWriteExt::write_all(&mut writer, &bytes).await });
        reader
    }

    #[tokio::test]
    async fn a_frame_that_claims_two_gigabytes_is_an_error() {
        let error = Frames::new(&i32::MAX.to_be_bytes()[..]).next().await.unwrap_err();
        assert!(error.to_string().contains("claims 2147483647 bytes"), "{error}");
        let error = Frames::new(&(-1_i32).to_be_bytes()[..]).next().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn a_stream_that_ends_within_a_frame_is_an_error() {
        let bytes = [&5_i32.to_be_bytes()[..], b"hell"].concat();
        let error = Frames::new(&bytes[..]).next().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
