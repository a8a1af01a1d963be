//! How the text of a statement is told: without the values in it, and with the tables that it names, as sqlparser reads
//! PostgreSQL's SQL.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use sqlparser::ast::{CopySource, ObjectName, Query, Statement, Visit, Visitor};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::reads::hash_of;

/// What stands in a value's place.
const VALUE: &str = "?";
/// How many characters of a text are told.
const LONGEST: usize = 2_000;
/// How many texts are remembered at most, each way.
const MOST: usize = 4_096;

/// One statement of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Its text in one line, without comments.
    pub text: String,
    /// The tables and views that it names, as it names them; none where it cannot be read.
    pub tables: Option<Arc<[String]>>,
}

/// What was read before: services ask the same again and again.
#[derive(Default)]
struct Known {
    /// By the hash of a text, and whether its values are shown.
    texts: HashMap<(u64, bool), Arc<[Told]>>,
    /// By the hash of a statement without its values.
    tables: HashMap<u64, Option<Arc<[String]>>>,
}

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// The statements of a text with this hash, in their order; with the values that stand in it where these are `shown`.
pub(super) fn statements(hash: u64, text: &str, shown: bool) -> Arc<[Told]> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(told) = known.texts.get(&(hash, shown)) {
        return Arc::clone(told);
    }
    if known.texts.len() >= MOST || known.tables.len() >= MOST {
        *known = Known::default();
    }
    let mut tokens = Vec::new();
    // What comes before a token that cannot be read is told.
    let whole = Tokenizer::new(&PostgreSqlDialect {}, text)
        .tokenize_with_location_into_buf(&mut tokens)
        .is_ok();
    let tokens: Vec<Token> = tokens.into_iter().map(|TokenWithSpan { token, .. }| token).collect();
    let statements = tokens.split(|token| *token == Token::SemiColon);
    let told: Arc<[Told]> = statements
        .filter(|tokens| tokens.iter().any(|token| !matches!(token, Token::Whitespace(_))))
        .map(|tokens| {
            let masked = in_one_line(tokens, false);
            let tables = known.tables.entry(hash_of(&masked));
            Told {
                tables: tables.or_insert_with(|| tables_of(tokens).filter(|_| whole)).clone(),
                text: cut(if shown { in_one_line(tokens, true) } else { masked }),
            }
        })
        .collect();
    known.texts.insert((hash, shown), Arc::clone(&told));
    told
}

/// A statement in one line, without comments.
fn in_one_line(tokens: &[Token], shown: bool) -> String {
    let mut text = String::new();
    for token in tokens {
        match token {
            Token::Whitespace(_) if text.ends_with(' ') || text.is_empty() => {}
            Token::Whitespace(_) => text.push(' '),
            token if !shown && is_value(token) => text.push_str(VALUE),
            token => text.push_str(&token.to_string().replace(['\n', '\r'], " ")),
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn is_value(token: &Token) -> bool {
    matches!(
        token,
        Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::SingleQuotedByteStringLiteral(_)
            | Token::SingleQuotedRawStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::CopyData { .. }
    )
}

fn cut(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The tables that a statement names, sorted; none where sqlparser cannot read it.
fn tables_of(tokens: &[Token]) -> Option<Arc<[String]>> {
    let mut parser = Parser::new(&PostgreSqlDialect {}).with_tokens(tokens.to_vec());
    let statement = parser.parse_statement().ok()?;
    if parser.peek_token() != Token::EOF {
        return None;
    }
    let mut names = Names::default();
    let _never_breaks = statement.visit(&mut names);
    let Names { mut named, within } = names;
    named.retain(|name| !within.contains(name));
    Some(named.into_iter().collect())
}

/// The relations of a statement.
#[derive(Default)]
struct Names {
    named: BTreeSet<String>,
    /// The names that queries of `WITH` have.
    within: BTreeSet<String>,
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            // sqlparser does not visit it.
            Statement::Copy {
                source: CopySource::Table { table_name, .. },
                ..
            } => self.pre_visit_relation(table_name),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let queries = query.with.iter().flat_map(|with| &with.cte_tables);
        self.within
            .extend(queries.map(|query| query.alias.name.value.to_lowercase()));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        // What is not quoted is in lower case at the server.
        let parts = relation.0.iter().map(|part| match part.as_ident() {
            Some(name) if name.quote_style.is_some() => name.value.clone(),
            Some(name) => name.value.to_lowercase(),
            None => part.to_string(),
        });
        self.named.insert(parts.collect::<Vec<_>>().join("."));
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(String, Option<String>)> {
        let told = statements(hash_of(text), text, false);
        let one = |told: &Told| (told.text.clone(), told.tables.as_ref().map(|tables| tables.join(" ")));
        told.iter().map(one).collect()
    }

    #[test]
    fn values_are_masked_and_tables_named() {
        for (text, shown, tables) in [
            (
                "SELECT *\n  FROM Orders o JOIN public.items USING (id) -- of ada\n WHERE name = 'ada' AND n > 7 AND m = $1",
                "SELECT * FROM Orders o JOIN public.items USING (id) WHERE name = ? AND n > ? AND m = $1",
                Some("orders public.items"),
            ),
            (
                "WITH taken AS (DELETE FROM outbox RETURNING *) INSERT INTO \"Sent\" SELECT * FROM taken",
                "WITH taken AS (DELETE FROM outbox RETURNING *) INSERT INTO \"Sent\" SELECT * FROM taken",
                Some("Sent outbox"),
            ),
            (
                "insert into invoices (id, amount) values ('i-1', 12.50) on conflict do nothing",
                "insert into invoices (id, amount) values (?, ?) on conflict do nothing",
                Some("invoices"),
            ),
            (
                "UPDATE jobs SET state = E'it\\'s', body = $$a;b$$ WHERE id IN (SELECT id FROM due)",
                "UPDATE jobs SET state = ?, body = ? WHERE id IN (SELECT id FROM due)",
                Some("due jobs"),
            ),
            ("COPY t (a, b) FROM STDIN", "COPY t (a, b) FROM STDIN", Some("t")),
            ("TRUNCATE a, b", "TRUNCATE a, b", Some("a b")),
            (
                "ALTER ROLE app PASSWORD 'secret'",
                "ALTER ROLE app PASSWORD ?",
                Some(""),
            ),
            (
                "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE",
                "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE",
                Some("s t"),
            ),
            ("BEGIN", "BEGIN", Some("")),
            ("SELECT FROM WHERE 'x'", "SELECT FROM WHERE ?", None),
        ] {
            let expected = vec![(shown.to_owned(), tables.map(str::to_owned))];
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn statements_of_one_text_are_told_apart() {
        let told = told("SET x = 1; SELECT ';' FROM a ;; SELECT 2 FROM b");
        let expected = [
            ("SET x = ?", Some("")),
            ("SELECT ? FROM a", Some("a")),
            ("SELECT ? FROM b", Some("b")),
        ];
        assert_eq!(
            told,
            expected.map(|(text, tables)| (text.to_owned(), tables.map(str::to_owned)))
        );
    }

    #[test]
    fn what_is_cut_off_is_told_as_far_as_it_goes() {
        assert_eq!(
            told("INSERT INTO t VALUES (1, 'abc"),
            [("INSERT INTO t VALUES (?,".to_owned(), None)]
        );
        assert_eq!(told(""), []);
        let long = format!("SELECT {}", "a, ".repeat(LONGEST));
        assert_eq!(told(&long)[0].0.chars().count(), LONGEST + 1);
    }

    #[test]
    fn values_are_shown_where_that_is_asked_for() {
        let text = "SELECT 7, 'ada'  FROM t";
        let shown = |shown| statements(hash_of(text), text, shown)[0].text.clone();
        assert_eq!(
            [shown(true), shown(false)],
            ["SELECT 7, 'ada' FROM t", "SELECT ?, ? FROM t"]
        );
    }
}
