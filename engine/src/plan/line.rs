//! A step as it is planned: a scenario's own as it is written, a phrase's with what the call gives in place of its
//! placeholders, and each part of it with the file where it is written.

use std::borrow::Cow;

use momus_gherkin::{Location, PickleArgument, PickleDocString, PickleRow, PickleStep, PickleTable};

use crate::phrase::placeholder::{TEXT, names};
use crate::phrase::sentence::Argument;
use crate::phrase::{Filling, Phrase, passes_table};
use crate::step::Block;

/// A step as it is planned.
pub(super) struct Line<'p> {
    pub step: Cow<'p, PickleStep>,
    /// The file where it is written.
    pub file: &'p str,
    /// Whether its text is that of its line in the file.
    verbatim: bool,
    /// The file of each row that is passed on from a call; nothing behind the last of them.
    rows_from: Vec<Option<&'p str>>,
    /// The file of its doc string, where that is passed on from a call.
    doc_from: Option<&'p str>,
}

/// Where a part of a step is written.
pub(super) struct Written<'p> {
    pub file: &'p str,
    pub location: Location,
    /// Whether it is not below the step, but passed on from a call.
    pub passed_on: bool,
}

/// A part of a step.
#[derive(Clone, Copy)]
pub(super) enum Spot {
    /// The step as a whole.
    Step,
    /// What stands in its text behind so many bytes.
    Text(usize),
    /// A row of its table, from 0.
    Row(usize),
    /// A cell of a row, both from 0.
    Cell(usize, usize),
    /// Its doc string.
    Doc,
}

impl<'p> Line<'p> {
    /// A scenario's own step.
    pub fn own(step: &'p PickleStep, file: &'p str) -> Self {
        Self {
            step: Cow::Borrowed(step),
            file,
            // An outline's step has the values of a row in it.
            verbatim: step.row.is_none(),
            rows_from: Vec::new(),
            doc_from: None,
        }
    }

    /// A phrase's step, called by another with these arguments.
    ///
    /// # Errors
    /// What of the call's block cannot be passed on, and where in the phrase's step.
    pub fn filled(
        step: &'p PickleStep,
        phrase: &'p Phrase,
        arguments: &[Argument],
        call: &Line<'p>,
    ) -> Result<Self, (Spot, String)> {
        let placeholders = phrase.sentence.placeholders().into_iter();
        let text = call.doc().map(|doc| Argument {
            text: doc.content.clone(),
            quoted: true,
        });
        let named = placeholders.zip(arguments.iter().cloned());
        let filling = Filling::new(named.chain(text.map(|text| (TEXT, text))));
        let mut filled = step.clone();
        filled.text = filling.sentence(&step.text);
        let mut line = Self {
            verbatim: filled.text == step.text,
            step: Cow::Borrowed(step),
            file: &phrase.file,
            rows_from: Vec::new(),
            doc_from: None,
        };
        if call.doc().is_none()
            && let Some(spot) = line.embeds_text()
        {
            let message = "`<text>` stands for the doc string below the step that calls the phrase, and it has none";
            return Err((spot, message.to_owned()));
        }
        if let Some(PickleArgument { doc_string, data_table }) = filled.argument.as_deref_mut() {
            if let Some(table) = data_table
                && !line.fill_table(table, &filling, call)?
            {
                *data_table = None;
            }
            match doc_string {
                Some(doc) if is_text(&doc.content) => {
                    let media_type = doc.media_type.take();
                    *doc_string = call.doc().cloned();
                    if let Some(doc) = doc_string {
                        doc.media_type = media_type.or(doc.media_type.take());
                        line.doc_from = call.doc_from.or(Some(call.file));
                    }
                }
                Some(doc) => {
                    doc.content = filling.text(&doc.content);
                    doc.media_type = doc.media_type.as_ref().map(|media| filling.text(media));
                }
                None => {}
            }
            if data_table.is_none() && doc_string.is_none() {
                filled.argument = None;
            }
        }
        line.step = Cow::Owned(filled);
        Ok(line)
    }

    /// Fills the rows of a table in, the caller's in place of `<table>`. Whether any is left.
    fn fill_table(
        &mut self,
        table: &mut PickleTable,
        filling: &Filling<'_>,
        call: &Line<'p>,
    ) -> Result<bool, (Spot, String)> {
        let mut rows: Vec<PickleRow> = Vec::with_capacity(table.rows.len());
        for (index, mut row) in std::mem::take(&mut table.rows).into_iter().enumerate() {
            if passes_table(&row) {
                let from = |row| Some(call.row_from(row).unwrap_or(call.file));
                self.rows_from.extend((0..call.rows().len()).map(from));
                rows.extend(call.rows().iter().cloned());
            } else {
                row.cells
                    .iter_mut()
                    .for_each(|cell| cell.value = filling.text(&cell.value));
                self.rows_from.push(None);
                rows.push(row);
            }
            let width = |row: &PickleRow| row.cells.len();
            if let (Some(first), Some(last)) = (rows.first().map(width), rows.last().map(width))
                && first != last
            {
                let message = format!(
                    "the rows that are passed on here and the phrase's own differ in width: {first} and {last} cells"
                );
                return Err((Spot::Row(index), message));
            }
        }
        table.rows = rows;
        Ok(!table.rows.is_empty())
    }

    /// Where `<text>` stands with something beside it.
    fn embeds_text(&self) -> Option<Spot> {
        let has = |text: &str| names(text).contains(TEXT);
        let in_rows = self.rows().iter().enumerate().find_map(|(row, each)| {
            let cell = each.cells.iter().position(|cell| has(&cell.value))?;
            Some(Spot::Cell(row, cell))
        });
        let in_doc = self
            .doc()
            .is_some_and(|doc| has(&doc.content) && !is_text(&doc.content));
        let in_step = has(&self.step.text).then_some(Spot::Step);
        in_step.or(in_rows).or(in_doc.then_some(Spot::Doc))
    }

    /// The rows of its table.
    pub fn rows(&self) -> &[PickleRow] {
        match self.step.argument.as_deref() {
            Some(PickleArgument {
                data_table: Some(table),
                ..
            }) => &table.rows,
            _ => &[],
        }
    }

    /// Its cells, each with its spot.
    pub fn cells(&self) -> impl Iterator<Item = (Spot, &str)> {
        self.rows().iter().enumerate().flat_map(|(row, each)| {
            let cells = each.cells.iter().enumerate();
            cells.map(move |(cell, each)| (Spot::Cell(row, cell), each.value.as_str()))
        })
    }

    /// Its doc string.
    pub fn doc(&self) -> Option<&PickleDocString> {
        self.step.argument.as_ref()?.doc_string.as_ref()
    }

    /// What stands below it, as its function is given it.
    pub fn block(&self) -> Block {
        match self.step.argument.as_deref() {
            Some(PickleArgument {
                data_table: Some(table),
                ..
            }) => {
                let cells = |row: &PickleRow| row.cells.iter().map(|cell| cell.value.clone()).collect();
                Block::Table(table.rows.iter().map(cells).collect())
            }
            Some(PickleArgument {
                doc_string: Some(doc), ..
            }) => Block::Text {
                content: doc.content.clone(),
                media_type: doc.media_type.clone(),
            },
            _ => Block::Nothing,
        }
    }

    fn row_from(&self, row: usize) -> Option<&'p str> {
        self.rows_from.get(row).copied().flatten()
    }

    /// Where a part of the step is written.
    pub fn written(&self, spot: Spot) -> Written<'p> {
        let at = |from: Option<&'p str>, location| Written {
            file: from.unwrap_or(self.file),
            location,
            passed_on: from.is_some(),
        };
        let step = self.step.location;
        match spot {
            Spot::Text(bytes) if self.verbatim => {
                let before = self.step.text.get(..bytes).unwrap_or_default();
                let before = self.step.keyword.chars().count() + before.chars().count();
                let before = u32::try_from(before).unwrap_or_default();
                at(None, Location::new(step.line, step.column + before))
            }
            Spot::Step | Spot::Text(_) => at(None, step),
            Spot::Row(row) => {
                let found = self.rows().get(row);
                found.map_or_else(|| at(None, step), |each| at(self.row_from(row), each.location))
            }
            Spot::Cell(row, cell) => {
                let found = self.rows().get(row).and_then(|row| row.cells.get(cell));
                found.map_or_else(
                    || self.written(Spot::Row(row)),
                    |cell| at(self.row_from(row), cell.location),
                )
            }
            Spot::Doc => {
                let found = self.doc();
                found.map_or_else(|| at(None, step), |doc| at(self.doc_from, doc.location))
            }
        }
    }
}

/// Whether a doc string stands for the caller's as a whole.
fn is_text(content: &str) -> bool {
    content.trim() == "<text>"
}
