//! Frames (RFC 9113, section 4), however their bytes come in pieces.

/// What a client's connection begins with (RFC 9113, section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The bytes before a frame's payload.
const HEAD: usize = 9;
/// The largest payload that every peer takes (RFC 9113, section 4.2).
pub const PAYLOAD: usize = 16_384;

/// The last frame of its stream in this direction: of DATA and HEADERS.
pub const END_STREAM: u8 = 0x1;
/// What is acknowledged: of SETTINGS.
pub const ACK: u8 = 0x1;
/// The header block ends with this frame.
pub const END_HEADERS: u8 = 0x4;
/// Padding follows what the frame is about.
pub const PADDED: u8 = 0x8;
/// HEADERS tell a priority.
pub const PRIORITY: u8 = 0x20;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Data,
    Headers,
    Reset,
    Settings,
    PushPromise,
    GoAway,
    WindowUpdate,
    Continuation,
    Other(u8),
}

impl Kind {
    fn of(byte: u8) -> Self {
        match byte {
            0 => Self::Data,
            1 => Self::Headers,
            3 => Self::Reset,
            4 => Self::Settings,
            5 => Self::PushPromise,
            7 => Self::GoAway,
            8 => Self::WindowUpdate,
            9 => Self::Continuation,
            other => Self::Other(other),
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Data => 0,
            Self::Headers => 1,
            Self::Reset => 3,
            Self::Settings => 4,
            Self::PushPromise => 5,
            Self::GoAway => 7,
            Self::WindowUpdate => 8,
            Self::Continuation => 9,
            Self::Other(other) => other,
        }
    }

    /// Whether its payload is read as a whole.
    pub fn is_read_whole(self) -> bool {
        match self {
            Self::Headers | Self::Reset | Self::Settings | Self::PushPromise | Self::GoAway | Self::Continuation => {
                true
            }
            Self::Data | Self::WindowUpdate | Self::Other(_) => false,
        }
    }
}

/// What stands before a frame's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub length: u32,
    pub kind: Kind,
    pub flags: u8,
    pub stream: u32,
    /// As it came.
    pub bytes: [u8; HEAD],
}

impl Head {
    fn read(bytes: [u8; HEAD]) -> Self {
        let [a, b, c, kind, flags, s, t, u, v] = bytes;
        Self {
            length: u32::from_be_bytes([0, a, b, c]),
            kind: Kind::of(kind),
            flags,
            stream: u32::from_be_bytes([s & 0x7f, t, u, v]),
            bytes,
        }
    }

    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Writes a frame whose payload is no longer than [`PAYLOAD`].
pub fn write(kind: Kind, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&[kind.byte(), flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// A part of a frame.
pub enum Part<'b> {
    /// What stands before its payload.
    Head(Head),
    /// Some of its payload, `last` with its end. A frame without a payload has an empty one.
    Payload { head: Head, bytes: &'b [u8], last: bool },
}

/// The frames of one direction.
#[derive(Default)]
pub struct Frames {
    /// What has come of a frame's head.
    begun: Vec<u8>,
    /// The frame whose payload comes, and how much of that is to come.
    current: Option<(Head, u32)>,
}

impl Frames {
    /// Takes the next part of `rest` off it; none where more must come.
    pub fn next<'b>(&mut self, rest: &mut &'b [u8]) -> Option<Part<'b>> {
        if let Some((head, left)) = &mut self.current {
            let count = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
            if count == 0 && *left > 0 {
                return None;
            }
            let (bytes, after) = rest.split_at(count);
            *rest = after;
            *left -= count as u32;
            let (head, last) = (*head, *left == 0);
            if last {
                self.current = None;
            }
            return Some(Part::Payload { head, bytes, last });
        }
        let (bytes, after) = rest.split_at((HEAD - self.begun.len()).min(rest.len()));
        *rest = after;
        self.begun.extend_from_slice(bytes);
        let head = Head::read(self.begun.as_slice().try_into().ok()?);
        self.begun.clear();
        self.current = Some((head, head.length));
        Some(Part::Head(head))
    }

    /// Whether one frame has ended and none has begun.
    pub fn is_between(&self) -> bool {
        self.begun.is_empty() && self.current.is_none()
    }

    /// What has come of a head that is not complete.
    pub fn begun(&self) -> &[u8] {
        &self.begun
    }
}

/// What a frame is about, without its padding and, of HEADERS, its priority; that is given apart. None where the frame is
/// malformed.
pub fn unpadded(head: Head, payload: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = payload;
    if head.has(PADDED) {
        let (padding, after) = rest.split_first()?;
        rest = after.get(..after.len().checked_sub(usize::from(*padding))?)?;
    }
    if head.kind == Kind::Headers && head.has(PRIORITY) {
        return rest.split_at_checked(5);
    }
    Some((&[], rest))
}

/// What of the payload of a DATA frame is content.
#[derive(Default)]
pub struct Data {
    /// The byte that tells how much padding there is is still to come.
    padded: bool,
    /// How much content is to come.
    left: usize,
}

impl Data {
    /// A frame begins.
    pub fn begin(&mut self, head: Head) {
        self.padded = head.has(PADDED);
        self.left = usize::try_from(head.length).unwrap_or(usize::MAX);
    }

    /// The content among the next bytes of its payload.
    pub fn content<'b>(&mut self, mut bytes: &'b [u8]) -> &'b [u8] {
        if self.padded
            && let Some((padding, after)) = bytes.split_first()
        {
            self.padded = false;
            self.left = self.left.saturating_sub(1 + usize::from(*padding));
            bytes = after;
        }
        let content = &bytes[..bytes.len().min(self.left)];
        self.left -= content.len();
        content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frames in `bytes`, given in pieces of `size`: kind, stream, content of DATA or payload.
    fn frames(bytes: &[u8], size: usize) -> Vec<(Kind, u32, Vec<u8>)> {
        let (mut frames, mut data, mut seen, mut payload) =
            (Frames::default(), Data::default(), Vec::new(), Vec::new());
        for mut piece in bytes.chunks(size) {
            while let Some(part) = frames.next(&mut piece) {
                match part {
                    Part::Head(head) => data.begin(head),
                    Part::Payload { head, bytes, last } => {
                        payload.extend_from_slice(if head.kind == Kind::Data {
                            data.content(bytes)
                        } else {
                            bytes
                        });
                        if last {
                            seen.push((head.kind, head.stream, std::mem::take(&mut payload)));
                        }
                    }
                }
            }
        }
        assert!(frames.is_between());
        seen
    }

    #[test]
    fn frames_are_the_same_however_they_are_split() {
        let mut bytes = Vec::new();
        write(Kind::Settings, 0, 0, &[0, 1, 0, 0, 0, 0], &mut bytes);
        write(Kind::Settings, ACK, 0, &[], &mut bytes);
        write(Kind::Data, PADDED, 1, b"\x03hello\0\0\0", &mut bytes);
        write(Kind::Data, END_STREAM, 3, b"world", &mut bytes);
        write(Kind::Other(0xfa), 0, 0, b"grease", &mut bytes);
        let expected = [
            (Kind::Settings, 0, vec![0, 1, 0, 0, 0, 0]),
            (Kind::Settings, 0, vec![]),
            (Kind::Data, 1, b"hello".to_vec()),
            (Kind::Data, 3, b"world".to_vec()),
            (Kind::Other(0xfa), 0, b"grease".to_vec()),
        ];
        for size in 1..=bytes.len() {
            assert_eq!(frames(&bytes, size), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn padding_and_priority_are_left_aside() {
        let head = |flags| {
            let mut bytes = Vec::new();
            write(Kind::Headers, flags, 1, &[], &mut bytes);
            Head::read(bytes.try_into().unwrap())
        };
        assert_eq!(unpadded(head(0), b"block"), Some((&b""[..], &b"block"[..])));
        assert_eq!(
            unpadded(head(PADDED | PRIORITY), b"\x0212345block\0\0"),
            Some((&b"12345"[..], &b"block"[..]))
        );
        assert_eq!(unpadded(head(PADDED), b"\x03\0\0"), None);
        assert_eq!(unpadded(head(PRIORITY), b"1234"), None);
        assert_eq!(unpadded(head(PADDED), b""), None);
    }
}
