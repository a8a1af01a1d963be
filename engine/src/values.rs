//! What `${…}` stands for in a scenario: what its steps kept, what is drawn, and the run's variables.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::draw::Draws;
use crate::failure::{Failure, StepError};
use crate::template::Reference;

/// Names that a step cannot give to what it keeps, for they mean something everywhere.
pub const BUILT_IN_NAMES: &[&str] = &["uuid", "fake", "now", "ordinal", "service", "edge"];

/// What a step kept under a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// What it is, in words: `the response of POST /orders`.
    pub what: String,
    /// The body of a response, the value of a record.
    pub json: Json,
    /// What `${name:aspect}` reads: `status`, `key`, `header content-type` (header names in lower case).
    pub aspects: BTreeMap<String, Json>,
}

/// The values of one scenario.
pub struct Values {
    kept: HashMap<String, Kept>,
    variables: Arc<BTreeMap<String, String>>,
    draws: Draws,
    ordinal: Option<u64>,
}

impl Values {
    /// Nothing kept yet.
    pub fn new(variables: Arc<BTreeMap<String, String>>, draws: Draws) -> Self {
        Self {
            kept: HashMap::new(),
            variables,
            draws,
            ordinal: None,
        }
    }

    /// Values for what goes on beside the steps: with what is kept so far, and draws of their own.
    pub fn beside(&mut self) -> Self {
        Self {
            kept: self.kept.clone(),
            variables: Arc::clone(&self.variables),
            draws: self.draws.beside(),
            ordinal: None,
        }
    }

    /// Keeps a value under a name, in place of an earlier one.
    pub fn keep(&mut self, name: impl Into<String>, kept: Kept) {
        self.kept.insert(name.into(), kept);
    }

    /// What was kept under a name.
    pub fn kept(&self, name: &str) -> Option<&Kept> {
        self.kept.get(name)
    }

    /// Says what `${ordinal}` stands for: the number, from 1, of what a step is making among those that it makes; none
    /// outside of such a step.
    pub fn count(&mut self, ordinal: Option<u64>) {
        self.ordinal = ordinal;
    }

    /// The source of drawn values.
    pub fn draws(&mut self) -> &mut Draws {
        &mut self.draws
    }

    /// What a reference stands for; `mesh` reads `${service…}` and `${edge…}`.
    ///
    /// # Errors
    /// When nothing was kept under the name, or what was kept has no such part.
    pub fn resolve(
        &mut self,
        reference: &Reference,
        mesh: impl Fn(&Reference) -> Option<Json>,
    ) -> Result<Json, StepError> {
        if let Some(kept) = self.kept.get(&reference.head) {
            return read(kept, reference);
        }
        let drawn = match (reference.head.as_str(), reference.path.as_slice()) {
            ("uuid", []) => Some(Json::String(self.draws.uuid())),
            ("now", []) => Some(Json::String(jiff::Timestamp::now().to_string())),
            ("ordinal", []) => Some(Json::from(self.ordinal.ok_or_else(|| {
                Failure::failed("`${ordinal}` has no value here").hint(
                    "it is the number, from 1, of a request or a record among those that one step sends, and stands in such a step alone",
                )
            })?)),
            ("fake", [crate::template::Key::Member(kind)]) => self.draws.made_up(kind).map(Json::String),
            ("service" | "edge", _) => mesh(reference),
            _ => self.variables.get(&reference.head).cloned().map(Json::String),
        };
        drawn
            .or_else(|| reference.default.clone().map(Json::String))
            .ok_or_else(|| Failure::failed(format!("`{reference}` has no value")))
    }
}

fn read(kept: &Kept, reference: &Reference) -> Result<Json, StepError> {
    let found = match &reference.aspect {
        Some(aspect) => {
            let aspect = match aspect.split_once(' ') {
                Some(("header", name)) => format!("header {}", name.to_ascii_lowercase()),
                _ => aspect.clone(),
            };
            kept.aspects.get(&aspect)
        }
        None => reference.follow(&kept.json),
    };
    if let Some(found) = found {
        return Ok(found.clone());
    }
    if let Some(default) = &reference.default {
        return Ok(Json::String(default.clone()));
    }
    let what = &kept.what;
    Err(match &reference.aspect {
        Some(aspect) => {
            let has: Vec<&str> = kept.aspects.keys().map(String::as_str).collect();
            Failure::failed(format!("`{reference}` has no value: {what} has no {aspect}"))
                .hint(format!("it has {}", has.join(", ")))
        }
        None => Failure::failed(format!(
            "`{reference}` has no value: {what} is {}",
            shortened(&kept.json.to_string())
        )),
    })
}

/// A text of a length that a person reads.
pub fn shortened(text: &str) -> String {
    const LONGEST: usize = 400;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::ScenarioPlace;
    use crate::template::Template;

    fn values() -> Values {
        let place = ScenarioPlace {
            file: "a.feature".into(),
            line: 1,
            feature: String::new(),
            rule: None,
            name: String::new(),
            tags: Vec::new(),
            is_example_row: false,
        };
        let variables = BTreeMap::from([("REGION".to_owned(), "eu".to_owned())]);
        let mut values = Values::new(Arc::new(variables), Draws::new(1, &place));
        let kept = Kept {
            what: "the response of POST /orders".into(),
            json: json!({"id": 7}),
            aspects: BTreeMap::from([
                ("status".to_owned(), json!(202)),
                ("header location".to_owned(), json!("/orders/7")),
            ]),
        };
        values.keep("order", kept);
        values
    }

    fn value(text: &str) -> Result<Json, StepError> {
        let template = Template::parse(text).expect("it is one");
        let mut values = values();
        template.value(|reference| values.resolve(reference, |_| Some(json!("http://shop"))))
    }

    #[test]
    fn what_was_kept_is_read_by_path_and_by_aspect() {
        assert_eq!(value("${order.id}").unwrap(), json!(7));
        assert_eq!(value("${order:status}").unwrap(), json!(202));
        assert_eq!(value("${order:header Location}").unwrap(), json!("/orders/7"));
        assert_eq!(value("${order.total:-0}").unwrap(), json!("0"));
    }

    #[test]
    fn variables_and_the_mesh_are_read() {
        assert_eq!(value("${REGION}").unwrap(), json!("eu"));
        assert_eq!(
            value("${service.shop.url}/orders").unwrap(),
            json!("http://shop/orders")
        );
    }

    #[test]
    fn the_ordinal_is_there_while_something_is_numbered() {
        let template = Template::parse("${ordinal}").expect("it is one");
        let mut values = values();
        let mut value = |ordinal| {
            values.count(ordinal);
            template.value(|reference| values.resolve(reference, |_| None))
        };
        assert_eq!(value(Some(50)).unwrap(), json!(50));
        assert_eq!(value(None).unwrap_err().message, "`${ordinal}` has no value here");
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        let failure = value("${order.total}").unwrap_err();
        assert_eq!(
            failure.message,
            r#"`${order.total}` has no value: the response of POST /orders is {"id":7}"#
        );
        let failure = value("${order:key}").unwrap_err();
        assert_eq!(failure.hint.as_deref(), Some("it has header location, status"));
    }
}
