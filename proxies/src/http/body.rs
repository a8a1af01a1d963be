//! Where a message's body ends (RFC 9112, sections 6.3 and 7.1).

/// What is still to come of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// This many bytes.
    Length(u64),
    /// Chunks.
    Chunked(Chunk),
    /// Everything until the connection's end.
    UntilEnd,
}

/// Where a chunked body stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// In the line of a chunk's size, or in the extension that follows it.
    Size { size: u64, extension: bool },
    /// In its data, with so many bytes to come.
    Data(u64),
    /// In the line end after its data.
    End,
    /// In the trailer section, on a line that is empty so far or not.
    Trailer { empty: bool },
}

/// A chunked body's beginning.
pub const CHUNKED: Body = Body::Chunked(Chunk::Size {
    size: 0,
    extension: false,
});

impl Body {
    /// Takes its part of `bytes`: how many they are, and whether the body is complete with them. `content` gets what
    /// of them is no framing.
    pub fn take(&mut self, bytes: &[u8], mut content: impl FnMut(&[u8])) -> (usize, bool) {
        match self {
            Self::Empty => (0, true),
            Self::UntilEnd => {
                content(bytes);
                (bytes.len(), false)
            }
            Self::Length(left) => {
                let count = skip(left, bytes);
                content(&bytes[..count]);
                (count, *left == 0)
            }
            Self::Chunked(chunk) => take_chunks(chunk, bytes, content),
        }
    }
}

/// Counts off as many of `bytes` as are `left`.
fn skip(left: &mut u64, bytes: &[u8]) -> usize {
    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
    *left -= count as u64;
    count
}

fn take_chunks(chunk: &mut Chunk, bytes: &[u8], mut content: impl FnMut(&[u8])) -> (usize, bool) {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if let Chunk::Data(left) = chunk {
            let count = skip(left, &bytes[at..]);
            content(&bytes[at..at + count]);
            at += count;
            if *left == 0 {
                *chunk = Chunk::End;
            }
            continue;
        }
        at += 1;
        *chunk = match (*chunk, byte) {
            (Chunk::Trailer { empty: true }, b'\n') => return (at, true),
            (Chunk::Size { size: 0, .. }, b'\n') | (Chunk::Trailer { .. }, b'\n') => Chunk::Trailer { empty: true },
            (Chunk::Size { size, .. }, b'\n') => Chunk::Data(size),
            (Chunk::End, b'\n') => Chunk::Size {
                size: 0,
                extension: false,
            },
            (same, b'\r') => same,
            (Chunk::Size { size, extension: false }, byte) => match char::from(byte).to_digit(16) {
                Some(digit) => Chunk::Size {
                    size: size.saturating_mul(16).saturating_add(digit.into()),
                    extension: false,
                },
                None => Chunk::Size { size, extension: true },
            },
            (Chunk::Trailer { .. }, _) => Chunk::Trailer { empty: false },
            (same, _) => same,
        };
    }
    (at, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"5;x=1\r\nhello\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nx: y\r\n\r\n";

    #[test]
    fn a_chunked_body_ends_after_its_trailers_however_it_is_split() {
        for size in 1..=TEXT.len() {
            let (mut body, mut taken, mut done, mut content) = (CHUNKED, 0, false, Vec::new());
            for piece in TEXT.chunks(size) {
                assert!(!done);
                let (count, end) = body.take(piece, |part| content.extend_from_slice(part));
                (taken, done) = (taken + count, end);
            }
            assert_eq!((taken, done), (TEXT.len(), true), "in pieces of {size}");
            assert_eq!(content, b"helloabcdefghijklmnopqrstuvwxyz", "in pieces of {size}");
        }
    }

    #[test]
    fn what_follows_a_body_is_not_taken() {
        for (mut body, text, length) in [
            (Body::Length(3), "abcGET", 3),
            (CHUNKED, "3\r\nabc\r\n0\r\n\r\nGET", 13),
        ] {
            let mut content = Vec::new();
            let taken = body.take(text.as_bytes(), |part| content.extend_from_slice(part));
            assert_eq!((taken, content.as_slice()), ((length, true), &b"abc"[..]));
        }
    }
}
