//! Files that steps name: each must be there.

use super::Reason;
use super::line::Spot;
use crate::files::Files;
use crate::parameter::Value;

/// Checks that every file is there that a step names outright: what a reference names is known when the step runs.
pub(super) fn check(values: &[Value], files: &Files, errors: &mut Vec<(Spot, Reason)>) {
    for value in values {
        if let Value::File(name) = value
            && !name.contains("${")
            && let Err(message) = files.find(name)
        {
            errors.push((Spot::Step, Reason::invalid(message)));
        }
    }
}
