//! What a statement did, by the tag that the server completes it with (CommandComplete in "Message Formats").

use super::statement::Statement;

/// What a statement did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Did {
    /// Nothing outside of its session.
    Nothing,
    /// It read.
    Read,
    /// It changed something, or may have.
    Wrote,
    /// The transaction is over, by itself.
    EndedTransaction,
}

/// What a statement was answered with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rows {
    /// How many rows, or pieces of a copy, came.
    pub number: u64,
    /// It copied out.
    pub copied_out: bool,
}

/// Tags of statements that leave everything outside of their session as it was.
const NOTHING: [&str; 15] = [
    "BEGIN",
    "CLOSE CURSOR",
    "CLOSE CURSOR ALL",
    "DEALLOCATE",
    "DEALLOCATE ALL",
    "DECLARE CURSOR",
    "DISCARD ALL",
    "LISTEN",
    "LOCK TABLE",
    "PREPARE",
    "RELEASE",
    "RESET",
    "SAVEPOINT",
    "SET",
    "START TRANSACTION",
];

/// What a statement did that was completed with this tag.
///
/// A function that writes and is called by `SELECT` cannot be told from one that does not.
pub(super) fn did(tag: &str, statement: &Statement, rows: Rows) -> Did {
    let numbered = tag
        .rsplit_once(' ')
        .and_then(|(verb, number)| Some((verb, number.parse::<u64>().ok()?)));
    let (verb, number) = match numbered {
        Some((verb, number)) => (verb, Some(number)),
        None => (tag, None),
    };
    match (verb, number) {
        // `SELECT … INTO` and `CREATE TABLE … AS` count rows that they do not answer with.
        ("SELECT", Some(number)) if number != rows.number => Did::Wrote,
        ("SELECT" | "FETCH", Some(number)) => {
            let nothing = number == 0 && !statement.may_write_twice();
            match statement.may_write_unsaid() && !nothing {
                true => Did::Wrote,
                false => Did::Read,
            }
        }
        ("SHOW", None) => Did::Read,
        ("EXPLAIN", None) if !statement.writes() => Did::Read,
        ("COPY", Some(_)) if rows.copied_out => Did::Read,
        ("INSERT 0", Some(0)) if !statement.may_insert_nothing() => Did::Wrote,
        ("INSERT 0" | "UPDATE" | "DELETE" | "MERGE" | "COPY", Some(0)) if !statement.may_write_twice() => Did::Nothing,
        ("MOVE", Some(_)) => Did::Nothing,
        ("COMMIT" | "ROLLBACK", None) => Did::EndedTransaction,
        ("UNLISTEN", None) => Did::Nothing,
        _ if NOTHING.contains(&tag) => Did::Nothing,
        _ => Did::Wrote,
    }
}

#[cfg(test)]
mod tests {
    use super::super::statement::Reader;
    use super::*;

    fn did_by(text: &str, tag: &str, number: u64) -> Did {
        let mut reader = Reader::default();
        reader.read(text.as_bytes());
        let rows = Rows {
            number,
            copied_out: text.contains("TO STDOUT"),
        };
        did(tag, &reader.end(), rows)
    }

    #[test]
    fn reads_writes_and_what_is_neither_are_told_apart() {
        for (text, tag, rows, expected) in [
            ("SELECT 1", "SELECT 1", 1, Did::Read),
            ("SELECT * FROM outbox FOR UPDATE SKIP LOCKED", "SELECT 0", 0, Did::Read),
            ("SELECT * INTO copies FROM orders", "SELECT 3", 0, Did::Wrote),
            (
                "WITH d AS (DELETE FROM outbox RETURNING *) SELECT * FROM d",
                "SELECT 0",
                0,
                Did::Read,
            ),
            (
                "WITH d AS (DELETE FROM outbox RETURNING *) SELECT * FROM d",
                "SELECT 2",
                2,
                Did::Wrote,
            ),
            (
                "WITH d AS (DELETE FROM outbox RETURNING 1) SELECT count(*) FROM d",
                "SELECT 1",
                1,
                Did::Wrote,
            ),
            ("SHOW server_version", "SHOW", 1, Did::Read),
            ("EXPLAIN SELECT 1", "EXPLAIN", 3, Did::Read),
            ("EXPLAIN ANALYZE INSERT INTO t VALUES (1)", "EXPLAIN", 3, Did::Wrote),
            ("FETCH 10 FROM c", "FETCH 10", 10, Did::Read),
            ("INSERT INTO t VALUES (1)", "INSERT 0 1", 0, Did::Wrote),
            ("INSERT INTO t VALUES (1)", "INSERT 0 0", 0, Did::Wrote),
            (
                "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
                "INSERT 0 0",
                0,
                Did::Nothing,
            ),
            ("UPDATE t SET n = 1", "UPDATE 0", 0, Did::Nothing),
            ("UPDATE t SET n = 1", "UPDATE 2", 0, Did::Wrote),
            ("DELETE FROM t", "DELETE 0", 0, Did::Nothing),
            ("DELETE FROM t", "DELETE 10", 0, Did::Wrote),
            (
                "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE",
                "MERGE 0",
                0,
                Did::Nothing,
            ),
            (
                "WITH d AS (DELETE FROM a RETURNING 1) UPDATE t SET n = 1 WHERE false",
                "UPDATE 0",
                0,
                Did::Wrote,
            ),
            ("COPY t TO STDOUT", "COPY 3", 3, Did::Read),
            ("COPY t FROM STDIN", "COPY 3", 0, Did::Wrote),
            ("COPY t FROM STDIN", "COPY 0", 0, Did::Nothing),
            ("BEGIN", "BEGIN", 0, Did::Nothing),
            ("COMMIT", "COMMIT", 0, Did::EndedTransaction),
            ("ROLLBACK", "ROLLBACK", 0, Did::EndedTransaction),
            ("COMMIT PREPARED 'x'", "COMMIT PREPARED", 0, Did::Wrote),
            ("PREPARE TRANSACTION 'x'", "PREPARE TRANSACTION", 0, Did::Wrote),
            ("SET TIME ZONE 'UTC'", "SET", 0, Did::Nothing),
            ("LISTEN orders", "LISTEN", 0, Did::Nothing),
            ("NOTIFY orders", "NOTIFY", 0, Did::Wrote),
            ("CREATE TABLE t (n int)", "CREATE TABLE", 0, Did::Wrote),
            ("CALL settle()", "CALL", 0, Did::Wrote),
            ("DO $$ BEGIN END $$", "DO", 0, Did::Wrote),
        ] {
            assert_eq!(did_by(text, tag, rows), expected, "{text}: {tag}");
        }
    }
}
