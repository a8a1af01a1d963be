//! What a message is made of, as its decoder reads it.

use std::ops::Range;

use bytes::{Buf, Bytes, TryGetError};
use kafka_protocol::protocol::Decodable;
use kafka_protocol::protocol::buf::ByteBuf;

/// One thing that a decoder reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A number, as its bytes.
    Plain(Vec<u8>),
    /// A text or bytes, behind their length.
    Text {
        /// How many bytes their length has; 1 where it is of variable size.
        width: usize,
        /// What is added to it.
        more: usize,
        text: Bytes,
    },
}

impl Part {
    /// The bytes that it is.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Plain(bytes) => bytes.clone(),
            Self::Text { width: 1, more, text } => [variable(text.len() + more), text.to_vec()].concat(),
            Self::Text { width, more, text } => {
                let length = (text.len() + more).to_be_bytes();
                [&length[length.len() - width..], text].concat()
            }
        }
    }
}

/// A number of variable size.
fn variable(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A message, its parts, and what follows it.
pub(super) fn parts<M: Decodable>(bytes: Bytes, version: i16) -> (M, Vec<Part>, Bytes) {
    let mut reader = Reader {
        rest: bytes,
        parts: Vec::new(),
    };
    let message = M::decode(&mut reader, version).unwrap_or_else(|error| unreachable!("{error}"));
    (message, reader.parts, reader.rest)
}

struct Reader {
    rest: Bytes,
    parts: Vec<Part>,
}

impl Reader {
    /// Whether these were read last, a byte at a time.
    fn ends_with(&self, bytes: &[u8]) -> bool {
        let last = self.parts.iter().rev();
        let is = |(part, byte): (&Part, &u8)| *part == Part::Plain(vec![*byte]);
        self.parts.len() >= bytes.len() && last.zip(bytes.iter().rev()).all(is)
    }
}

impl Buf for Reader {
    fn remaining(&self) -> usize {
        self.rest.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.rest
    }

    fn advance(&mut self, count: usize) {
        self.parts.push(Part::Plain(self.rest.split_to(count).to_vec()));
    }

    fn try_copy_to_slice(&mut self, bytes: &mut [u8]) -> Result<(), TryGetError> {
        self.rest.clone().try_copy_to_slice(bytes)?;
        self.advance(bytes.len());
        Ok(())
    }
}

impl ByteBuf for Reader {
    fn peek_bytes(&mut self, range: Range<usize>) -> Bytes {
        self.rest.slice(range)
    }

    /// Texts and bytes are read in one, and nothing else is. Their length stands before them: in 2 or 4 bytes, or a byte at a
    /// time in as many as one more than it takes.
    fn get_bytes(&mut self, size: usize) -> Bytes {
        let text = self.rest.split_to(size);
        let Some(Part::Plain(length)) = self.parts.last() else {
            unreachable!("a text has a length")
        };
        let width = length.len();
        // Of a text the length is one more than it takes, of a tagged field it is not.
        let more = usize::from(width == 1 && !self.ends_with(&variable(size)));
        let bytes = if width == 1 { variable(size + more).len() } else { 1 };
        self.parts.truncate(self.parts.len() - bytes);
        self.parts.push(Part::Text {
            width,
            more,
            text: text.clone(),
        });
        text
    }
}
