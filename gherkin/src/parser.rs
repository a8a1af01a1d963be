use std::ops::ControlFlow;

use crate::builder::{Builder, Title};
use crate::dialect::{Dialect, KeywordType};
use crate::document::{DocString, GherkinDocument};
use crate::error::{ErrorKind, ParseError};
use crate::grammar::{Kind, Owner, State, Titled};
use crate::hint;
use crate::line::{Line, Span};
use crate::location::Location;

/// The official parser gives up when it has more errors than this.
const MOST_ERRORS: usize = 10;

/// Goes through a file line by line.
pub(crate) struct Parser<'a> {
    lines: Vec<&'a str>,
    /// The number of the line that is read, from 1.
    number: u32,
    state: State,
    dialect: &'static Dialect,
    builder: Builder<'a>,
    doc: Option<OpenDoc<'a>>,
    errors: Vec<ParseError>,
}

/// The doc string that is read.
struct OpenDoc<'a> {
    delimiter: &'static str,
    media_type: &'a str,
    location: Location,
    lines: Vec<String>,
}

/// What a line turned out to be.
enum Token<'a> {
    End,
    Empty,
    Comment,
    Language(&'static Dialect),
    Tags(Vec<Span>),
    Title(Titled, &'static str, &'a str),
    Step(&'static str, KeywordType, &'a str),
    Row,
    Delimiter(&'static str, &'a str),
    Text,
}

/// Breaks off when there are too many errors.
type Flow<T = ()> = ControlFlow<(), T>;

impl<'a> Parser<'a> {
    /// A parser at the beginning of a file.
    pub(crate) fn new(source: &'a str) -> Self {
        #[expect(clippy::expect_used, reason = "languages.json has English; its tests say so")]
        let dialect = Dialect::named("en").expect("languages.json has English");
        Self {
            lines: source.strip_prefix('\u{feff}').unwrap_or(source).lines().collect(),
            number: 0,
            state: State::Start,
            dialect,
            builder: Builder::default(),
            doc: None,
            errors: Vec::new(),
        }
    }

    /// Reads the file.
    pub(crate) fn run(mut self) -> Result<GherkinDocument, Vec<ParseError>> {
        let mut flow = Flow::Continue(());
        while flow.is_continue() && self.number as usize <= self.lines.len() {
            self.number += 1;
            flow = self.read();
        }
        if self.errors.is_empty() {
            Ok(self.builder.finish())
        } else {
            Err(self.errors)
        }
    }

    /// The line of that number; nothing past the end.
    fn line(&self, number: u32) -> Option<Line<'a>> {
        let raw = self.lines.get(number as usize - 1)?;
        Some(Line::new(raw, number))
    }

    /// Reads the current line.
    fn read(&mut self) -> Flow {
        let line = self.line(self.number);
        for kind in self.state.accepts() {
            if let Some(token) = self.matches(*kind, line.as_ref())? {
                return self.take(token, line.as_ref());
            }
        }
        self.unexpected(line.as_ref())
    }

    /// The line as one of that kind; a faulty one is told, and is none.
    fn matches(&mut self, kind: Kind, line: Option<&Line<'a>>) -> Flow<Option<Token<'a>>> {
        let Some(line) = line else {
            return Flow::Continue((kind == Kind::End).then_some(Token::End));
        };
        let titled = |titled, keywords: &[&'static str]| {
            let (keyword, name) = line.title(keywords)?;
            Some(Token::Title(titled, keyword, name))
        };
        let first = line.text.chars().next();
        Flow::Continue(match kind {
            Kind::End => None,
            Kind::Empty => first.is_none().then_some(Token::Empty),
            Kind::Comment => (first == Some('#')).then_some(Token::Comment),
            Kind::Language => match line.language() {
                None => None,
                Some(name) => match Dialect::named(name) {
                    Some(dialect) => Some(Token::Language(dialect)),
                    None => {
                        self.error(ParseError {
                            kind: ErrorKind::NoSuchLanguage,
                            location: line.location(),
                            message: format!("there is no language `{name}`"),
                            hint: hint::language(name),
                        })?;
                        None
                    }
                },
            },
            Kind::Tags if first == Some('@') => match line.tags() {
                Ok(tags) => Some(Token::Tags(tags)),
                Err(column) => {
                    self.error(ParseError {
                        kind: ErrorKind::SpaceInTag,
                        location: Location::new(line.number, column),
                        message: "a tag has no space in it".to_owned(),
                        hint: Some("each tag begins with `@`, a comment with `#`".to_owned()),
                    })?;
                    None
                }
            },
            Kind::Tags => None,
            Kind::Row => (first == Some('|')).then_some(Token::Row),
            Kind::Delimiter => match &self.doc {
                Some(doc) => line
                    .text
                    .starts_with(doc.delimiter)
                    .then_some(Token::Delimiter(doc.delimiter, "")),
                None => line
                    .opening()
                    .map(|(delimiter, rest)| Token::Delimiter(delimiter, rest)),
            },
            Kind::Feature => titled(Titled::Feature, &self.dialect.feature),
            Kind::Rule => titled(Titled::Rule, &self.dialect.rule),
            Kind::Background => titled(Titled::Background, &self.dialect.background),
            Kind::Scenario => titled(Titled::Scenario, &self.dialect.scenario),
            Kind::Examples => titled(Titled::Examples, &self.dialect.examples),
            Kind::Step => line
                .step(self.dialect)
                .map(|(word, kind, text)| Token::Step(word, kind, text)),
            Kind::Text => Some(Token::Text),
        })
    }

    /// Takes a line for what it is: ends what it ends, and begins what it begins.
    fn take(&mut self, token: Token<'a>, line: Option<&Line<'a>>) -> Flow {
        let next = self.next(&token)?;
        self.end(&token)?;
        let Some(line) = line else {
            return Flow::Continue(());
        };
        match token {
            Token::End | Token::Empty => {}
            Token::Comment => self.builder.comment(line),
            Token::Language(dialect) => self.dialect = dialect,
            Token::Tags(tags) => self.builder.tags(line, tags),
            Token::Title(titled, keyword, name) => {
                let title = Title {
                    location: line.location(),
                    keyword,
                    name,
                };
                self.builder.title(titled, &title, self.dialect);
            }
            Token::Step(keyword, kind, text) => self.builder.step(line, (keyword, kind, text)),
            Token::Row if next == State::ExamplesTable => self.builder.examples_row(line),
            Token::Row => self.builder.step_row(line),
            Token::Delimiter(delimiter, media_type) => match self.doc.take() {
                None => {
                    let location = line.location();
                    self.doc = Some(OpenDoc {
                        delimiter,
                        media_type,
                        location,
                        lines: Vec::new(),
                    });
                }
                Some(doc) => self.builder.doc_string(DocString {
                    location: doc.location,
                    media_type: (!doc.media_type.is_empty()).then(|| doc.media_type.to_owned()),
                    content: doc.lines.join("\n"),
                    delimiter: doc.delimiter,
                }),
            },
            Token::Text => match &mut self.doc {
                Some(doc) => {
                    let text = line.in_doc_string(doc.delimiter, doc.location.column - 1);
                    doc.lines.push(text);
                }
                None => self.builder.describe(line),
            },
        }
        self.state = next;
        Flow::Continue(())
    }

    /// The state after a line.
    fn next(&mut self, token: &Token<'a>) -> Flow<State> {
        Flow::Continue(match (token, self.state) {
            (Token::Comment | Token::Text, State::Title(titled)) => State::Description(titled),
            (Token::End | Token::Empty | Token::Comment | Token::Text, state) => state,
            (Token::Language(_), _) => State::Language,
            (Token::Tags(_), state) => self.tags_of(state)?,
            (Token::Title(titled, ..), _) => State::Title(*titled),
            (Token::Step(..), State::Title(Titled::Background))
            | (Token::Step(..), State::Description(Titled::Background)) => State::Step(Owner::Background),
            (Token::Row, State::Step(owner)) => State::Table { owner, doc: false },
            (Token::Row, State::ClosedDoc { owner, .. }) => State::Table { owner, doc: true },
            (Token::Row, state @ State::Table { .. }) => state,
            (Token::Row, _) => State::ExamplesTable,
            (Token::Delimiter(..), State::OpenDoc { owner, table }) => State::ClosedDoc { owner, table },
            (Token::Delimiter(..), State::Table { owner, .. }) => State::OpenDoc { owner, table: true },
            (Token::Delimiter(..), State::Step(owner)) => State::OpenDoc { owner, table: false },
            (Token::Step(..), State::Step(owner) | State::Table { owner, .. } | State::ClosedDoc { owner, .. }) => {
                State::Step(owner)
            }
            (Token::Step(..), _) => State::Step(Owner::Scenario),
            (Token::Delimiter(..), state) => state,
        })
    }

    /// Whose tags a line of tags begins: that is seen at the first line below that is neither blank
    /// nor comment nor tags.
    fn tags_of(&mut self, state: State) -> Flow<State> {
        Flow::Continue(match state {
            State::Start | State::Language | State::FeatureTags => State::FeatureTags,
            State::RuleTags | State::ScenarioTags | State::ExamplesTags => state,
            _ if state.accepts().contains(&Kind::Examples) && self.ahead(Kind::Examples)? => State::ExamplesTags,
            _ if self.ahead(Kind::Scenario)? => State::ScenarioTags,
            _ => State::RuleTags,
        })
    }

    /// Whether a line of that kind comes next.
    fn ahead(&mut self, kind: Kind) -> Flow<bool> {
        for number in self.number + 1.. {
            let Some(line) = self.line(number) else { break };
            if self.matches(kind, Some(&line))?.is_some() {
                return Flow::Continue(true);
            }
            let first = line.text.chars().next();
            if matches!(first, None | Some('#')) {
                continue;
            }
            if self.matches(Kind::Tags, Some(&line))?.is_none() {
                break;
            }
        }
        Flow::Continue(false)
    }

    /// Ends the description or table that this line ends.
    fn end(&mut self, token: &Token<'a>) -> Flow {
        let odd = match (self.state, token) {
            (State::Description(_), Token::Comment | Token::Text) => None,
            (State::Description(titled), _) => {
                self.builder.end_description(titled);
                None
            }
            (State::Table { .. } | State::ExamplesTable, Token::Row | Token::Comment | Token::Empty) => None,
            (State::Table { .. }, _) => self.builder.odd_step_row(),
            (State::ExamplesTable, _) => self.builder.odd_examples_row(),
            _ => None,
        };
        let Some((row, expected)) = odd else {
            return Flow::Continue(());
        };
        let (location, found) = (row.location, row.cells.len());
        let raw = self.lines.get(location.line as usize - 1).copied().unwrap_or_default();
        self.error(ParseError {
            kind: ErrorKind::InconsistentCells,
            location,
            message: format!("expected {expected} cells, as in the first row of the table, found {found}"),
            hint: hint::cells(raw),
        })
    }

    /// Tells that this line, or the end, must not come now.
    fn unexpected(&mut self, line: Option<&Line<'a>>) -> Flow {
        let expected = expected(self.state);
        let error = match line {
            Some(line) => ParseError {
                kind: ErrorKind::UnexpectedLine,
                location: line.location(),
                message: format!("expected {expected}, found `{}`", line.text.trim_end()),
                hint: hint::line(line, self.state, self.dialect),
            },
            None => ParseError {
                kind: ErrorKind::UnexpectedEnd,
                location: Location::new(self.number, 0),
                message: match &self.doc {
                    Some(doc) => {
                        format!("expected `{}`, found the end of the file", doc.delimiter)
                    }
                    None => format!("expected {expected}, found the end of the file"),
                },
                hint: self.doc.as_ref().map(|doc| {
                    let OpenDoc {
                        delimiter, location, ..
                    } = doc;
                    format!(
                        "the doc string that line {} opens ends with `{delimiter}`",
                        location.line
                    )
                }),
            },
        };
        self.error(error)
    }

    /// Tells an error, once.
    fn error(&mut self, error: ParseError) -> Flow {
        if self.errors.contains(&error) {
            return Flow::Continue(());
        }
        self.errors.push(error);
        if self.errors.len() > MOST_ERRORS {
            Flow::Break(())
        } else {
            Flow::Continue(())
        }
    }
}

/// The kinds of lines that a state takes, in words.
fn expected(state: State) -> String {
    let words: Vec<_> = state.accepts().iter().filter_map(|kind| kind.words()).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}
