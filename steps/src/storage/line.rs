//! A line of an object, as the test client read it.

use std::io::Read;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use serde_json::Value as Json;

use crate::selection::{Place, Subject, shown};

/// A line of an object: JSON, or else a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The object's name.
    pub object: Arc<str>,
    /// The line's number in it, from 1.
    pub number: usize,
    /// Its value.
    pub value: Json,
    /// Whether its value is JSON, and not a text that is none.
    pub is_json: bool,
}

/// What gzip begins with (RFC 1952, section 2.3.1).
pub(super) const GZIP: &[u8] = &[0x1f, 0x8b];

/// Why an object has no content.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It begins like gzip and is none, or is cut off.
    Broken(String),
    /// It is larger than what is read of it.
    TooLarge,
}

/// The content of an object: inflated where it is gzip, whatever its name says.
///
/// # Errors
/// For gzip that is broken, and for content of more than `most` bytes.
pub fn content(bytes: &[u8], most: u64) -> Result<Vec<u8>, Unreadable> {
    let mut content = Vec::new();
    if bytes.starts_with(GZIP) {
        let mut inflated = MultiGzDecoder::new(bytes).take(most + 1);
        let read = inflated.read_to_end(&mut content);
        read.map_err(|error| Unreadable::Broken(error.to_string()))?;
    } else {
        content.extend_from_slice(bytes);
    }
    if content.len() as u64 > most {
        return Err(Unreadable::TooLarge);
    }
    Ok(content)
}

/// An object's content as one value, if it is one value of JSON.
pub fn whole(object: &str, content: &[u8]) -> Option<Arc<Line>> {
    let value = serde_json::from_slice(content).ok()?;
    Some(Arc::new(Line {
        object: object.into(),
        number: 1,
        value,
        is_json: true,
    }))
}

/// The lines of an object's content, empty ones left out.
pub fn lines(object: &str, content: &[u8]) -> Vec<Arc<Line>> {
    let object: Arc<str> = object.into();
    let numbered = content.split(|byte| *byte == b'\n').enumerate();
    let filled = numbered.filter(|(_, line)| !line.trim_ascii().is_empty());
    let lines = filled.map(|(at, line)| {
        let (value, is_json) = match serde_json::from_slice(line) {
            Ok(json) => (json, true),
            Err(_) => (Json::String(String::from_utf8_lossy(line).into_owned()), false),
        };
        Arc::new(Line {
            object: Arc::clone(&object),
            number: at + 1,
            value,
            is_json,
        })
    });
    lines.collect()
}

impl Subject for Arc<Line> {
    fn read(&self, place: &Place) -> Vec<Json> {
        if self.is_json {
            place.nodes(&self.value)
        } else {
            Vec::new()
        }
    }

    fn shown(&self) -> String {
        format!("{} line {}: {}", self.object, self.number, shown(&self.value))
    }

    fn absence(&self, _place: &Place) -> String {
        if self.is_json {
            "absent".to_owned()
        } else {
            "absent: the line is not JSON".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::json;

    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).expect("it is memory");
        encoder.finish().expect("it is memory")
    }

    #[test]
    fn gzip_is_known_by_its_first_bytes_and_read_to_its_last_member() {
        assert_eq!(content(b"plain\n", 100), Ok(b"plain\n".to_vec()));
        let members = [gzip("one\n"), gzip("two\n")].concat();
        assert_eq!(content(&members, 100), Ok(b"one\ntwo\n".to_vec()));
    }

    #[test]
    fn what_is_broken_or_too_large_is_told() {
        let broken = &gzip(&"one\n".repeat(100))[..20];
        assert!(matches!(content(broken, 1_000), Err(Unreadable::Broken(_))));
        let bomb = gzip(&"0".repeat(100_000));
        assert_eq!(content(&bomb, 1_000), Err(Unreadable::TooLarge));
        assert_eq!(content(b"12345", 4), Err(Unreadable::TooLarge));
    }

    #[test]
    fn each_line_is_json_or_a_text() {
        let lines = lines("a", b"{\"n\":1}\r\n\n  \nno JSON\n2");
        let read: Vec<_> = lines
            .iter()
            .map(|line| (line.number, line.value.clone(), line.is_json))
            .collect();
        assert_eq!(
            read,
            [
                (1, json!({"n": 1}), true),
                (4, json!("no JSON"), false),
                (5, json!(2), true)
            ]
        );
    }
}
