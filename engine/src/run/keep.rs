//! Sandboxes that are kept for a look when their scenarios are over.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::event::ScenarioPlace;
use crate::outcome::Outcome;
use crate::sandbox::Sandbox;
use crate::timeline::Timeline;

/// Where the sandboxes of the first scenarios that did not pass are kept, not closed. Clones are the same place.
#[derive(Clone, Default)]
pub struct Keep {
    most: usize,
    kept: Arc<Mutex<Vec<Kept>>>,
}

/// A sandbox whose scenario is over and healed.
pub struct Kept {
    /// The sandbox; whoever has it closes it.
    pub sandbox: Arc<dyn Sandbox>,
    /// Its timeline: what goes on in it is still recorded.
    pub timeline: Timeline,
    /// The scenario's place.
    pub place: Arc<ScenarioPlace>,
    /// What the scenario came to.
    pub outcome: Outcome,
}

impl Keep {
    /// A place for this many, at most.
    pub fn up_to(most: usize) -> Self {
        Self {
            most,
            kept: Arc::default(),
        }
    }

    /// Keeps it if its scenario failed or nothing could be told of it, and there is room; else gives it back.
    pub(super) fn keep(&self, kept: Kept) -> Option<Kept> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_for_a_look = matches!(kept.outcome, Outcome::Failed | Outcome::Unknown);
        if !is_for_a_look || all.len() >= self.most {
            return Some(kept);
        }
        all.push(kept);
        None
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Hands them over, in the order of their scenarios.
    pub fn take(&self) -> Vec<Kept> {
        let mut all = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        all.sort_by_cached_key(|kept| (kept.place.file.clone(), kept.place.line));
        all
    }
}

impl fmt::Debug for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keep").field("most", &self.most).finish_non_exhaustive()
    }
}
