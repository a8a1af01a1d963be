//! An error of a user's file, or a warning, drawn on the user's own line.

use std::fmt;

use momus_engine::event::{Happening, ScenarioPlace};
use momus_engine::mesh::MeshError;
use momus_engine::phrase::Phrase;
use momus_engine::plan::PlanError;
use momus_gherkin::ParseError;

/// An error of a user's file, or a warning: what, where, and what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What it is.
    pub severity: Severity,
    /// The file as the user named it.
    pub file: Box<str>,
    /// From 1; 0 where the error is the file as a whole.
    pub line: usize,
    /// From 1, in characters; 0 where the error is the line as a whole.
    pub column: usize,
    /// The line as it stands in the file.
    pub source: Option<Box<str>>,
    /// What is wrong, in lower case.
    pub message: String,
    /// The other lines that it is about.
    pub also: Box<[Also]>,
    /// What the user may do, one thing a line.
    pub hints: Vec<String>,
}

/// What a diagnostic keeps from being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Everything.
    Error,
    /// Nothing.
    Warning,
}

/// A line that an error is about as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Also {
    /// The file as the user named it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The line as it stands in the file.
    pub source: Option<String>,
    /// What stands there.
    pub what: &'static str,
}

impl Diagnostic {
    /// The file as a whole is wrong.
    pub fn whole(file: impl Into<Box<str>>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.into(),
            line: 0,
            column: 0,
            source: None,
            message: message.into(),
            also: Box::default(),
            hints: Vec::new(),
        }
    }

    /// Adds what the user may do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// An error of the grammar in a feature file of this text.
    pub fn of_parse(file: &str, text: &str, error: &ParseError) -> Self {
        Self {
            line: error.location.line as usize,
            column: error.location.column as usize,
            source: line_of(text, error.location.line as usize).map(Into::into),
            hints: error.hint.iter().cloned().collect(),
            ..Self::whole(file, error.message.clone())
        }
    }

    /// An error of a plan; `line_of` gives the lines of files.
    pub fn of_plan<'l>(line_of: &impl Fn(&str, usize) -> Option<&'l str>, error: &PlanError) -> Self {
        let source = |file: &str, line: u32| line_of(file, line as usize).map(str::to_owned);
        let also = error.also.iter().map(|place| Also {
            file: place.file.clone(),
            line: place.location.line as usize,
            column: place.location.column as usize,
            source: source(&place.file, place.location.line),
            what: place.what,
        });
        Self {
            line: error.location.line as usize,
            column: error.location.column as usize,
            source: source(&error.file, error.location.line).map(Into::into),
            hints: error.hints(),
            also: also.collect(),
            ..Self::whole(error.file.clone(), error.message())
        }
    }

    /// The warning of a phrase that nothing calls, whose line is this.
    pub fn of_unused(phrase: &Phrase, source: Option<&str>) -> Self {
        Self {
            severity: Severity::Warning,
            line: phrase.location.line as usize,
            column: phrase.location.column as usize,
            source: source.map(Into::into),
            ..Self::whole(phrase.file.clone(), "no step calls this phrase")
        }
    }

    /// The warning of a scenario in which nothing is expected, whose line is this.
    pub fn of_vacuous(place: &ScenarioPlace, source: Option<&str>) -> Self {
        let indent = source.map_or(0, |line| line.chars().take_while(|c| c.is_whitespace()).count());
        let hint =
            "a step that looks at what came of it makes it fail when that is wrong, such as `Then the response has`";
        Self {
            severity: Severity::Warning,
            line: place.line,
            column: indent + 1,
            source: source.map(Into::into),
            ..Self::whole(
                place.file.clone(),
                "this scenario expects nothing: it passes whatever comes of it",
            )
            .hint(hint)
        }
    }

    /// An error of a mesh file.
    pub fn of_mesh(error: &MeshError) -> Self {
        Self {
            line: error.line,
            column: error.column,
            source: error.excerpt.clone().map(Into::into),
            hints: error.hint.iter().cloned().collect(),
            ..Self::whole(error.file.display().to_string(), error.message.clone())
        }
    }

    /// As an event of the run that did not begin because of it.
    pub fn happening(&self) -> Happening {
        Happening::FileError {
            file: self.file.to_string(),
            line: (self.line > 0).then_some(self.line),
            message: self.message.clone(),
            hint: {
                let also = self
                    .also
                    .iter()
                    .map(|also| format!("{}: {}:{}", also.what, also.file, also.line));
                let hints: Vec<String> = also.chain(self.hints.iter().cloned()).collect();
                (!hints.is_empty()).then(|| hints.join("\n"))
            },
        }
    }
}

fn line_of(text: &str, line: usize) -> Option<String> {
    text.lines().nth(line.checked_sub(1)?).map(str::to_owned)
}

impl fmt::Display for Diagnostic {
    /// The error with its place, the line it stands on, a caret below it, the other lines, and its hints.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
            ..
        } = self;
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(formatter, "{severity}: {message}")?;
        let numbers = self.also.iter().map(|also| also.line).chain([*line]);
        let width = numbers.max().unwrap_or_default().to_string().len();
        let margin = " ".repeat(width);
        // The official parser gives some errors a line alone.
        match (line, column) {
            (0, _) => writeln!(formatter, "{margin}--> {file}")?,
            (line, 0) => writeln!(formatter, "{margin}--> {file}:{line}")?,
            (line, column) => writeln!(formatter, "{margin}--> {file}:{line}:{column}")?,
        }
        excerpt(formatter, width, *line, *column, self.source.as_deref(), "")?;
        for also in &self.also {
            let Also { file, line, column, .. } = also;
            writeln!(formatter, "{margin}::: {file}:{line}:{column}")?;
            excerpt(formatter, width, *line, *column, also.source.as_deref(), also.what)?;
        }
        let mut hints = self.hints.iter();
        if let Some(first) = hints.next() {
            writeln!(formatter, "hint: {first}")?;
        }
        hints.try_for_each(|hint| writeln!(formatter, "{hint}"))
    }
}

/// A line as it stands in its file, with a caret and what is said below it; nothing where there is no such line.
fn excerpt(
    formatter: &mut fmt::Formatter<'_>,
    width: usize,
    line: usize,
    column: usize,
    source: Option<&str>,
    what: &str,
) -> fmt::Result {
    let Some(source) = source else { return Ok(()) };
    // Tabs stay tabs, so that the caret stands below its character in every terminal.
    let until = source.chars().take(column.saturating_sub(1));
    let indent: String = until.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let margin = " ".repeat(width);
    let below = format!("{indent}^ {what}");
    writeln!(
        formatter,
        "{margin} |\n{line:width$} | {source}\n{margin} | {}",
        below.trim_end()
    )
}
