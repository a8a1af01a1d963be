//! Why a step or a scenario did not pass.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::outcome::Outcome;

/// Why a step or a scenario did not pass, as reports show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Failed, unknown or refused.
    pub outcome: Outcome,
    /// What went wrong: lower case, one line where it can be.
    pub message: String,
    /// What was expected, one thing a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was seen last, one thing a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// The observation that came nearest, where it is another than the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// How many observations were made, for an expectation that waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looks: Option<u32>,
    /// What the user may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Output of a process that explains it: last log lines, a compiler's message.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

/// The error of a step's function.
pub type StepError = Box<Failure>;

impl Failure {
    /// A failure of the system under test or of the step; `; hint: …` at the message's end becomes its hint, as in a
    /// plan's messages.
    pub fn failed(message: impl Into<String>) -> StepError {
        Self::new(Outcome::Failed, message)
    }

    /// Momus cannot tell; the message is read as in [`Failure::failed`].
    pub fn unknown(message: impl Into<String>) -> StepError {
        Self::new(Outcome::Unknown, message)
    }

    fn new(outcome: Outcome, message: impl Into<String>) -> StepError {
        let message = message.into();
        let (message, hint) = match message.split_once("; hint: ") {
            Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
            None => (message, None),
        };
        Box::new(Self {
            outcome,
            message,
            expected: None,
            seen: None,
            nearest: None,
            looks: None,
            hint,
            output: Vec::new(),
        })
    }

    /// An expectation that did not hold.
    pub fn expectation(message: impl Into<String>, expected: impl Into<String>, seen: impl Into<String>) -> StepError {
        let mut failure = Self::failed(message);
        failure.expected = Some(expected.into());
        failure.seen = Some(seen.into());
        failure
    }

    /// Adds what the user may do.
    pub fn hint(mut self: Box<Self>, hint: impl Into<String>) -> StepError {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the output of a process.
    pub fn output(mut self: Box<Self>, output: impl IntoIterator<Item = String>) -> StepError {
        self.output.extend(output);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// A duration as messages show it: `180 ms`, `5 s`, `2 min`.
pub fn in_words(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..120_000 if milliseconds.is_multiple_of(1_000) => format!("{} s", milliseconds / 1_000),
        1_000..120_000 => format!("{:.1} s", duration.as_secs_f64()),
        _ => format!("{:.1} min", duration.as_secs_f64() / 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_the_plan_keeps_its_hint_apart() {
        let failure = Failure::failed("there is no marker `#uid`; hint: did you mean `#uuid`?");
        assert_eq!(failure.message, "there is no marker `#uid`");
        assert_eq!(failure.hint.as_deref(), Some("did you mean `#uuid`?"));
        assert_eq!(Failure::unknown("it is gone").hint, None);
    }
}
