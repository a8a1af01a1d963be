//! The statements of an SQL file, each with its place, and errors that name it.
//!
//! Each statement is sent on its own, as psql does, so that a file may hold what does not work inside a transaction block, and so that an
//! error without a position of its own still has a line.

use std::path::PathBuf;

use tokio_postgres::error::{DbError, ErrorPosition};

/// A statement of a schema's file that the server refused.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}:{column}: {message}{}", file.display(), state.as_ref().map(|state| format!(" (SQLSTATE {state})")).unwrap_or_default())]
pub struct SqlError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1: where the server saw the error, else where its statement begins.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What the server said, with its detail and hint on lines of their own.
    pub message: String,
    /// The server's code for it; none when the conversation itself failed.
    pub state: Option<String>,
}

/// One statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    pub(super) text: &'a str,
    /// Where it begins in its file, in bytes.
    offset: usize,
}

impl Statement<'_> {
    /// The error of this statement, in `sql`, the text of `file`.
    pub(super) fn error(&self, file: PathBuf, sql: &str, error: &tokio_postgres::Error) -> SqlError {
        let db_error = error.as_db_error();
        let offset = match db_error.and_then(DbError::position) {
            // In characters, from 1 (protocol-error-fields).
            Some(ErrorPosition::Original(position)) => {
                let characters = (*position as usize).saturating_sub(1);
                self.offset
                    + self
                        .text
                        .char_indices()
                        .nth(characters)
                        .map_or(self.text.len(), |(offset, _)| offset)
            }
            Some(ErrorPosition::Internal { .. }) | None => self.offset,
        };
        let before = &sql[..offset];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        SqlError {
            file,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: db_error.map_or_else(|| unexpected(error), describe),
            state: db_error.map(|error| error.code().code().to_owned()),
        }
    }
}

fn describe(error: &DbError) -> String {
    let mut text = error.message().to_owned();
    for (name, more) in [("detail", error.detail()), ("hint", error.hint())] {
        if let Some(more) = more {
            text.push_str(&format!("\n{name}: {more}"));
        }
    }
    text
}

fn unexpected(error: &tokio_postgres::Error) -> String {
    let cause = std::error::Error::source(error)
        .map(|source| format!(": {source}"))
        .unwrap_or_default();
    format!("{error}{cause}\nhint: `COPY … FROM stdin` with data in the file is not read")
}

/// Splits as psql does: at semicolons outside of quotes, comments, brackets and the `BEGIN ATOMIC … END` of a function's body.
pub(super) fn split(sql: &str) -> Vec<Statement<'_>> {
    let mut statements = Vec::new();
    let mut scanner = Scanner {
        bytes: sql.as_bytes(),
        at: 0,
    };
    let mut start = None;
    let (mut brackets, mut blocks) = (0_usize, 0_usize);
    let mut words: Vec<String> = Vec::new();
    while let Some(token) = scanner.next() {
        let (begin, end) = (token.begin, scanner.at);
        match token.kind {
            Kind::Blank => continue,
            Kind::Semicolon if brackets == 0 && blocks == 0 => {
                if let Some(start) = start.take() {
                    statements.push(Statement {
                        text: &sql[start..begin],
                        offset: start,
                    });
                }
                words.clear();
                continue;
            }
            Kind::Open => brackets += 1,
            Kind::Close => brackets = brackets.saturating_sub(1),
            Kind::Word => {
                let word = sql[begin..end].to_ascii_lowercase();
                if makes_routine(&words) && brackets == 0 {
                    match word.as_str() {
                        "begin" => blocks += 1,
                        "case" if blocks > 0 => blocks += 1,
                        "end" => blocks = blocks.saturating_sub(1),
                        _ => {}
                    }
                }
                if words.len() < 4 {
                    words.push(word);
                }
            }
            Kind::Semicolon | Kind::Other => {}
        }
        start.get_or_insert(begin);
    }
    if let Some(start) = start {
        statements.push(Statement {
            text: sql[start..].trim_end(),
            offset: start,
        });
    }
    statements
}

fn makes_routine(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(
        words.as_slice(),
        ["create", "function" | "procedure", ..] | ["create", "or", "replace", "function" | "procedure", ..]
    )
}

enum Kind {
    Blank,
    Semicolon,
    Open,
    Close,
    Word,
    Other,
}

struct Token {
    kind: Kind,
    begin: usize,
}

/// Reads SQL as far as it takes to see where statements end (sql-syntax-lexical). All that matters is ASCII, so bytes will do.
struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn next(&mut self) -> Option<Token> {
        let begin = self.at;
        let rest = &self.bytes[begin..];
        let kind = match *rest.first()? {
            b'-' if rest.starts_with(b"--") => {
                self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                Kind::Blank
            }
            b'/' if rest.starts_with(b"/*") => {
                self.comment();
                Kind::Blank
            }
            b'\'' => self.quoted(b'\'', false),
            b'"' => self.quoted(b'"', false),
            b'e' | b'E' if rest.get(1) == Some(&b'\'') => {
                self.at += 1;
                self.quoted(b'\'', true)
            }
            b'$' => self.dollar_quoted(),
            byte if is_word(byte) => {
                self.at += rest
                    .iter()
                    .position(|byte| !is_word(*byte) && *byte != b'$')
                    .unwrap_or(rest.len());
                Kind::Word
            }
            byte => {
                self.at += 1;
                match byte {
                    b';' => Kind::Semicolon,
                    b'(' => Kind::Open,
                    b')' => Kind::Close,
                    byte if byte.is_ascii_whitespace() => Kind::Blank,
                    _ => Kind::Other,
                }
            }
        };
        Some(Token { kind, begin })
    }

    /// Comments nest.
    fn comment(&mut self) {
        let mut depth = 0;
        while self.at < self.bytes.len() {
            let step = match &self.bytes[self.at..] {
                [b'/', b'*', ..] => (2, 1),
                [b'*', b'/', ..] => (2, -1),
                _ => (1, 0),
            };
            self.at += step.0;
            depth += step.1;
            if depth == 0 {
                return;
            }
        }
    }

    /// A doubled quote is two quoted texts side by side, which ends at the same place.
    fn quoted(&mut self, quote: u8, backslashes: bool) -> Kind {
        self.at += 1;
        while let Some(byte) = self.bytes.get(self.at) {
            self.at += 1;
            if *byte == b'\\' && backslashes {
                self.at = (self.at + 1).min(self.bytes.len());
            } else if *byte == quote {
                break;
            }
        }
        Kind::Other
    }

    fn dollar_quoted(&mut self) -> Kind {
        let rest = &self.bytes[self.at..];
        let tag = rest[1..]
            .iter()
            .position(|byte| !is_word(*byte))
            .map(|length| &rest[..length + 2]);
        match tag {
            Some(tag) if tag.ends_with(b"$") && !tag[1].is_ascii_digit() => {
                let body = &rest[tag.len()..];
                let end = body.windows(tag.len()).position(|window| window == tag);
                self.at += end.map_or(rest.len(), |end| tag.len() + end + tag.len());
            }
            _ => self.at += 1,
        }
        Kind::Other
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        split(sql).into_iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn semicolons_end_statements_and_the_last_needs_none() {
        assert_eq!(
            texts("select 1; ;\n-- only; a comment\nselect 2 "),
            ["select 1", "select 2"]
        );
        assert_eq!(texts(" -- nothing;\n/* at /* all; */ ; */ "), Vec::<&str>::new());
    }

    #[test]
    fn quoted_semicolons_end_nothing() {
        for statement in [
            "select ';', 'it''s;', \"a;\"\"b\", E'\\';', e'\\\\'",
            "do $$ begin; perform 1; end $$",
            "select $a_1$ ; $$ ; $b$ ; $a_1$",
            "select $1; ".trim_end_matches("; "),
            "create rule r as on insert to t do also (insert into u values (1); insert into v values (2))",
            "select 1 /* ; /* ; */ ; */ + 1",
        ] {
            assert_eq!(texts(&format!("{statement};select 2")), [statement, "select 2"]);
        }
    }

    #[test]
    fn the_body_of_a_routine_is_part_of_it() {
        let routine =
            "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END";
        assert_eq!(texts(&format!("{routine}; select 2")), [routine, "select 2"]);
        assert_eq!(
            texts("begin; insert into t values (1); end"),
            ["begin", "insert into t values (1)", "end"]
        );
    }

    #[test]
    fn what_is_never_closed_reaches_to_the_end() {
        for sql in [
            "select 'open; ",
            "select $$ open; ",
            "select \"open; ",
            "select 1 /* open; ",
            "select E'\\",
        ] {
            assert_eq!(texts(sql), [sql.trim_end()]);
        }
    }
}
