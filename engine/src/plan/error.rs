//! What is wrong with a plan.

use std::fmt;

use momus_gherkin::Location;

use crate::outcome::Outcome;

/// An error of a feature file, at its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanError {
    /// The file as the user named it.
    pub file: String,
    /// Where.
    pub location: Location,
    /// What.
    pub reason: Reason,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// No definition matches a step.
    Undefined {
        /// The step's text.
        text: String,
        /// The expressions that come nearest, best first.
        nearest: Vec<String>,
    },
    /// Several definitions match a step.
    Ambiguous {
        /// Their expressions, and where they are written.
        candidates: Vec<String>,
    },
    /// Something else.
    Invalid {
        /// What, in lower case.
        message: String,
        /// What the user may do.
        hint: Option<String>,
    },
}

impl Reason {
    /// A message, in which `; hint: …` parts off the hint.
    pub fn invalid(message: impl Into<String>) -> Self {
        let message = message.into();
        match message.split_once("; hint: ") {
            Some((message, hint)) => Self::Invalid {
                message: message.to_owned(),
                hint: Some(hint.to_owned()),
            },
            None => Self::Invalid { message, hint: None },
        }
    }
}

impl PlanError {
    pub(super) fn new(file: &str, location: Location, reason: Reason) -> Self {
        Self {
            file: file.to_owned(),
            location,
            reason,
        }
    }

    /// What its scenario comes to.
    pub fn outcome(&self) -> Outcome {
        match self.reason {
            Reason::Undefined { .. } | Reason::Invalid { .. } => Outcome::Undefined,
            Reason::Ambiguous { .. } => Outcome::Ambiguous,
        }
    }

    /// What is wrong, in a line.
    pub fn message(&self) -> String {
        match &self.reason {
            Reason::Undefined { .. } => "no step definition matches this step".into(),
            Reason::Ambiguous { candidates } => format!("{} step definitions match this step", candidates.len()),
            Reason::Invalid { message, .. } => message.clone(),
        }
    }

    /// What the user may do, one thing a line.
    pub fn hints(&self) -> Vec<String> {
        match &self.reason {
            Reason::Undefined { nearest, .. } if nearest.is_empty() => {
                vec!["`momus steps` lists what can be said".into()]
            }
            Reason::Undefined { nearest, .. } => {
                let mut hints = vec!["the nearest are".to_owned()];
                hints.extend(nearest.iter().map(|expression| format!("  {expression}")));
                hints
            }
            Reason::Ambiguous { candidates } => {
                let mut hints = vec!["say it so that only one of these matches".to_owned()];
                hints.extend(candidates.iter().map(|candidate| format!("  {candidate}")));
                hints
            }
            Reason::Invalid { hint, .. } => hint.iter().cloned().collect(),
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file, self.location, self.message())
    }
}
