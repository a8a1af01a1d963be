//! The content of a request that is recorded as a call to a partner.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde_json::Value as Json;

/// The most that is kept of one, packed or unpacked, in bytes.
const MOST: usize = 1 << 20;

/// The content of a request, so far as it has come.
#[derive(Default)]
pub struct Content {
    /// Its bytes, at most [`MOST`].
    kept: Vec<u8>,
    /// It has more bytes than are kept.
    cut: bool,
}

impl Content {
    /// More of it came.
    pub fn add(&mut self, part: &[u8]) {
        let room = MOST - self.kept.len();
        self.kept.extend_from_slice(&part[..part.len().min(room)]);
        self.cut |= part.len() > room;
    }

    /// As it is recorded: JSON, or text where it is not JSON, unpacked where it is `gzip`.
    ///
    /// Of what is not there in full (more than 1 MiB, or not `whole`), the text says so at its end.
    pub fn recorded(mut self, gzip: bool, whole: bool) -> Json {
        if gzip
            && whole
            && !self.cut
            && let Some(unpacked) = unpacked(&self.kept)
        {
            self = unpacked;
        }
        let text = String::from_utf8_lossy(&self.kept);
        if !whole && !self.kept.is_empty() {
            return format!("{text} … (the connection ended before the rest came)").into();
        }
        if self.cut {
            return format!("{text} … (shortened to its first {MOST} bytes)").into();
        }
        serde_json::from_slice(&self.kept).unwrap_or_else(|_| text.into())
    }
}

/// What is packed, or `None` where it is no gzip after all.
fn unpacked(bytes: &[u8]) -> Option<Content> {
    let (mut unpacked, mut plain) = (Content::default(), Vec::new());
    let most = MOST as u64 + 1;
    MultiGzDecoder::new(bytes).take(most).read_to_end(&mut plain).ok()?;
    unpacked.add(&plain);
    Some(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::json;

    use super::*;

    fn recorded(bytes: &[u8], gzip: bool, whole: bool) -> Json {
        let mut content = Content::default();
        bytes.chunks(1000).for_each(|part| content.add(part));
        content.recorded(gzip, whole)
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(bytes).expect("it is written to memory");
        packed.finish().expect("it is written to memory")
    }

    #[test]
    fn it_is_json_or_else_text() {
        assert_eq!(recorded(br#"{"amount": 12.5}"#, false, true), json!({"amount": 12.5}));
        assert_eq!(recorded(b"<charge/>", false, true), json!("<charge/>"));
        assert_eq!(recorded(b"\xff", false, true), json!("\u{fffd}"));
        assert_eq!(recorded(b"", false, true), json!(""));
        assert_eq!(recorded(b"", false, false), json!(""));
    }

    #[test]
    fn what_is_not_there_in_full_is_text_that_says_so() {
        let text = format!("{{\"amount\": {}", "1".repeat(MOST));
        let shortened = format!("{} … (shortened to its first 1048576 bytes)", &text[..MOST]);
        let packed = packed(text.as_bytes());
        assert_eq!(recorded(text.as_bytes(), false, true), json!(shortened));
        assert_eq!(recorded(&packed, true, true), json!(shortened));
        assert_eq!(recorded(&text.as_bytes()[..MOST], false, true), json!(text[..MOST]));
        assert_eq!(
            recorded(b"12", false, false),
            json!("12 … (the connection ended before the rest came)")
        );
    }

    #[test]
    fn gzip_is_unpacked_where_it_is_gzip() {
        assert_eq!(recorded(&packed(b"[1]"), true, true), json!([1]));
        assert_eq!(recorded(b"[1]", true, true), json!([1]));
    }
}
