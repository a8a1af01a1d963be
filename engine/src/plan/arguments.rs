//! What a definition itself says of its arguments, and the names of faults: each is one that a step before injects.

use super::line::Spot;
use super::{Planner, Reason};
use crate::count::Count;
use crate::injection::not_injected;
use crate::mesh::NOT_GIVEN;
use crate::parameter::Value;
use crate::step::StepDefinition;
use crate::timing::Timing;

impl Planner<'_> {
    /// Checks the arguments of a step whose names are right; `injected` are the faults of the steps before it, where
    /// all of these are bound.
    pub(super) fn arguments(
        &self,
        definition: &StepDefinition,
        values: &[Value],
        injected: Option<&[String]>,
        errors: &mut Vec<(Spot, Reason)>,
    ) {
        if let (Some(check), Some(mesh)) = (definition.check, &self.mesh)
            && let Err(message) = check(mesh, values)
        {
            errors.push((Spot::Step, Reason::invalid(message)));
        }
        if definition.telemetry.is_some() && self.mesh.is_none() {
            let message = format!("this step looks at what the services of a mesh tell of themselves, and {NOT_GIVEN}");
            errors.push((Spot::Step, Reason::invalid(message)));
        }
        for value in values {
            if let Value::Timing(timing) = value
                && !definition.timings.contains(&timing.kind())
            {
                let taken: Vec<&str> = definition.timings.iter().map(|kind| kind.words()).collect();
                let message = format!(
                    "this step does not take {}; hint: the timings that it takes are {}",
                    timing.kind().words(),
                    taken.join(", ")
                );
                errors.push((Spot::Step, Reason::invalid(message)));
            }
        }
        if let Some(message) = kept_alone(values) {
            errors.push((Spot::Step, Reason::invalid(message)));
        }
        let Some(injected) = injected else { return };
        for value in values {
            if let Value::Fault(fault) = value
                && !injected.contains(fault)
            {
                let message = not_injected(fault, injected.iter().map(String::as_str));
                errors.push((Spot::Step, Reason::invalid(message)));
            }
        }
    }
}

/// Why a step that counts cannot keep what it finds: only one thing has a name, and it must be there.
fn kept_alone(values: &[Value]) -> Option<String> {
    let name = values.iter().find_map(|value| match value {
        Value::Alias(name) => name.as_deref(),
        _ => None,
    })?;
    values.iter().find_map(|value| match value {
        Value::Count(count) if *count != Count::ONE => Some(format!(
            "`as {name}` keeps one thing, and this step may find another number of them; hint: `exactly 1` finds one"
        )),
        Value::Timing(Timing::Never { .. }) => Some(format!(
            "`as {name}` keeps what is found, and `never` says that it is not; hint: keep it in a step that finds it"
        )),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::{Feature, Plan, Selection, Unplanned};
    use super::*;
    use crate::activity::Telemetry;
    use crate::mesh::Mesh;
    use crate::step;
    use crate::step::BlockShape;
    use crate::timing::TimingKind;
    use crate::vocabulary::Vocabulary;

    fn name(values: &[Value]) -> String {
        match values {
            [Value::Name { name, .. }, ..] => format!("silence of {name}"),
            _ => String::new(),
        }
    }

    fn declares_a_port(mesh: &Mesh, values: &[Value]) -> Result<(), String> {
        match values {
            [Value::Name { name, .. }] if mesh.services[name].ports.is_empty() => {
                Err(format!("{name} has no port; hint: declare one"))
            }
            _ => Ok(()),
        }
    }

    step! {
        /// Silences a service.
        "{service} is silent", BlockShape::Nothing, check: declares_a_port, injects: name;
        pub fn silent(_world, _service: String; _block) {
            Ok(())
        }
    }

    step! {
        /// Lets it speak.
        "the {fault} is over", BlockShape::Nothing;
        pub fn over(_world, _fault: String; _block) {
            Ok(())
        }
    }

    step! {
        /// Waits.
        "{service} is {eventually}quiet{within}", BlockShape::Nothing, timings: &[TimingKind::Eventually];
        pub fn quiet(_world, _service: String, _timing: Timing; _block) {
            Ok(())
        }
    }

    step! {
        /// Listens.
        "nobody complains", BlockShape::Nothing, drives: false, telemetry: Telemetry::Logs;
        pub fn nobody_complains(_world; _block) {
            Ok(())
        }
    }

    /// What comes of a scenario of these steps, with a mesh or without.
    fn planned(steps: &str, with_mesh: bool) -> Result<Plan, Unplanned> {
        let mesh = "mesh: m\nservices:\n  shop: {command: [shop], ports: {http: 1}}\n  mute: {command: [mute]}\n";
        let mesh = Mesh::parse(mesh, Path::new("/m/mesh.yaml")).expect("it is well formed");
        let source = format!("Feature: f\n  Scenario: s\n{steps}");
        let document = momus_gherkin::parse(&source).expect("it is well formed");
        let feature = Feature {
            file: "a.feature".into(),
            name: "f".into(),
            pickles: momus_gherkin::pickles(&document, "a.feature"),
            lines: Vec::new(),
        };
        let planner = Planner {
            vocabulary: &Vocabulary::new(vec![silent(), over(), quiet(), nobody_complains()])
                .expect("they are well formed"),
            mesh: with_mesh.then(|| Arc::new(mesh)),
            variables: Arc::default(),
        };
        planner.plan([feature], &Selection::default())
    }

    /// Every error, each as `LINE MESSAGE; HINTS`.
    fn errors(steps: &str) -> Vec<String> {
        told(planned(steps, true).err())
    }

    fn told(unplanned: Option<Unplanned>) -> Vec<String> {
        let errors = unplanned.map(|unplanned| unplanned.errors).unwrap_or_default();
        let told = |error: &super::super::PlanError| {
            format!(
                "{} {}; {}",
                error.location.line,
                error.message(),
                error.hints().join("; ")
            )
        };
        errors.iter().map(told).collect()
    }

    #[test]
    fn what_a_definition_says_of_its_arguments_is_told() {
        assert_eq!(errors("    * mute is silent\n"), ["3 mute has no port; declare one"]);
        // Of a name that is wrong nothing else is said.
        let wrong = errors("    * muet is silent\n");
        assert!(
            matches!(&wrong[..], [one] if one.contains("did you mean `mute`?")),
            "{wrong:?}"
        );
    }

    #[test]
    fn a_timing_that_a_definition_does_not_take_is_told_with_those_that_it_takes() {
        assert!(errors("    * shop is quiet within 5 s\n").is_empty());
        assert_eq!(
            errors("    * shop is never quiet\n    * shop is quiet for 5 s\n"),
            [
                "3 this step does not take `never`; the timings that it takes are `eventually` (`within …`)",
                "4 this step does not take `for …`; the timings that it takes are `eventually` (`within …`)",
            ]
        );
        assert!(!quiet().drives && silent().drives);
    }

    #[test]
    fn what_services_tell_of_themselves_needs_them_to_run() {
        let Ok(plan) = planned("    * nobody complains\n", true) else {
            panic!("it can be planned");
        };
        assert!(plan.scenarios[0].needs_sandbox);
        assert_eq!(
            told(planned("    * nobody complains\n", false).err()),
            [
                "3 this step looks at what the services of a mesh tell of themselves, and no mesh is given; name its file with `-f mesh.yaml`, or in momus.toml"
            ]
        );
    }

    #[test]
    fn a_fault_is_injected_by_a_step_before() {
        assert!(errors("    * shop is silent\n    * the silence of shop is over\n").is_empty());
        assert_eq!(
            errors("    * the silence of shop is over\n    * shop is silent\n    * the silence of shup is over\n"),
            [
                "3 no step before this one injects the silence of shop; no step before it injects any fault",
                "5 no step before this one injects the silence of shup; did you mean `silence of shop`?",
            ]
        );
        // The step that nothing matches may be the one that would have injected it.
        let undefined = errors("    * shop is sillent\n    * the silence of shop is over\n");
        assert!(
            matches!(&undefined[..], [one] if one.starts_with("3 ")),
            "{undefined:?}"
        );
    }
}
