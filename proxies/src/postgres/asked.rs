//! What a client sends in a session, and what of it is answered.

use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use super::statement::{Reader, Statement};

/// What a client asked, and the server answers in this order. Names of prepared statements and portals are hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Statements, one or several, up to their ReadyForQuery.
    Query { statement: Statement, answered: u32 },
    /// Prepare a statement.
    Parse { name: u64, statement: Statement },
    /// Make a portal of a prepared statement, with parameters.
    Bind {
        portal: u64,
        statement: u64,
        /// The hash of the parameters.
        parameters: u64,
        /// Their bytes as they came, where they are kept.
        kept: Arc<[u8]>,
    },
    /// Run a portal, or go on with it.
    Execute { portal: u64 },
    /// Tell the shape of a statement or portal.
    Describe,
    /// Forget a prepared statement or a portal.
    Close { portal: bool, name: u64 },
    /// Call a function, up to its ReadyForQuery.
    Call,
    /// End the implicit transaction, up to the ReadyForQuery.
    Sync,
}

impl Asked {
    /// Whether a ReadyForQuery ends it.
    pub fn ends_ready(&self) -> bool {
        matches!(self, Self::Query { .. } | Self::Call | Self::Sync)
    }
}

/// A complete message of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It is answered.
    Asked(Asked),
    /// The data of a copy are over.
    Copied,
    /// It has no answer of its own.
    Other,
}

/// A message of a client while it comes.
#[derive(Default)]
pub(super) struct Message {
    kind: u8,
    /// How many of its strings are over.
    strings: usize,
    /// What the first byte says of a Close or Describe.
    sort: Option<u8>,
    names: [DefaultHasher; 2],
    text: Reader,
    rest: DefaultHasher,
    /// The beginning of what the rest is, where it is to be kept.
    kept: Option<Vec<u8>>,
}

/// How much of the parameters of a statement is kept, in bytes.
const KEPT: usize = 4 * 1024;

impl Message {
    /// A message of this kind begins, whose parameters are kept or not; none of one that a client does not send.
    pub fn begin(kind: u8, keeps: bool) -> Option<Self> {
        b"QPBEDCFSHXpdcf".contains(&kind).then(|| Self {
            kind,
            kept: (keeps && kind == b'B').then(Vec::new),
            ..Self::default()
        })
    }

    /// Whether it is answered, with everything up to a ReadyForQuery.
    pub fn opens(&self) -> bool {
        b"QPBEDCFS".contains(&self.kind)
    }

    /// Some of its content.
    pub fn content(&mut self, mut bytes: &[u8]) {
        if matches!(self.kind, b'C' | b'D')
            && self.sort.is_none()
            && let [first, rest @ ..] = bytes
        {
            (self.sort, bytes) = (Some(*first), rest);
        }
        // Names, and behind them perhaps a text; each ends with a zero.
        let (names, texts) = match self.kind {
            b'Q' => (0, 1),
            b'P' => (1, 1),
            b'B' => (2, 0),
            b'E' | b'C' => (1, 0),
            _ => return,
        };
        while self.strings < names + texts && !bytes.is_empty() {
            let end = bytes.iter().position(|byte| *byte == 0);
            let (part, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            match self.names.get_mut(self.strings).filter(|_| self.strings < names) {
                Some(name) => name.write(part),
                None => self.text.read(part),
            }
            self.strings += usize::from(end.is_some());
            bytes = rest.get(1..).unwrap_or_default();
        }
        self.rest.write(bytes);
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(&bytes[..bytes.len().min(KEPT - kept.len())]);
        }
    }

    /// It is complete.
    pub fn end(self) -> Sent {
        let [first, second] = self.names.map(|name| name.finish());
        Sent::Asked(match self.kind {
            b'Q' => Asked::Query {
                statement: self.text.end(),
                answered: 0,
            },
            b'P' => Asked::Parse {
                name: first,
                statement: self.text.end(),
            },
            b'B' => Asked::Bind {
                portal: first,
                statement: second,
                parameters: self.rest.finish(),
                kept: self.kept.unwrap_or_default().into(),
            },
            b'E' => Asked::Execute { portal: first },
            b'D' => Asked::Describe,
            b'C' => Asked::Close {
                portal: self.sort == Some(b'P'),
                name: first,
            },
            b'F' => Asked::Call,
            b'S' => Asked::Sync,
            b'c' | b'f' => return Sent::Copied,
            _ => return Sent::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(kind: u8, content: &[u8], size: usize) -> Sent {
        let mut message = Message::begin(kind, false).expect("a client sends it");
        content.chunks(size).for_each(|part| message.content(part));
        message.end()
    }

    #[test]
    fn a_message_is_read_however_its_bytes_come() {
        let bind = |content: &[u8], size| match sent(b'B', content, size) {
            Sent::Asked(Asked::Bind {
                portal,
                statement,
                parameters,
                ..
            }) => (portal, statement, parameters),
            other => panic!("{other:?}"),
        };
        let Sent::Asked(Asked::Parse { name, statement }) = sent(b'P', b"s1\0SELECT $1 FOR UPDATE\0\0\0", 1) else {
            panic!("it is a Parse")
        };
        let whole = bind(b"\0s1\0\0\0\0\x01seven\0\0", 100);
        assert_eq!(whole.1, name);
        for size in 1..14 {
            assert_eq!(bind(b"\0s1\0\0\0\0\x01seven\0\0", size), whole);
        }
        assert_ne!(bind(b"\0s1\0\0\0\0\x01eight\0\0", 100).2, whole.2);
        let query = sent(b'Q', b"SELECT $1 FOR UPDATE\0", 7);
        assert_eq!(query, Sent::Asked(Asked::Query { statement, answered: 0 }));
        assert_eq!(
            sent(b'C', b"Ss1\0", 1),
            Sent::Asked(Asked::Close { portal: false, name })
        );
        assert_eq!(
            sent(b'E', b"\0\0\0\0\0", 2),
            Sent::Asked(Asked::Execute { portal: whole.0 })
        );
    }

    #[test]
    fn what_no_client_sends_is_no_message() {
        assert!(Message::begin(b'Z', false).is_none());
        assert!(!Message::begin(b'd', false).expect("data of a copy").opens());
    }
}
