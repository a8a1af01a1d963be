//! Header blocks (HPACK, RFC 7541): what they say, and how it is said anew without the tables of a connection.

use httlib_hpack::table::Table;
use httlib_huffman::DecoderSpeed;

use super::block::Malformed;
use crate::relay::BUFFER;

/// The size of a dynamic table before anything is agreed on.
pub const TABLE: u32 = 4096;
/// The largest dynamic table that is followed.
const LARGEST_TABLE: u32 = 1 << 20;
/// What each field counts beside its name and value (RFC 9113, section 6.5.2).
const OVERHEAD: usize = 32;

/// A header field.
pub type Field = (Vec<u8>, Vec<u8>);

/// What the header blocks of one direction say, in their order.
pub struct Fields {
    table: Table<'static>,
    /// The largest dynamic table that its sender was ever allowed.
    allowed: u32,
}

impl Fields {
    pub fn new() -> Self {
        Self {
            table: Table::with_dynamic_size(TABLE),
            allowed: TABLE,
        }
    }

    /// The sender may use a dynamic table of this size.
    pub fn allow(&mut self, size: u32) {
        self.allowed = self.allowed.max(size.min(LARGEST_TABLE));
    }

    /// What a block says.
    ///
    /// # Errors
    /// Where it cannot be understood, or says more than [`BUFFER`].
    pub fn decode(&mut self, block: &[u8]) -> Result<Vec<Field>, Malformed> {
        let (mut rest, mut fields, mut size) = (block, Vec::new(), 0_usize);
        while let Some(&first) = rest.first() {
            // RFC 7541, section 6: which representation it is shows in its first bits.
            let (name, value) = match first {
                0x80.. => {
                    let index = integer(&mut rest, 7)?;
                    let (name, value) = self.table.get(index).ok_or(Malformed)?;
                    (name.to_vec(), value.to_vec())
                }
                0x20..0x40 => {
                    let size = integer(&mut rest, 5)?;
                    if size > self.allowed || rest.is_empty() {
                        return Err(Malformed);
                    }
                    self.table.update_max_dynamic_size(size);
                    continue;
                }
                0x40.. => {
                    let (name, value) = self.literal(&mut rest, 6)?;
                    self.table.insert(name.clone(), value.clone());
                    (name, value)
                }
                ..0x20 => self.literal(&mut rest, 4)?,
            };
            size += name.len() + value.len() + OVERHEAD;
            if size > BUFFER {
                return Err(Malformed);
            }
            fields.push((name, value));
        }
        Ok(fields)
    }

    /// A field whose value, and perhaps its name, is told.
    fn literal(&self, rest: &mut &[u8], prefix: u8) -> Result<Field, Malformed> {
        let name = match integer(rest, prefix)? {
            0 => string(rest)?,
            index => self.table.get(index).ok_or(Malformed)?.0.to_vec(),
        };
        Ok((name, string(rest)?))
    }
}

/// Takes an integer off a block, whose first byte has so many bits of it (RFC 7541, section 5.1).
fn integer(rest: &mut &[u8], prefix: u8) -> Result<u32, Malformed> {
    let (first, after) = rest.split_first().ok_or(Malformed)?;
    *rest = after;
    let most = (1_u32 << prefix) - 1;
    let mut value = u32::from(*first) & most;
    if value < most {
        return Ok(value);
    }
    for shift in [0, 7, 14, 21] {
        let (byte, after) = rest.split_first().ok_or(Malformed)?;
        *rest = after;
        value += u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

/// Takes a string off a block (RFC 7541, section 5.2).
fn string(rest: &mut &[u8]) -> Result<Vec<u8>, Malformed> {
    let is_packed = rest.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer(rest, 7)? as usize;
    let (text, after) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = after;
    if !is_packed {
        return Ok(text.to_vec());
    }
    let mut unpacked = Vec::with_capacity(text.len() * 8 / 5);
    httlib_huffman::decode(text, &mut unpacked, DecoderSpeed::FourBits).map_err(|_| Malformed)?;
    Ok(unpacked)
}

/// Says a field so that no table is needed to read it, and none changes.
pub fn literal(name: &[u8], value: &[u8], block: &mut Vec<u8>) {
    block.push(0x10);
    for text in [name, value] {
        say(text.len(), 7, 0, block);
        block.extend_from_slice(text);
    }
}

/// Says that the dynamic table has this size from here on.
pub fn size_update(size: u32, block: &mut Vec<u8>) {
    say(size as usize, 5, 0x20, block);
}

/// Says an integer, whose first byte has so many bits of it and these beside.
fn say(value: usize, prefix: u8, flags: u8, block: &mut Vec<u8>) {
    let most = (1_usize << prefix) - 1;
    if value < most {
        block.push(flags | value as u8);
        return;
    }
    block.push(flags | most as u8);
    let mut rest = value - most;
    while rest >= 0x80 {
        block.push(0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    block.push(rest as u8);
}

/// The sizes that a block gives the dynamic table before its first field: the smallest and the last.
pub fn size_updates(block: &[u8]) -> Option<(u32, u32)> {
    let (mut rest, mut sizes) = (block, None::<(u32, u32)>);
    while rest.first().is_some_and(|byte| byte & 0xe0 == 0x20) {
        let size = integer(&mut rest, 5).ok()?;
        let smallest = sizes.map_or(size, |(smallest, _)| smallest.min(size));
        sizes = Some((smallest, size));
    }
    sizes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(fields: Result<Vec<Field>, Malformed>) -> Option<String> {
        let fields = fields.ok()?.into_iter();
        let lines = fields.map(|(name, value)| [name, value].map(|it| String::from_utf8(it).unwrap()).join("="));
        Some(lines.collect::<Vec<_>>().join(" "))
    }

    /// RFC 7541, appendix C.4: requests with Huffman coding, on one connection.
    #[test]
    fn requests_of_the_specification_are_read() {
        let mut fields = Fields::new();
        let first = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        let second = b"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf";
        let of = ":method=GET :scheme=http :path=/ :authority=www.example.com";
        assert_eq!(text(fields.decode(first)).as_deref(), Some(of));
        assert_eq!(
            text(fields.decode(second)),
            Some(format!("{of} cache-control=no-cache"))
        );
    }

    #[test]
    fn a_table_grows_as_far_as_it_was_allowed() {
        let mut block = Vec::new();
        size_update(65_536, &mut block);
        literal(b"a", b"b", &mut block);
        assert_eq!(size_updates(&block), Some((65_536, 65_536)));
        let mut fields = Fields::new();
        assert_eq!(text(fields.decode(&block)), None);
        let mut fields = Fields::new();
        fields.allow(65_536);
        fields.allow(0);
        assert_eq!(text(fields.decode(&block)).as_deref(), Some("a=b"));
        assert_eq!(size_updates(b"\x82"), None);
        assert_eq!(size_updates(b"\x20\x3f\xe1\x1f\x82\x20"), Some((0, 4096)));
    }

    #[test]
    fn a_small_block_that_says_very_much_is_not_kept() {
        let mut block = vec![0x40, 1, b'a', 0x7f, 0x81, 0x1e];
        block.extend_from_slice(&[b'x'; 3968]);
        let mut fields = Fields::new();
        assert!(fields.decode(&block).is_ok());
        assert!(fields.decode(&[0xbe; 10]).is_ok());
        assert!(fields.decode(&[0xbe; 60_000]).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_read(name: Vec<u8>, value in proptest::collection::vec(any::<u8>(), 0..600), packed: bool) {
            let mut block = Vec::new();
            if packed {
                block.push(0x40);
                for text in [&name, &value] {
                    let mut packed = Vec::new();
                    prop_assert!(httlib_huffman::encode(text, &mut packed).is_ok());
                    say(packed.len(), 7, 0x80, &mut block);
                    block.extend(packed);
                }
            } else {
                literal(&name, &value, &mut block);
            }
            prop_assert_eq!(Fields::new().decode(&block).ok(), Some(vec![(name, value)]));
        }

        #[test]
        fn nothing_that_is_said_panics(blocks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 1..5)) {
            let mut fields = Fields::new();
            for block in blocks {
                drop(fields.decode(&block));
                size_updates(&block);
            }
        }

        #[test]
        fn no_packed_string_panics(mut text in proptest::collection::vec(any::<u8>(), 1..60)) {
            let mut block = vec![0];
            say(text.len(), 7, 0x80, &mut block);
            block.append(&mut text);
            block.push(0);
            drop(Fields::new().decode(&block));
        }
    }
}
