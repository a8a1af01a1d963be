//! Scenarios that pass whatever the mesh does.

use momus_gherkin::StepType;

use super::{PlannedScenario, PlannedStep};

impl PlannedScenario {
    /// Whether nothing is expected in it: it arranges and acts, no step looks at what came of it, and no fault must strike.
    /// Where a step says `*`, that cannot be told.
    pub fn expects_nothing(&self) -> bool {
        !self.steps.is_empty() && !self.steps.iter().any(may_expect)
    }
}

fn may_expect(step: &PlannedStep) -> bool {
    let said = match step.kind {
        StepType::Outcome | StepType::Unknown => true,
        StepType::Context | StepType::Action => false,
    };
    said || !step.definition.drives || step.definition.injects.is_some()
}
