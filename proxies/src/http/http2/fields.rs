//! Header blocks (HPACK, RFC 7541): what they say, and how it is said anew without the tables of a connection.

use loona_hpack::Decoder;
use loona_hpack::encoder::encode_integer_into;

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
    decoder: Decoder<'static>,
    /// The largest dynamic table that its sender was ever allowed.
    allowed: u32,
}

impl Fields {
    pub fn new() -> Self {
        let mut decoder = Decoder::new();
        decoder.set_max_allowed_table_size(TABLE as usize);
        Self {
            decoder,
            allowed: TABLE,
        }
    }

    /// The sender may use a dynamic table of this size.
    pub fn allow(&mut self, size: u32) {
        let size = size.min(LARGEST_TABLE);
        if size > self.allowed {
            self.allowed = size;
            self.decoder.set_max_allowed_table_size(size as usize);
        }
    }

    /// What a block says.
    ///
    /// # Errors
    /// Where it cannot be understood, or says more than [`BUFFER`].
    pub fn decode(&mut self, block: &[u8]) -> Result<Vec<Field>, Malformed> {
        let (mut fields, mut size) = (Vec::new(), 0_usize);
        let decoded = self.decoder.decode_with_cb(block, |name, value| {
            size += name.len() + value.len() + OVERHEAD;
            if size <= BUFFER {
                fields.push((name.into_owned(), value.into_owned()));
            }
        });
        match decoded {
            Ok(()) if size <= BUFFER => Ok(fields),
            Ok(()) | Err(_) => Err(Malformed),
        }
    }
}

/// Says a field so that no table is needed to read it, and none changes.
pub fn literal(name: &[u8], value: &[u8], block: &mut Vec<u8>) {
    block.push(0x10);
    for text in [name, value] {
        integer(text.len(), 7, 0, block);
        block.extend_from_slice(text);
    }
}

/// Says that the dynamic table has this size from here on.
pub fn size_update(size: u32, block: &mut Vec<u8>) {
    integer(size as usize, 5, 0x20, block);
}

fn integer(value: usize, prefix: u8, flags: u8, block: &mut Vec<u8>) {
    // Writing to memory does not fail.
    drop(encode_integer_into(value, prefix, flags, block));
}

/// The sizes that a block gives the dynamic table before its first field: the smallest and the last.
pub fn size_updates(block: &[u8]) -> Option<(u32, u32)> {
    let (mut rest, mut sizes) = (block, None::<(u32, u32)>);
    while let Some((first, after)) = rest.split_first().filter(|(byte, _)| **byte & 0xe0 == 0x20) {
        rest = after;
        let mut size = u32::from(first & 0x1f);
        if size == 0x1f {
            for shift in (0..28).step_by(7) {
                let Some((byte, after)) = rest.split_first() else { break };
                rest = after;
                size = size.saturating_add(u32::from(byte & 0x7f) << shift);
                if byte & 0x80 == 0 {
                    break;
                }
            }
        }
        let smallest = sizes.map_or(size, |(smallest, _)| smallest.min(size));
        sizes = Some((smallest, size));
    }
    sizes
}

#[cfg(test)]
mod tests {
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
}
