//! `@isolated(NAME)`: what a scenario wants a server of its own for.

use momus_gherkin::Pickle;

use super::{PlanError, Planner, Reason};
use crate::mesh::Kind;

/// The tag, before the name.
const TAG: &str = "@isolated";

impl Planner<'_> {
    /// The datastores and brokers that a scenario wants servers of its own for.
    pub(super) fn isolated(&self, file: &str, pickle: &Pickle, errors: &mut Vec<PlanError>) -> Vec<String> {
        let mut names = Vec::new();
        for tag in &pickle.tags {
            let Some(rest) = tag.name.strip_prefix(TAG) else {
                continue;
            };
            let name = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
            let checked = match name.filter(|name| !name.is_empty()) {
                Some(name) => self
                    .name(&[Kind::Datastore, Kind::Broker], name)
                    .map(|()| name.to_owned()),
                // A tag that only begins so is somebody's own.
                None if rest.starts_with(|first: char| first.is_alphanumeric() || "-_".contains(first)) => continue,
                None => Err(Reason::invalid(format!(
                    "`{}` does not say what is to be isolated; hint: write `{TAG}(NAME)`, the name of a datastore or broker",
                    tag.name
                ))),
            };
            match checked {
                Ok(name) if names.contains(&name) => {}
                Ok(name) => names.push(name),
                Err(reason) => errors.push(PlanError::new(file, tag.location, reason)),
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::super::{Feature, Plan, Selection, Unplanned};
    use super::*;
    use crate::mesh::Mesh;
    use crate::step;
    use crate::step::BlockShape;
    use crate::vocabulary::Vocabulary;

    step! {
        /// Does something.
        "something", BlockShape::Nothing;
        pub fn something(_world; _block) {
            Ok(())
        }
    }

    fn planned(tags: &str) -> Result<Plan, Unplanned> {
        let mesh = "mesh: m\nservices: { shop: { url: 'http://127.0.0.1:1' } }\ndatastores: { shop-db: { postgres: {} } }\n\
                    brokers: { kafka: {} }\n";
        let source = format!("Feature: f\n  {tags}\n  Scenario: s\n    * something\n");
        let feature = Feature {
            file: "a.feature".into(),
            name: "f".into(),
            pickles: momus_gherkin::pickles(&momus_gherkin::parse(&source).unwrap(), "a.feature"),
            lines: Vec::new(),
        };
        let planner = Planner {
            vocabulary: &Vocabulary::new(vec![something()]).unwrap(),
            mesh: Some(Arc::new(Mesh::parse(mesh, Path::new("/m/mesh.yaml")).unwrap())),
            variables: Arc::default(),
        };
        planner.plan([feature], &Selection::default())
    }

    fn isolated(tags: &str) -> Result<Vec<String>, Vec<String>> {
        let told = |error: &PlanError| {
            let hints = error.hints().join("; ");
            format!(
                "{}:{} {}; {hints}",
                error.location.line,
                error.location.column,
                error.message()
            )
        };
        match planned(tags) {
            Ok(plan) => Ok(plan.scenarios[0].isolated.clone()),
            Err(unplanned) => Err(unplanned.errors.iter().map(told).collect()),
        }
    }

    #[test]
    fn a_scenario_names_datastores_and_brokers_that_it_wants_for_itself() {
        let tags = "@isolated(shop-db) @slow @isolated(kafka) @isolated(shop-db) @isolated-by-hand";
        assert_eq!(isolated(tags).unwrap(), ["shop-db", "kafka"]);
        assert_eq!(isolated("@slow").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_tag_that_names_none_is_an_error_at_its_place() {
        let how = "write `@isolated(NAME)`, the name of a datastore or broker";
        assert_eq!(
            isolated("@isolated @slow @isolated(shop-bd) @isolated(shop)").unwrap_err(),
            [
                format!("2:3 `@isolated` does not say what is to be isolated; {how}"),
                "2:19 the mesh has no datastore or broker `shop-bd`; did you mean `shop-db`?".to_owned(),
                "2:38 `shop` is a service, and here stands a datastore or broker; ".to_owned(),
            ]
        );
    }
}
