//! The steps of a scenario as the format shows them: one list, in which the steps of a phrase follow the step that calls
//! it, each behind an arrow for each call that it stands under.

use std::time::Duration;

use cucumber::gherkin;
use momus_engine::event::Frame;
use momus_engine::outcome::Outcome;

use super::at;
use crate::feature_files::FeatureFiles;
use crate::scenarios::{Finished, StepRun};

/// What stands before a phrase's step.
const UNDER: &str = "↳ ";

/// A step, or a call of a phrase.
pub(super) struct Row<'f> {
    pub step: gherkin::Step,
    /// What became of it, and how long it ran; of a call, of all that stands under it.
    pub ended: (Outcome, Duration),
    /// The step that it was; of a call, the first under it that did not pass.
    pub run: Option<&'f StepRun>,
}

/// The scenario's steps, those that did not begin included where the file tells them.
pub(super) fn rows<'f>(finished: &'f Finished, files: &mut FeatureFiles) -> Vec<Row<'f>> {
    let file = &finished.place.file;
    let planned = files.file(file).pickle(&finished.place);
    let mut planned = planned.map_or_else(Vec::new, |pickle| pickle.steps.clone()).into_iter();
    let mut rows = Vec::new();
    let mut open: &[Frame] = &[];
    for run in finished.steps.values() {
        let same = open
            .iter()
            .zip(&run.place.within)
            .take_while(|(one, other)| one == other)
            .count();
        for depth in same..run.place.within.len() {
            let Frame { file, line, text } = &run.place.within[depth];
            let keyword = match depth {
                0 => planned.next().map(|step| step.keyword),
                _ => files.file(file).step_keyword(*line),
            };
            let (ended, failed) = call(finished, &run.place.within[..=depth]);
            rows.push(Row {
                step: step(text, keyword, *line, depth),
                ended,
                run: failed,
            });
        }
        open = &run.place.within;
        let keyword = match run.place.file.as_ref().filter(|_| !run.place.within.is_empty()) {
            Some(file) => files.file(file).step_keyword(run.place.line),
            None => planned.next().map(|step| step.keyword),
        };
        rows.push(Row {
            step: step(&run.place.text, keyword, run.place.line, run.place.within.len()),
            ended: ended(finished, run),
            run: Some(run),
        });
    }
    let not_begun = planned.map(|planned| Row {
        step: step(
            &format!("{}{}", planned.keyword, planned.text),
            Some(planned.keyword),
            planned.location.line as usize,
            0,
        ),
        ended: (Outcome::Skipped, Duration::ZERO),
        run: None,
    });
    rows.extend(not_begun);
    rows
}

fn ended(finished: &Finished, run: &StepRun) -> (Outcome, Duration) {
    run.ended.unwrap_or((finished.outcome, Duration::ZERO))
}

/// What became of the steps under a call, and the first of them that did not pass.
fn call<'f>(finished: &'f Finished, call: &[Frame]) -> ((Outcome, Duration), Option<&'f StepRun>) {
    let under = finished.steps.values().filter(|run| run.place.within.starts_with(call));
    let took = under.clone().map(|run| ended(finished, run).1).sum();
    let not_passed = under.filter(|run| ended(finished, run).0 != Outcome::Passed);
    let failed = not_passed
        .clone()
        .find(|run| ended(finished, run).0 != Outcome::Skipped);
    let failed = failed.or_else(|| not_passed.clone().next());
    let outcome = failed.map_or(Outcome::Passed, |run| ended(finished, run).0);
    ((outcome, took), failed)
}

fn step(text: &str, keyword: Option<&str>, line: usize, depth: usize) -> gherkin::Step {
    // Where the file is gone, the first word is the keyword.
    let keyword = keyword
        .filter(|keyword| text.starts_with(keyword))
        .unwrap_or_else(|| &text[..text.find(' ').map_or(0, |end| end + 1)]);
    gherkin::Step::builder()
        .keyword(keyword.to_owned())
        .ty(gherkin::StepType::Given)
        .value(format!("{}{}", UNDER.repeat(depth), &text[keyword.len()..]))
        .position(at(line))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::scenarios::Scenarios;

    #[test]
    fn the_steps_of_a_phrase_follow_the_call_which_is_what_they_are() {
        let finished = Scenarios::ended(&sample::failing_in_a_phrase("a.feature", "p.feature"));
        let rows = rows(&finished, &mut FeatureFiles::default());
        let told: Vec<_> = rows
            .iter()
            .map(|row| {
                let step = &row.step;
                let failed = row
                    .run
                    .filter(|run| run.failure.is_some())
                    .map_or("", |run| run.place.text.as_str());
                format!("{}{} {}: {failed}", step.keyword, step.value, row.ended.0.word())
            })
            .collect();
        assert_eq!(
            told,
            [
                "Given the bank answers passed: ",
                "When ada buys twice failed: And shop charges 5",
                "When ↳ a sale to ada passed: ",
                "When ↳ ↳ shop charges 5 passed: ",
                "And ↳ shop charges 5 failed: And shop charges 5",
                "Then bank has it skipped: ",
            ]
        );
        assert_eq!(rows[1].ended.1, Duration::from_millis(40));
    }
}
