//! Why a scenario did not pass, as plain text for machines' reports.

use momus_engine::failure::Failure;

use crate::again::Again;
use crate::scenarios::Finished;

/// The place, the step, all that its failures tell, and the command that runs the scenario again.
pub(crate) fn of(finished: &Finished, again: &Again) -> String {
    let place = &finished.place;
    let step = finished.step();
    let line = step.map_or(place.line, |step| step.line);
    let mut text = vec![format!("{}:{line}", place.file)];
    text.extend(step.map(|step| step.text.clone()));
    text.extend(finished.failures().flat_map(told));
    text.push(format!("run it again: {}", again.command(place)));
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
