use serde::{Serialize, Serializer};

use crate::document::{Background, DataTable, Examples, Feature, FeatureChild, Rule, RuleChild, Scenario, Step, Tag};

/// The number of a node, unique within one document and its pickles; a string in JSON.
///
/// Numbers are given as the official parser gives them: in the order in which nodes end, so a
/// step's rows come before the step, and a scenario's steps, examples and tags before the scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub(crate) u32);

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Gives out numbers, one after another.
pub(crate) struct Ids(u32);

impl Ids {
    /// Begins at `next`.
    pub(crate) fn from(next: u32) -> Self {
        Self(next)
    }

    /// The next number.
    pub(crate) fn draw(&mut self) -> Id {
        let id = Id(self.0);
        self.0 += 1;
        id
    }

    /// How many numbers are taken.
    pub(crate) fn taken(&self) -> u32 {
        self.0
    }

    /// Numbers all nodes of a feature.
    pub(crate) fn number(&mut self, feature: &mut Feature) {
        for child in &mut feature.children {
            match child {
                FeatureChild::Background(background) => self.background(background),
                FeatureChild::Scenario(scenario) => self.scenario(scenario),
                FeatureChild::Rule(rule) => self.rule(rule),
            }
        }
        self.tags(&mut feature.tags);
    }

    fn rule(&mut self, rule: &mut Rule) {
        for child in &mut rule.children {
            match child {
                RuleChild::Background(background) => self.background(background),
                RuleChild::Scenario(scenario) => self.scenario(scenario),
            }
        }
        self.tags(&mut rule.tags);
        rule.id = self.draw();
    }

    fn background(&mut self, background: &mut Background) {
        self.steps(&mut background.steps);
        background.id = self.draw();
    }

    fn scenario(&mut self, scenario: &mut Scenario) {
        self.steps(&mut scenario.steps);
        for examples in &mut scenario.examples {
            self.examples(examples);
        }
        self.tags(&mut scenario.tags);
        scenario.id = self.draw();
    }

    fn examples(&mut self, examples: &mut Examples) {
        for row in examples.table_header.iter_mut().chain(&mut examples.table_body) {
            row.id = self.draw();
        }
        self.tags(&mut examples.tags);
        examples.id = self.draw();
    }

    fn steps(&mut self, steps: &mut [Step]) {
        for step in steps {
            if let Some(DataTable { rows, .. }) = &mut step.data_table {
                for row in rows {
                    row.id = self.draw();
                }
            }
            step.id = self.draw();
        }
    }

    fn tags(&mut self, tags: &mut [Tag]) {
        for tag in tags {
            tag.id = self.draw();
        }
    }
}
