//! Why a scenario did not pass, as plain text for machines' reports.

use momus_engine::failure::Failure;

use crate::again::Again;
use crate::scenarios::{Finished, StepRun};

/// Every failure of a try with its place, its step and all that it tells; an empty line parts them.
pub(crate) fn of_try(finished: &Finished) -> String {
    let failures = finished.failures().enumerate();
    let failures: Vec<String> = failures
        .map(|(index, (step, failure))| match step {
            Some(step) => of_step(finished, step, failure),
            // Behind a step's failure, the scenario's own stands for itself.
            None if index > 0 => told(failure).join("\n"),
            None => of_own(finished),
        })
        .collect();
    match failures.is_empty() {
        true => of_own(finished),
        false => failures.join("\n\n"),
    }
}

/// A step's failure with its place, its step and all that it tells.
pub(crate) fn of_step(finished: &Finished, step: &StepRun, failure: &Failure) -> String {
    placed(finished, Some(step), failure)
}

/// The scenario's own failure with its place, and the step that it broke off.
pub(crate) fn of_own(finished: &Finished) -> String {
    let broken_off = finished.step().filter(|step| step.failure.is_none());
    match &finished.own_failure {
        Some(failure) => placed(finished, broken_off, failure),
        None => format!("{}:{}", finished.place.file, finished.place.line),
    }
}

/// The line with the command that runs the scenario again.
pub(crate) fn run_it_again(finished: &Finished, again: &Again) -> String {
    format!("run it again: {}", again.command(&finished.place))
}

/// The first failure in one line, and how many others there are.
pub(crate) fn in_one_line(finished: &Finished) -> Option<String> {
    let failure = finished.failure()?;
    let step = finished
        .step()
        .map(|step| format!("{}: ", step.said()))
        .unwrap_or_default();
    let others = match finished.failures().count() - 1 {
        0 => String::new(),
        1 => " (and 1 more failure)".to_owned(),
        others => format!(" (and {others} more failures)"),
    };
    Some(format!("{step}{}{others}", failure.message))
}

fn placed(finished: &Finished, step: Option<&StepRun>, failure: &Failure) -> String {
    let place = &finished.place;
    let mut text = match step {
        None => vec![format!("{}:{}", place.file, place.line)],
        Some(step) => {
            let at = &step.place;
            let calls = at.within.iter();
            let calls = calls.flat_map(|call| [format!("{}:{}", call.file, call.line), call.text.clone()]);
            let file = at.file.as_ref().unwrap_or(&place.file);
            calls.chain([format!("{file}:{}", at.line), at.text.clone()]).collect()
        }
    };
    text.extend(told(failure));
    text.join("\n")
}

/// All that a failure tells, message first.
fn told(failure: &Failure) -> Vec<String> {
    let parts = [
        ("expected", &failure.expected),
        ("last seen", &failure.seen),
        ("nearest", &failure.nearest),
        ("hint", &failure.hint),
    ];
    let parts = parts
        .into_iter()
        .filter_map(|(name, part)| part.as_ref().map(|part| format!("{name}: {part}")));
    std::iter::once(failure.message.clone())
        .chain(parts)
        .chain(failure.output.iter().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use crate::scenarios::Scenarios;

    #[test]
    fn a_step_of_a_phrase_is_told_under_the_steps_that_call_it() {
        let finished = Scenarios::ended(&sample::failing_in_a_phrase("a.feature", "p.feature"));
        assert_eq!(
            of_try(&finished),
            "a.feature:5\nWhen ada buys twice\np.feature:5\nAnd shop charges 5\nthe status is another\nexpected: status 201\nlast seen: status 503"
        );
        assert_eq!(
            in_one_line(&finished).as_deref(),
            Some("When ada buys twice › And shop charges 5: the status is another")
        );
    }
}
