//! What is wrong with a plan.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
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
    /// The other lines that it is about: the calls that a phrase's step stands under, innermost first, for one.
    pub also: Vec<Place>,
    /// Where else the same is wrong, as `FILE:LINE` each.
    pub elsewhere: Vec<String>,
}

/// A line that an error is about as well.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file as the user named it.
    pub file: String,
    /// Where.
    pub location: Location,
    /// What stands there, in lower case.
    pub what: &'static str,
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
    pub(crate) fn new(file: &str, location: Location, reason: Reason) -> Self {
        Self {
            file: file.to_owned(),
            location,
            reason,
            also: Vec::new(),
            elsewhere: Vec::new(),
        }
    }

    /// About these lines as well.
    pub(crate) fn and_at(mut self, also: impl IntoIterator<Item = Place>) -> Self {
        self.also.extend(also);
        self
    }

    /// Each error once, by file and place: of a phrase's step that is wrong under several calls, the first call is
    /// drawn, and the others are named.
    pub(super) fn merged(errors: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut merged: BTreeMap<(String, Location, Reason), Self> = BTreeMap::new();
        for error in errors {
            let key = (error.file.clone(), error.location, error.reason.clone());
            match merged.entry(key) {
                Entry::Vacant(vacant) => drop(vacant.insert(error)),
                Entry::Occupied(mut known) => {
                    let known = known.get_mut();
                    if let Some(call) = error.also.last().filter(|_| error.also != known.also) {
                        let call = format!("{}:{}", call.file, call.location.line);
                        if !known.elsewhere.contains(&call) {
                            known.elsewhere.push(call);
                        }
                    }
                }
            }
        }
        merged.into_values().collect()
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
        let listed = |title: &str, list: &[String]| {
            let lines = list.iter().map(|each| format!("  {each}"));
            std::iter::once(title.to_owned()).chain(lines).collect()
        };
        let mut hints: Vec<String> = match &self.reason {
            Reason::Undefined { nearest, .. } if nearest.is_empty() => {
                vec!["`momus steps` lists what can be said".into()]
            }
            Reason::Undefined { nearest, .. } => listed("the nearest are", nearest),
            Reason::Ambiguous { candidates } => listed("say it so that only one of these matches", candidates),
            Reason::Invalid { hint, .. } => hint.iter().cloned().collect(),
        };
        hints.extend(self.elsewhere());
        hints
    }

    fn elsewhere(&self) -> Option<String> {
        const SHOWN: usize = 5;
        let shown = self
            .elsewhere
            .iter()
            .take(SHOWN)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ");
        match self.elsewhere.len() {
            0 => None,
            1..=SHOWN => Some(format!("the same is wrong under the call at {shown}")),
            all => Some(format!(
                "the same is wrong under the calls at {shown} and {} more",
                all - SHOWN
            )),
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file, self.location, self.message())
    }
}
