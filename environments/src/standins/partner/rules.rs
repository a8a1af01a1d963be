//! The file of rules of a partner's stand-in.

use std::path::Path;

use hyper::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    answer::Answer, condition::Condition, items::Items, path::PathPattern, place::Place, quantity::Size, rate::Rate,
    rules_error::RulesError,
};

/// What a partner's stand-in answers, and what it enforces.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The first route that has a call's method and path decides it; a call of none gets 404.
    #[schemars(with = "Vec<RouteKeys>")]
    pub(super) routes: Vec<Route>,
}

/// One route. A call passes its rules in the order in which they stand here, and the first that
/// strikes answers it. What is refused leaves nothing behind but `failures`' count.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RouteKeys")]
pub(super) struct Route {
    pub(super) method: Option<Method>,
    pub(super) path: PathPattern,
    pub(super) failures: Vec<Failure>,
    pub(super) max_body: Option<MaxBody>,
    pub(super) rate: Option<Rate>,
    pub(super) answers: Vec<Conditional>,
    pub(super) items: Option<Items>,
}

/// One route. A call passes its rules in this order, and the first that strikes answers it:
/// `failures`, `max_body`, `rate`, an entry of `answers` whose status is 400 or more, `items`.
/// A call that no rule refuses gets the entry of `answers` whose condition held.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "Route")]
struct RouteKeys {
    /// Any method where it is not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    method: Option<MethodName>,
    /// Such as `/v1/accounts/{account}/payments`.
    #[schemars(with = "String")]
    path: PathPattern,
    /// Calls of this route that fail whatever they ask.
    #[serde(default)]
    failures: Vec<Failure>,
    /// How large a body may be.
    max_body: Option<MaxBody>,
    /// How many calls are let through.
    rate: Option<Rate>,
    /// The first whose condition holds is given; the last has none.
    answers: Vec<Conditional>,
    /// What the items in a call must be like, and which the stand-in remembers.
    items: Option<Items>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct MethodName(Method);

/// Calls of the route that fail: the first entry whose `first` a call's number does not pass.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Failure {
    /// The calls from the route's first to this one.
    pub(super) first: u64,
    /// What they are answered.
    pub(super) answer: Answer,
}

/// How large a body may be, as it comes on the wire.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MaxBody {
    /// Such as `1 MB` (1,000,000 bytes) or `1 MiB` (1,048,576).
    #[schemars(with = "String")]
    pub(super) size: Size,
    /// The answer to a larger one; 413 where it is not given.
    #[serde(default = "too_large")]
    pub(super) answer: Answer,
}

/// An answer for the calls of which a condition holds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Conditional {
    /// Places of the request (`$.json.path`, `header NAME`, `query NAME`, `path NAME`) and what
    /// must hold there.
    #[serde(default)]
    pub(super) when: Condition,
    /// What is answered.
    pub(super) answer: Answer,
}

pub(super) fn too_large() -> Answer {
    Answer::bare(StatusCode::PAYLOAD_TOO_LARGE)
}

impl TryFrom<String> for MethodName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(format!("`{name}` is no method; methods are in upper case"));
        }
        name.parse().map(Self).map_err(|_| format!("`{name}` is no method"))
    }
}

impl TryFrom<RouteKeys> for Route {
    type Error = String;

    fn try_from(keys: RouteKeys) -> Result<Self, String> {
        let RouteKeys {
            method,
            path,
            failures,
            max_body,
            rate,
            answers,
            items,
        } = keys;
        let route = Self {
            method: method.map(|name| name.0),
            path,
            failures,
            max_body,
            rate,
            answers,
            items,
        };
        match route.mistake() {
            Some(mistake) => Err(mistake),
            None => Ok(route),
        }
    }
}

impl Route {
    /// What only the route as a whole can tell.
    fn mistake(&self) -> Option<String> {
        let always = self.answers.iter().position(|answer| answer.when.is_always());
        if always.is_none_or(|position| position + 1 < self.answers.len()) {
            let told = "the last of `answers`, and only it, has no `when`";
            return Some(format!(
                "{told}\nhint: it is the answer to every call that no other rule answers"
            ));
        }
        if self
            .items
            .as_ref()
            .is_some_and(|items| items.remember.is_some() && items.id.is_empty())
        {
            return Some("`items.remember` needs `items.id`: what is remembered is ids".to_owned());
        }
        let unknown = self.places().into_iter().find_map(|place| match place {
            Place::Path(name) if !self.path.has(name) => Some(name),
            Place::Path(_) | Place::Json(_) | Place::Header(_) | Place::Query(_) => None,
        });
        if let Some(name) = unknown {
            return Some(format!("the route's path has no placeholder `{{{name}}}`"));
        }
        self.every_answer().into_iter().find_map(Answer::mistake)
    }

    fn every_answer(&self) -> Vec<&Answer> {
        let failures = self.failures.iter().map(|failure| &failure.answer);
        let size = self.max_body.iter().map(|most| &most.answer);
        let rate = self.rate.iter().map(|rate| &rate.answer);
        let answers = self.answers.iter().map(|answer| &answer.answer);
        let items = self.items.iter().flat_map(Items::answers);
        failures.chain(size).chain(rate).chain(answers).chain(items).collect()
    }

    fn places(&self) -> Vec<&Place> {
        let rate = self.rate.iter().filter_map(|rate| rate.key.as_ref());
        let conditions = self.answers.iter().flat_map(|answer| answer.when.0.keys());
        let items = self.items.iter().flat_map(Items::places);
        let answers = self.every_answer().into_iter().flat_map(Answer::places);
        rate.chain(conditions).chain(items).chain(answers).collect()
    }
}

impl Rules {
    /// Reads a file of rules.
    ///
    /// # Errors
    /// It cannot be read, or is wrong somewhere.
    pub fn read(file: &Path) -> Result<Self, RulesError> {
        let text = std::fs::read_to_string(file).map_err(|error| RulesError::unread(file.to_owned(), &error))?;
        Self::parse(file, &text)
    }

    /// Reads the text of the file of this name.
    ///
    /// # Errors
    /// It is wrong somewhere.
    pub fn parse(file: &Path, text: &str) -> Result<Self, RulesError> {
        serde_saphyr::from_str(text).map_err(|error| RulesError::of(file.to_owned(), &error))
    }
}

/// The JSON schema of a file of rules.
#[must_use]
pub fn rules_schema() -> serde_json::Value {
    schemars::schema_for!(Rules).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Rules::parse(Path::new("bank.yaml"), text).expect_err(text).to_string()
    }

    fn route(more: &str) -> String {
        format!("routes:\n  - path: /payments/{{id}}\n    answers: [{{ answer: {{ status: 202 }} }}]\n    {more}\n")
    }

    #[test]
    fn each_mistake_is_told_at_its_place_and_with_a_hint() {
        let table = [
            (
                "routs: []",
                "bank.yaml:1:1: unknown key `routs`\n  hint: did you mean `routes`?".to_owned(),
            ),
            (
                &route("failure: []"),
                "bank.yaml:4:5: unknown key `failure`\n  hint: did you mean `failures`?".into(),
            ),
            (
                &route("max_body: { siez: 1 MB }"),
                "bank.yaml:4:17: unknown key `siez`\n  hint: did you mean `size`?".into(),
            ),
            (
                &route("max_body: { size: 1 }"),
                "bank.yaml:4:23: `1` is not a size, such as `500 B`, `32 KB`, `1 MB`, `64 KiB` or `1 MiB`".into(),
            ),
            (
                &route("items: { each: '$.events[' }"),
                "bank.yaml:4:20: `$.events[` is not a JSONPath: ".into(),
            ),
            (
                &route("failures: [{ first: 1, answer: { status: 99 } }]"),
                "bank.yaml:4:46: the status 99 is not one of 200 to 599".into(),
            ),
            (
                "routes:\n  - path: /x\n    answers:\n      - answer:\n          status: 200\n          text: ${item.accepted}",
                "bank.yaml:6:17: nothing is called `${item.accepted}`\n  hint: did you mean `items.accepted`?".into(),
            ),
            (
                "routes:\n  - path: /x\n    answers:\n      - when: { $.a: { equal: 1 } }\n        answer: { status: 200 }",
                "bank.yaml:4:24: `equal` is not known here\n  hint: did you mean `equals`?".into(),
            ),
        ];
        for (text, expected) in table {
            let told = error(text);
            assert!(
                told.starts_with(&expected),
                "{text}\nexpected {expected}\ntold     {told}"
            );
        }
    }

    #[test]
    fn what_only_the_whole_route_shows_is_an_error_too() {
        let table = [
            (
                route("items: { each: '$.e[*]', remember: 7 days }"),
                "`items.remember` needs `items.id`",
            ),
            (
                route("rate: { at_most: 1, per: 1 s, key: path name }"),
                "the route's path has no placeholder `{name}`",
            ),
            (
                "routes:\n  - path: /x\n    answers: [{ when: { $.a: absent }, answer: { status: 400 } }]".into(),
                "the last of `answers`, and only it, has no `when`",
            ),
            (
                "routes:\n  - path: /x\n    answers: [{ answer: { status: 200, json: {}, text: x } }]".into(),
                "an answer has `json` or `text`, not both",
            ),
        ];
        for (text, expected) in table {
            let told = error(&text);
            assert!(
                told.starts_with("bank.yaml:2:") && told.contains(expected),
                "{text}\n{told}"
            );
        }
    }

    #[test]
    fn the_schema_knows_every_key_and_refuses_others() {
        let schema = rules_schema().to_string();
        for key in [
            "failures",
            "max_body",
            "rate",
            "answers",
            "items",
            "remember",
            "retry_after",
        ] {
            assert_eq!(
                schema.contains(&format!("\"{key}\":")),
                key != "retry_after",
                "{key}: {schema}"
            );
        }
        assert!(schema.contains("\"additionalProperties\":false"));
    }
}
