//! Messages in a stream of a session that has begun: a byte that tells the kind, four that tell the length, themselves
//! included, and the rest (PostgreSQL's "Message Formats"). Nothing is kept but where the stream stands.

/// The largest message that either side makes or takes, in bytes (`MaxAllocSize` of PostgreSQL's `memutils.h`).
const LARGEST: i32 = 0x3fff_ffff;

/// A part of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'b> {
    /// A message of this kind begins.
    Begins(u8),
    /// Some of its content.
    Content(&'b [u8]),
    /// It is complete.
    Ends,
}

/// A length that no message has: this is no such stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoMessage;

/// Where a stream stands.
#[derive(Default)]
pub(super) struct Frames {
    header: [u8; 5],
    /// How many bytes of a header are there.
    known: usize,
    /// How many bytes of content are still to come; none outside of a message.
    left: Option<usize>,
}

impl Frames {
    /// Takes what came next, and tells its parts.
    pub fn take<'b>(&mut self, mut bytes: &'b [u8], mut tell: impl FnMut(Part<'b>)) -> Result<(), NoMessage> {
        loop {
            if let Some(left) = self.left {
                let (content, rest) = bytes.split_at(left.min(bytes.len()));
                if !content.is_empty() {
                    tell(Part::Content(content));
                }
                bytes = rest;
                if content.len() < left {
                    self.left = Some(left - content.len());
                    return Ok(());
                }
                self.left = None;
                tell(Part::Ends);
            }
            let (part, rest) = bytes.split_at((self.header.len() - self.known).min(bytes.len()));
            self.header[self.known..self.known + part.len()].copy_from_slice(part);
            self.known += part.len();
            bytes = rest;
            if self.known < self.header.len() {
                return Ok(());
            }
            let [kind, length @ ..] = self.header;
            let length = i32::from_be_bytes(length);
            if !(4..=LARGEST).contains(&length) {
                return Err(NoMessage);
            }
            self.left = usize::try_from(length - 4).ok();
            self.known = 0;
            tell(Part::Begins(kind));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_parted_however_their_bytes_come() {
        let bytes = b"Q\0\0\0\x0dSELECT 1\0S\0\0\0\x04X\0\0\0\x04";
        for size in 1..=bytes.len() {
            let (mut frames, mut kinds, mut content, mut ends) = (Frames::default(), Vec::new(), Vec::new(), 0);
            for piece in bytes.chunks(size) {
                let taken = frames.take(piece, |part| match part {
                    Part::Begins(kind) => kinds.push(kind),
                    Part::Content(part) => content.extend_from_slice(part),
                    Part::Ends => ends += 1,
                });
                assert_eq!(taken, Ok(()));
            }
            assert_eq!(
                (kinds.as_slice(), content.as_slice(), ends),
                (&b"QSX"[..], &b"SELECT 1\0"[..], 3)
            );
        }
    }

    #[test]
    fn a_length_that_cannot_be_is_told() {
        for (bytes, can_be) in [
            (b"GET /", false),
            (b"Q\0\0\0\x03", false),
            (b"D\x7f\xff\xff\xff", false),
            (b"D\x40\0\0\0", false),
            (b"D\x3f\xff\xff\xff", true),
            (b"Q\0\0\0\x05", true),
        ] {
            let mut ends = 0;
            let taken = Frames::default().take(bytes, |part| ends += usize::from(part == Part::Ends));
            assert_eq!(taken.is_ok(), can_be, "{bytes:?}");
            assert_eq!(ends, 0);
        }
    }
}
