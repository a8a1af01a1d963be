//! What can be wrong with a phrase by itself, whoever calls it.

use std::collections::BTreeSet;

use momus_gherkin::{Location, PickleArgument, PickleRow, PickleStep, Scenario};

use super::Phrase;
use super::placeholder::{Segment, TABLE, TEXT, names, segments};
use crate::plan::{PlanError, Reason};

/// Everything that is wrong with a phrase.
pub(super) fn errors(scenario: &Scenario, phrase: &Phrase) -> Vec<PlanError> {
    let mut correcting = Correcting {
        phrase,
        known: phrase.sentence.placeholders(),
        used: BTreeSet::new(),
        errors: Vec::new(),
    };
    if let Some(examples) = scenario.examples.first() {
        correcting.tell(
            examples.location,
            "a phrase has no examples: what varies is given by the steps that call it; hint: write `<name>` in its name, and call it once for each row",
        );
        return correcting.errors;
    }
    correcting.name();
    if phrase.steps.is_empty() {
        correcting.tell(
            phrase.location,
            "this phrase has no steps: whoever calls it would do nothing; hint: a line that begins with no keyword is taken for a description, a misspelt first step too",
        );
        return correcting.errors;
    }
    phrase.steps.iter().for_each(|step| correcting.step(&step.step));
    for name in &correcting.known {
        if !correcting.used.contains(name) {
            let message = format!("no step of this phrase uses `<{name}>`");
            correcting.errors.push(error(phrase, phrase.location, message));
        }
    }
    correcting.errors
}

/// Whether a row stands for the rows of the caller's table: `<table>` in its first cell, and nothing in the others.
pub(crate) fn passes_table(row: &PickleRow) -> bool {
    let mut cells = row.cells.iter().map(|cell| cell.value.as_str());
    cells.next() == Some("<table>") && cells.all(str::is_empty)
}

struct Correcting<'p> {
    phrase: &'p Phrase,
    known: Vec<&'p str>,
    used: BTreeSet<&'p str>,
    errors: Vec<PlanError>,
}

impl<'p> Correcting<'p> {
    fn tell(&mut self, location: Location, message: impl Into<String>) {
        self.errors.push(error(self.phrase, location, message.into()));
    }

    fn name(&mut self) {
        let phrase = self.phrase;
        let pieces = segments(phrase.sentence.name());
        if !pieces
            .iter()
            .any(|piece| matches!(piece, Segment::Text(text) if !text.trim().is_empty()))
        {
            self.tell(
                phrase.location,
                "a phrase's name is the sentence that calls it, and this one has no word of its own; hint: such as `Scenario: a customer <name>`",
            );
        }
        for (index, name) in self.known.clone().iter().enumerate() {
            if [TABLE, TEXT].contains(name) {
                self.tell(
                    phrase.location,
                    format!("`<{name}>` stands for what is below the step that calls a phrase, and takes no word of it; hint: choose another name"),
                );
            } else if self.known[..index].contains(name) {
                self.tell(
                    phrase.location,
                    format!("`<{name}>` stands twice in this phrase's name"),
                );
            }
        }
        if pieces
            .windows(2)
            .any(|two| matches!(two, [Segment::Placeholder(_), Segment::Placeholder(_)]))
        {
            self.tell(
                phrase.location,
                "two placeholders stand in this phrase's name with nothing between them: where the one ends, nobody can tell",
            );
        }
    }

    fn step(&mut self, step: &'p PickleStep) {
        self.text(&step.text, step.location);
        let Some(PickleArgument { doc_string, data_table }) = step.argument.as_deref() else {
            return;
        };
        if let Some(doc) = doc_string {
            self.text(&doc.content, doc.location);
            doc.media_type.iter().for_each(|media| self.text(media, doc.location));
        }
        for row in data_table.iter().flat_map(|table| &table.rows) {
            if !passes_table(row) {
                row.cells.iter().for_each(|cell| self.text(&cell.value, cell.location));
            }
        }
    }

    fn text(&mut self, text: &'p str, location: Location) {
        for name in names(text) {
            if self.known.contains(&name) {
                self.used.insert(name);
            } else if name == TABLE {
                self.tell(
                    location,
                    "`<table>` stands for the rows below the step that calls the phrase; hint: write it in the first cell of a row whose other cells are empty, `| <table> | |`",
                );
            } else if name != TEXT {
                let hint = self.hint(name);
                self.tell(
                    location,
                    format!("`<{name}>` is not in this phrase's name; hint: {hint}"),
                );
            }
        }
    }

    fn hint(&self, name: &str) -> String {
        let near = |known: &&&str| strsim::jaro_winkler(known, name) > 0.8;
        match (self.known.iter().find(near), self.known.as_slice()) {
            (Some(near), _) => format!("did you mean `<{near}>`?"),
            (None, []) => "its name has no placeholder at all".to_owned(),
            (None, known) => format!("it has <{}>", known.join(">, <")),
        }
    }
}

fn error(phrase: &Phrase, location: Location, message: String) -> PlanError {
    PlanError::new(&phrase.file, location, Reason::invalid(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with the phrases of a file, each as `LINE MESSAGE; HINT`.
    fn wrong(scenarios: &str) -> Vec<String> {
        let source = format!("Feature: f\n{scenarios}");
        let document = momus_gherkin::parse(&source).expect("it is well formed");
        let phrases = Phrase::all(&document, "a.feature");
        assert!(!phrases.is_empty());
        let told = |error: &PlanError| {
            let hints = error.hints().into_iter().map(|hint| format!("; {hint}"));
            format!(
                "{} {}{}",
                error.location.line,
                error.message(),
                hints.collect::<String>()
            )
        };
        phrases.iter().flat_map(|phrase| &phrase.errors).map(told).collect()
    }

    #[test]
    fn a_phrase_that_is_right_has_no_errors() {
        assert_eq!(
            wrong(
                "@phrase\nScenario: an order of <amount> by <who>\nGiven <who> is there\n* it has\n  | $.amount | <amount> |\n  | <table>  |          |\n* it says\n  \"\"\"<text>\n  <order><note>hi</note></order> <text>\n  \"\"\"\n"
            ),
            Vec::<String>::new()
        );
    }

    #[test]
    fn an_outline_is_no_phrase() {
        let outline = "Scenario Outline: a <b>\nGiven c <b>\n";
        let error = "5 a phrase has no examples: what varies is given by the steps that call it; write `<name>` in its name, and call it once for each row";
        assert_eq!(wrong(&format!("@phrase\n{outline}Examples:\n| b |\n| 1 |\n")), [error]);
        assert_eq!(
            wrong(&format!("\n{outline}@phrase\nExamples:\n| b |\n| 1 |\n")),
            [error.replace('5', "6")]
        );
    }

    #[test]
    fn a_phrase_has_steps() {
        let errors = wrong("@phrase\nScenario: a user\nGivn a user\n");
        assert!(
            matches!(&errors[..], [one] if one.starts_with("3 this phrase has no steps: ")),
            "{errors:?}"
        );
    }

    #[test]
    fn placeholders_are_those_of_the_name_and_each_is_used() {
        assert_eq!(
            wrong(
                "@phrase\nScenario: a <user> of <days> days\nGiven <usr> is there\n  | <colour> | 1 |\nThen all <user>s\n"
            ),
            [
                "4 `<usr>` is not in this phrase's name; did you mean `<user>`?",
                "5 `<colour>` is not in this phrase's name; it has <user>, <days>",
                "3 no step of this phrase uses `<days>`",
            ]
        );
        assert_eq!(
            wrong("@phrase\nScenario: a user\nGiven <user> is there\n"),
            ["4 `<user>` is not in this phrase's name; its name has no placeholder at all"]
        );
    }

    #[test]
    fn a_name_is_a_sentence() {
        let first = |scenario: &str| wrong(scenario).swap_remove(0);
        assert_eq!(
            first("@phrase\nScenario: <a> <b>\nGiven <a> <b>\n"),
            "3 a phrase's name is the sentence that calls it, and this one has no word of its own; such as `Scenario: a customer <name>`"
        );
        assert_eq!(
            first("@phrase\nScenario: a <user> and a <user>\nGiven <user>\n"),
            "3 `<user>` stands twice in this phrase's name"
        );
        assert!(
            first("@phrase\nScenario: a <table>\nGiven <table>\n")
                .starts_with("3 `<table>` stands for what is below the step")
        );
        assert!(first("@phrase\nScenario: a <b><c>\nGiven <b> <c>\n").contains("nothing between them"));
    }

    #[test]
    fn the_callers_table_takes_rows_of_its_own() {
        let misplaced = "`<table>` stands for the rows below the step that calls the phrase; write it in the first cell of a row whose other cells are empty, `| <table> | |`";
        assert_eq!(
            wrong("@phrase\nScenario: a user\nGiven it has\n  | $.a | <table> |\n  | <table> | 1 |\n"),
            [format!("5 {misplaced}"), format!("6 {misplaced}")]
        );
    }
}
