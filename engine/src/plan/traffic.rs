//! Traffic in the background: each has a name of its own, and a step asks how it went.

use super::error::{PlanError, Reason};
use crate::mesh::nearest;
use crate::parameter::Value;

/// The traffics that the steps of a scenario have begun so far.
#[derive(Default)]
pub(super) struct Traffics(Vec<Begun>);

struct Begun {
    name: String,
    /// What is wrong when no step asks about it.
    unasked: Option<PlanError>,
}

impl Traffics {
    /// Takes note of a step, and tells what is wrong with it. `unbound` says that a step before is bound to nothing,
    /// `error` makes an error of this step.
    pub fn step(
        &mut self,
        values: &[Value],
        unbound: bool,
        error: impl Fn(Reason) -> PlanError,
    ) -> impl Iterator<Item = Reason> {
        let mut wrong = Vec::new();
        for value in values {
            match value {
                Value::NewTraffic(name) if self.0.iter().any(|begun| begun.name == *name) => {
                    let message =
                        format!("a step before this one begins a traffic `{name}`; hint: choose another name");
                    wrong.push(Reason::invalid(message));
                }
                Value::NewTraffic(name) => {
                    let message = format!(
                        "no step asks how the traffic `{name}` went, so it would pass whatever came of it; hint: such as `Then no request of {name} fails`"
                    );
                    self.0.push(Begun {
                        name: name.clone(),
                        unasked: Some(error(Reason::invalid(message))),
                    });
                }
                Value::Traffic(name) => match self.0.iter_mut().find(|begun| begun.name == *name) {
                    Some(begun) => begun.unasked = None,
                    None if unbound => {}
                    None => wrong.push(self.unknown(name)),
                },
                _ => {}
            }
        }
        wrong.into_iter()
    }

    fn unknown(&self, name: &str) -> Reason {
        let begun = self.0.iter().map(|begun| begun.name.as_str());
        let hint = match nearest(name, begun.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.0.is_empty() => {
                format!("such as `When 20 GET \"/orders\" per second are sent to shop as {name}`")
            }
            None => {
                let names: Vec<String> = begun.map(|name| format!("`{name}`")).collect();
                format!("the steps before it begin {}", names.join(", "))
            }
        };
        Reason::invalid(format!(
            "no step before this one begins a traffic `{name}`; hint: {hint}"
        ))
    }

    /// Those that no step asks about, each as an error of the step that begins it.
    pub fn unasked(self) -> impl Iterator<Item = PlanError> {
        self.0.into_iter().filter_map(|begun| begun.unasked)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Feature, Planner, Selection};
    use crate::step;
    use crate::step::BlockShape;
    use crate::vocabulary::Vocabulary;

    step! {
        /// Begins one.
        "{number} per second as {new_traffic}", BlockShape::Nothing;
        pub fn begins(_world, _number: u64, _name: String; _block) {
            Ok(())
        }
    }

    step! {
        /// Asks about one.
        "{traffic} went well", BlockShape::Nothing;
        pub fn asks(_world, _name: String; _block) {
            Ok(())
        }
    }

    /// Every error, each as `LINE MESSAGE; HINTS`.
    fn errors(steps: &[&str]) -> Vec<String> {
        let steps: String = steps.iter().map(|step| format!("    * {step}\n")).collect();
        let document = momus_gherkin::parse(&format!("Feature: f\n  Scenario: s\n{steps}")).expect("it is well formed");
        let feature = Feature {
            file: "a.feature".into(),
            name: "f".into(),
            pickles: momus_gherkin::pickles(&document, "a.feature"),
            lines: Vec::new(),
        };
        let planner = Planner {
            vocabulary: &Vocabulary::new(vec![begins(), asks()]).expect("they are well formed"),
            mesh: None,
            variables: Arc::default(),
        };
        let unplanned = planner.plan([feature], &Selection::default()).err();
        let errors = unplanned.map(|unplanned| unplanned.errors).unwrap_or_default();
        let told = |error: &super::PlanError| {
            let place = error.location.line;
            format!("{place} {}; {}", error.message(), error.hints().join("; "))
        };
        errors.iter().map(told).collect()
    }

    #[test]
    fn a_traffic_that_is_begun_can_be_asked_about() {
        assert!(
            errors(&[
                "20 per second as reads",
                "9 per second as writes",
                "writes went well",
                "reads went well"
            ])
            .is_empty()
        );
    }

    #[test]
    fn one_that_nobody_asks_about_would_pass_by_default() {
        assert_eq!(
            errors(&["20 per second as reads"]),
            [
                "3 no step asks how the traffic `reads` went, so it would pass whatever came of it; such as `Then no request of reads fails`"
            ]
        );
        // The step that nothing matches may be the one that asks.
        let undefined = errors(&["20 per second as reads", "reads wnet well"]);
        assert!(
            matches!(&undefined[..], [one] if one.starts_with("4 ")),
            "{undefined:?}"
        );
    }

    #[test]
    fn a_name_is_begun_by_a_step_before_and_by_one_alone() {
        assert_eq!(
            errors(&[
                "raeds went well",
                "20 per second as reads",
                "raeds went well",
                "reads went well",
                "2 per second as reads",
                "calls went well"
            ]),
            [
                "3 no step before this one begins a traffic `raeds`; such as `When 20 GET \"/orders\" per second are sent to shop as raeds`",
                "5 no step before this one begins a traffic `raeds`; did you mean `reads`?",
                "7 a step before this one begins a traffic `reads`; choose another name",
                "8 no step before this one begins a traffic `calls`; the steps before it begin `reads`",
            ]
        );
    }
}
