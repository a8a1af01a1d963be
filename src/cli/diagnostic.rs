//! An error of a user's file, drawn on the user's own line.

use std::fmt;

use momus_engine::event::Happening;
use momus_engine::mesh::MeshError;
use momus_engine::plan::PlanError;
use momus_gherkin::ParseError;

/// An error of a user's file: what, where, and what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as the user named it.
    pub file: String,
    /// From 1; 0 where the error is the file as a whole.
    pub line: usize,
    /// From 1, in characters; 0 where the error is the line as a whole.
    pub column: usize,
    /// The line as it stands in the file.
    pub source: Option<String>,
    /// What is wrong, in lower case.
    pub message: String,
    /// What the user may do, one thing a line.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// The file as a whole is wrong.
    pub fn whole(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
            source: None,
            message: message.into(),
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
            source: line_of(text, error.location.line as usize),
            hints: error.hint.iter().cloned().collect(),
            ..Self::whole(file, error.message.clone())
        }
    }

    /// An error of a plan, whose feature file has this text.
    pub fn of_plan(text: &str, error: &PlanError) -> Self {
        Self {
            line: error.location.line as usize,
            column: error.location.column as usize,
            source: line_of(text, error.location.line as usize),
            hints: error.hints(),
            ..Self::whole(error.file.clone(), error.message())
        }
    }

    /// An error of a mesh file.
    pub fn of_mesh(error: &MeshError) -> Self {
        Self {
            line: error.line,
            column: error.column,
            source: error.excerpt.clone(),
            hints: error.hint.iter().cloned().collect(),
            ..Self::whole(error.file.display().to_string(), error.message.clone())
        }
    }

    /// As an event of the run that did not begin because of it.
    pub fn happening(&self) -> Happening {
        Happening::FileError {
            file: self.file.clone(),
            line: (self.line > 0).then_some(self.line),
            message: self.message.clone(),
            hint: (!self.hints.is_empty()).then(|| self.hints.join("\n")),
        }
    }
}

fn line_of(text: &str, line: usize) -> Option<String> {
    text.lines().nth(line.checked_sub(1)?).map(str::to_owned)
}

impl fmt::Display for Diagnostic {
    /// The error with its place, the line it stands on, a caret below it, and its hints.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
            ..
        } = self;
        writeln!(formatter, "error: {message}")?;
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        // The official parser gives some errors a line alone.
        match (line, column) {
            (0, _) => writeln!(formatter, "{margin}--> {file}")?,
            (line, 0) => writeln!(formatter, "{margin}--> {file}:{line}")?,
            (line, column) => writeln!(formatter, "{margin}--> {file}:{line}:{column}")?,
        }
        if let Some(source) = &self.source {
            // Tabs stay tabs, so that the caret stands below its character in every terminal.
            let until = source.chars().take(column.saturating_sub(1));
            let indent: String = until.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            writeln!(
                formatter,
                "{margin} |\n{number} | {source}\n{margin} | {indent}^"
            )?;
        }
        let mut hints = self.hints.iter();
        if let Some(first) = hints.next() {
            writeln!(formatter, "hint: {first}")?;
        }
        hints.try_for_each(|hint| writeln!(formatter, "{hint}"))
    }
}
