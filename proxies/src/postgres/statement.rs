//! A statement's text, and what it may do. It is read as it comes.

use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

/// The longest word that is looked for.
const LONGEST: usize = 8;

/// How much of a text is kept, in bytes.
const KEPT: usize = 64 * 1024;

/// What is known of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    /// Its text's hash.
    pub hash: u64,
    /// Its text, or the beginning of a long one; nothing of one that was never seen.
    pub text: Arc<str>,
    /// How often a word stands in it that makes it write, two at most.
    writes: u8,
    /// It can hold statements within (`WITH`), or runs one that was prepared (`EXECUTE`).
    nests: bool,
    /// Its text was never seen.
    unseen: bool,
    /// It may be meant to insert no row: `ON CONFLICT`, `INSERT … SELECT`.
    may_insert_nothing: bool,
}

impl Statement {
    /// A statement whose text was never seen: one that SQL's own `PREPARE` made.
    pub fn unseen(name: u64) -> Self {
        Self {
            hash: name,
            unseen: true,
            ..Self::default()
        }
    }

    /// What a Sync does at the end of an implicit transaction.
    pub fn commit() -> Self {
        let mut reader = Reader::default();
        reader.read(b"COMMIT");
        reader.end()
    }

    /// Whether it may have written although it says that it read.
    pub fn may_write_unsaid(&self) -> bool {
        self.unseen || (self.nests && self.writes > 0)
    }

    /// Whether it may have written more than it says.
    pub fn may_write_twice(&self) -> bool {
        self.unseen || (self.nests && self.writes > 1)
    }

    /// Whether a word of it writes, wherever it stands.
    pub fn writes(&self) -> bool {
        self.unseen || self.writes > 0
    }

    /// Whether no row inserted means that nothing was. Where nothing in the text says so, a trigger may have put the row
    /// elsewhere.
    pub fn may_insert_nothing(&self) -> bool {
        !self.unseen && self.may_insert_nothing
    }
}

/// Reads a statement's text.
#[derive(Default)]
pub(super) struct Reader {
    hasher: DefaultHasher,
    text: Vec<u8>,
    statement: Statement,
    word: [u8; LONGEST],
    length: usize,
    /// The word before: `UPDATE` behind it is a clause.
    before: Before,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Before {
    /// `FOR UPDATE`, `FOR NO KEY UPDATE`, `DO UPDATE`.
    Clause,
    #[default]
    Other,
}

impl Reader {
    /// Some of the text.
    ///
    /// Strings and comments are read as the rest is: a word that says nothing there makes the statement one that may
    /// write, and that is the safe side.
    pub fn read(&mut self, text: &[u8]) {
        self.hasher.write(text);
        let room = KEPT - self.text.len();
        self.text.extend_from_slice(&text[..text.len().min(room)]);
        for byte in text {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..) {
                if let Some(place) = self.word.get_mut(self.length) {
                    *place = byte.to_ascii_lowercase();
                }
                self.length = (self.length + 1).min(LONGEST + 1);
            } else {
                self.end_word();
            }
        }
    }

    /// The text is over.
    pub fn end(mut self) -> Statement {
        self.end_word();
        self.statement.hash = self.hasher.finish();
        self.statement.text = String::from_utf8_lossy(&self.text).into();
        self.statement
    }

    fn end_word(&mut self) {
        let length = std::mem::take(&mut self.length);
        if length == 0 {
            return;
        }
        let before = std::mem::take(&mut self.before);
        let statement = &mut self.statement;
        let mut writes = || statement.writes = (statement.writes + 1).min(2);
        match self.word.get(..length) {
            Some(b"insert" | b"delete" | b"merge") => writes(),
            Some(b"update") if before != Before::Clause => writes(),
            Some(b"with") => statement.nests = true,
            Some(b"execute") => {
                statement.nests = true;
                statement.writes = 2;
            }
            Some(b"for" | b"key" | b"do") => self.before = Before::Clause,
            Some(b"conflict" | b"select") => statement.may_insert_nothing = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Statement {
        let mut reader = Reader::default();
        text.as_bytes().chunks(3).for_each(|part| reader.read(part));
        reader.end()
    }

    #[test]
    fn what_writes_within_a_read_is_seen() {
        for (text, unsaid, twice) in [
            (
                "SELECT * FROM outbox WHERE sent IS NULL FOR UPDATE SKIP LOCKED",
                false,
                false,
            ),
            ("with a as (select 1) SELECT * FROM a FOR NO KEY UPDATE", false, false),
            (
                "WITH a AS (DELETE FROM outbox RETURNING *) SELECT * FROM a",
                true,
                false,
            ),
            (
                "WITH a AS (\n  UPDATE jobs SET done=true RETURNING 1)SELECT count(*) FROM a",
                true,
                false,
            ),
            (
                "WITH a AS (UPDATE jobs SET n = 1 RETURNING 1) INSERT INTO audit SELECT * FROM a",
                true,
                true,
            ),
            ("WITH a AS (SELECT 1) UPDATE jobs SET n = 1", true, false),
            (
                "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET n = 1",
                false,
                false,
            ),
            ("EXECUTE claim(7)", true, true),
            ("SELECT updated_at, deleted FROM inserts", false, false),
        ] {
            let statement = read(text);
            assert_eq!(
                (statement.may_write_unsaid(), statement.may_write_twice()),
                (unsaid, twice),
                "{text}"
            );
        }
        let unseen = Statement::unseen(7);
        assert!(unseen.may_write_unsaid() && unseen.may_write_twice() && !unseen.may_insert_nothing());
    }

    #[test]
    fn a_row_that_was_not_inserted_may_be_elsewhere() {
        assert!(!read("INSERT INTO events (id) VALUES ($1)").may_insert_nothing());
        assert!(read("INSERT INTO events (id) VALUES ($1) ON CONFLICT DO NOTHING").may_insert_nothing());
        assert!(read("INSERT INTO events SELECT * FROM staged").may_insert_nothing());
    }

    #[test]
    fn the_hash_is_the_texts_however_it_comes() {
        let mut whole = Reader::default();
        whole.read(b"SELECT * FROM outbox");
        assert_eq!(whole.end().hash, read("SELECT * FROM outbox").hash);
        assert_ne!(read("SELECT 1").hash, read("SELECT 2").hash);
    }
}
