//! What a decoder reads made-up values from.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::{Buf, Bytes, TryGetError};
use kafka_protocol::protocol::Decodable;
use kafka_protocol::protocol::buf::ByteBuf;

/// Small numbers, which may be the lengths of texts or arrays (-1 is null), or be no lengths.
const LENGTHS: [i8; 8] = [0, 1, 2, -1, 3, 9, 1, 0];
/// The same as lengths of variable size, which are one more.
const COMPACT: [u8; 8] = [1, 2, 3, 0, 4, 10, 1, 0];
/// What is there, -1 where a struct is null; and numbers of one byte, 2 and 32 for topics and groups.
const BYTES: [i8; 8] = [1, -1, 2, 1, 32, 4, 1, 0];
/// Texts, by their beginnings.
const TEXT: &str = "orders.v1-größer_ABC m1-orders.v1 and more of it";

/// A message of this version, made up out of chance; every text that is long enough begins with the prefix.
pub(super) fn made<M: Decodable>(chance: &[u8], prefix: &'static str, version: i16) -> M {
    let mut sure = BTreeMap::new();
    loop {
        let mut source = Source {
            chance,
            prefix,
            sure: &sure,
            count: 0,
            text: Bytes::new(),
        };
        match M::decode(&mut source, version) {
            Ok(message) => return message,
            Err(error) => {
                // What the decoder does not take is the last number that was given, null where there must be something; or
                // the tag before the size that was given last, one that this version does not have.
                let is_tag = error.to_string().starts_with("Tag ");
                let (number, instead) = match source.count.checked_sub(if is_tag { 2 } else { 1 }) {
                    Some(number) if is_tag => (number, Sure::Unknown),
                    Some(number) if !sure.contains_key(&number) => (number, Sure::Empty),
                    _ => unreachable!("version {version} cannot be made up: {error}"),
                };
                sure.insert(number, instead);
            }
        }
    }
}

/// A number that is not left to chance.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sure {
    /// The length of what is empty.
    Empty,
    /// The tag of a field that no message has.
    Unknown,
}

struct Source<'a> {
    /// What decides; nothing more of it decides for what is smallest.
    chance: &'a [u8],
    prefix: &'static str,
    /// The numbers that are not left to chance.
    sure: &'a BTreeMap<usize, Sure>,
    /// How many numbers were given.
    count: usize,
    text: Bytes,
}

impl Source<'_> {
    /// One of eight, by chance; the first is the length of what is empty.
    fn one_of<T: Copy>(&mut self, all: [T; 8]) -> T {
        let chance = self.chance.get(self.count).copied().unwrap_or_default();
        let sure = self.sure.get(&self.count);
        self.count += 1;
        match sure {
            None => all[usize::from(chance % 8)],
            Some(Sure::Empty) => all[0],
            Some(Sure::Unknown) => all[5],
        }
    }

    fn length(&mut self) -> i8 {
        self.one_of(LENGTHS)
    }
}

impl Buf for Source<'_> {
    fn remaining(&self) -> usize {
        usize::MAX
    }

    fn chunk(&self) -> &[u8] {
        &self.text
    }

    fn advance(&mut self, count: usize) {
        self.text.advance(count);
    }

    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        Ok(self.one_of(COMPACT))
    }

    fn try_get_i8(&mut self) -> Result<i8, TryGetError> {
        Ok(self.one_of(BYTES))
    }

    fn try_get_i16(&mut self) -> Result<i16, TryGetError> {
        Ok(self.length().into())
    }

    fn try_get_u16(&mut self) -> Result<u16, TryGetError> {
        Ok(self.length().unsigned_abs().into())
    }

    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        Ok(self.length().into())
    }

    fn try_get_u32(&mut self) -> Result<u32, TryGetError> {
        Ok(self.length().unsigned_abs().into())
    }

    fn try_get_i64(&mut self) -> Result<i64, TryGetError> {
        Ok(self.one_of([0, 1, -1, 5, i64::MAX, i64::MIN, 3, 1 << 40]))
    }

    fn try_get_f64(&mut self) -> Result<f64, TryGetError> {
        Ok(self.length().into())
    }

    fn try_copy_to_slice(&mut self, bytes: &mut [u8]) -> Result<(), TryGetError> {
        bytes.fill(self.length().unsigned_abs());
        Ok(())
    }
}

impl ByteBuf for Source<'_> {
    fn peek_bytes(&mut self, range: Range<usize>) -> Bytes {
        self.get_bytes(range.end).slice(range)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        let all = format!("{}{TEXT}", self.prefix);
        let mut text = all[..all.floor_char_boundary(size)].to_owned();
        while text.len() < size {
            text.push('x');
        }
        text.into()
    }
}
