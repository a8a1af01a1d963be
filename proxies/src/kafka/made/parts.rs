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
        /// How many bytes their length has.
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
            Self::Text { width, more, text } => {
                let length = (text.len() + more).to_be_bytes();
                [&length[length.len() - width..], text].concat()
            }
        }
    }
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

    /// Texts and bytes are read in one, and nothing else is. What is made up is so short that one of variable size has one
    /// byte.
    fn get_bytes(&mut self, size: usize) -> Bytes {
        let text = self.rest.split_to(size);
        let Some(Part::Plain(length)) = self.parts.pop() else {
            unreachable!("a text has a length")
        };
        let number = length.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
        self.parts.push(Part::Text {
            width: length.len(),
            more: number - size,
            text: text.clone(),
        });
        text
    }
}
