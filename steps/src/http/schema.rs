//! What a JSON Schema says of a response.

use std::path::Path;

use jsonschema::paths::{Location, LocationSegment};
use jsonschema::{ValidationError, Validator};
use momus_engine::failure::{Failure, StepError};
use momus_engine::step;
use momus_engine::step::{Block, BlockError, BlockShape, StepDefinition, StepResult};
use momus_engine::template::Key;
use momus_engine::timing::Timing;
use momus_engine::values::shortened;
use momus_engine::world::World;
use reqwest::Url;
use serde_json::Value as Json;

use super::expected::looked;
use super::message::Body;
use super::response::{Response, Responses};
use crate::selection::Subject;
use crate::selection::build::written;

/// The sentences about schemas.
pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![matches_schema(), matches_the_schema()]
}

/// So many breaches are told one by one.
const SHOWN: usize = 10;

step! {
    /// Judges the JSON body of the last response by a JSON Schema, a file beside the feature. Every breach is told with its
    /// place in the body and the rule of the schema.
    ///
    /// The draft is what `$schema` says, else 2020-12; `format` is checked as well; `$ref` may name files beside the schema.
    /// A schema that accepts everything is an error.
    ///
    /// ```gherkin
    /// When I send GET "/orders/17" to shop
    /// Then the response matches schema "schemas/order.json"
    /// ```
    "the response matches schema {file}", BlockShape::Nothing, drives: false;
    pub fn matches_schema(world, name: String; _block) {
        let responses = Responses::last(world)?;
        let name = world.text(&name)?;
        let path = world.files.find(&name).map_err(Failure::failed)?;
        let schema = read(&name, &path)?;
        judge(world, &responses, &schema, &format!("schema {name}")).await
    }
}

step! {
    /// Judges the JSON body of the last response by the JSON Schema that stands below the step, as `the response matches
    /// schema` does by one in a file.
    ///
    /// ```gherkin
    /// When I send GET "/orders/17" to shop
    /// Then the response matches the schema
    ///   """json
    ///   { "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } }
    ///   """
    /// ```
    "the response matches the schema", BlockShape::Required(check), drives: false;
    pub fn matches_the_schema(world; block) {
        let responses = Responses::last(world)?;
        let Block::Text { content, .. } = &block else {
            return Err(Failure::failed(NO_TEXT));
        };
        let schema = parse(&world.text(content)?, "the schema", None).map_err(Failure::failed)?;
        judge(world, &responses, &schema, "the schema").await
    }
}

const NO_TEXT: &str = "this step takes a doc string and no table; hint: the schema itself stands below it, in JSON";

fn check(block: &Block) -> Result<(), BlockError> {
    match block {
        Block::Text { content, .. } if content.contains("${") => Ok(()),
        Block::Text { content, .. } => parse(content, "the schema", None).map(drop).map_err(BlockError::whole),
        Block::Table(_) | Block::Nothing => Err(BlockError::whole(NO_TEXT)),
    }
}

fn read(name: &str, path: &Path) -> Result<Validator, StepError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::failed(format!("{name} cannot be read: {error}")))?;
    let base = path.canonicalize().ok().and_then(|path| Url::from_file_path(path).ok());
    parse(&text, name, base.as_ref()).map_err(Failure::failed)
}

/// A schema out of its text; what it refers to is looked for beside `base`.
fn parse(text: &str, name: &str, base: Option<&Url>) -> Result<Validator, String> {
    let schema: Json = serde_json::from_str(text).map_err(|error| format!("{name} is not JSON: {error}"))?;
    if schema == Json::Bool(true)
        || schema
            .as_object()
            .is_some_and(|rules| rules.keys().all(|key| key.starts_with('$')))
    {
        let refers = |key: &str| schema.get(key).is_some();
        if !refers("$ref") && !refers("$dynamicRef") {
            return Err(format!(
                "{name} accepts everything: it has no rule; hint: such as `\"type\": \"object\"`"
            ));
        }
    }
    let mut options = jsonschema::options().should_validate_formats(true);
    if let Some(base) = base {
        options = options.with_base_uri(base.as_str());
    }
    options.build(&schema).map_err(|error| {
        let at = json_path(error.instance_path());
        format!("{name} is no JSON Schema: at {at}: {}", shortened(&error.to_string()))
    })
}

async fn judge(world: &World, responses: &Responses, schema: &Validator, name: &str) -> StepResult {
    let expected = format!("the response of {} matches {name}", responses.of);
    let look = || async {
        let breaches = responses
            .all
            .last()
            .map_or_else(|| vec!["no response".to_owned()], |last| breaches(last, schema));
        let response = responses.all.last().map(Subject::shown).unwrap_or_default();
        let mut seen = vec![response];
        seen.extend(breaches.iter().take(SHOWN).map(|breach| format!("  {breach}")));
        if breaches.len() > SHOWN {
            seen.push(format!("  … and {} more", breaches.len() - SHOWN));
        }
        Ok(looked(breaches.is_empty(), seen.join("\n")))
    };
    world.expect(Timing::Now, &expected, look).await
}

/// What of a response is not as the schema has it.
fn breaches(response: &Response, schema: &Validator) -> Vec<String> {
    match &response.message.body {
        Body::Json(json) => schema.iter_errors(json).map(|error| breach(&error)).collect(),
        Body::Empty => vec!["the body is empty".to_owned()],
        Body::Text(_) => vec![format!("the body is not JSON ({})", response.message.told_type())],
    }
}

fn breach(error: &ValidationError<'_>) -> String {
    let (place, rule) = (json_path(error.instance_path()), error.evaluation_path());
    format!("{place}: {} [rule {rule}]", shortened(&error.to_string()))
}

fn json_path(location: &Location) -> String {
    let keys = location.iter().map(|segment| match segment {
        LocationSegment::Property(name) => Key::Member(name.into_owned()),
        LocationSegment::Index(index) => Key::Element(index),
    });
    written(&keys.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::response::IntoResponse;
    use axum::routing::get;
    use momus_engine::files::Files;
    use momus_engine::step::Block;
    use serde_json::json;

    use crate::testing::{Scenario, doc_string, plan};

    /// A scenario beside the foreign mesh's features, with a shop whose orders are partly wrong.
    async fn shop() -> Scenario {
        let right = || async { axum::Json(json!({"id": "o-1", "amount": 12.5, "lines": [{"sku": "a"}]})) };
        let wrong = || async { axum::Json(json!({"amount": -1, "lines": [{"sku": "a"}, {"sku": 7}]})) };
        let app = Router::new()
            .route("/orders/1", get(right))
            .route("/orders/2", get(wrong))
            .route("/text", get(|| async { "pong" }))
            .route(
                "/empty",
                get(|| async { axum::http::StatusCode::NO_CONTENT.into_response() }),
            );
        let mut scenario = Scenario::begin();
        let features = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../fixtures/foreign/features/orders.feature"
        );
        scenario.world.files = Files::of(features, [].iter());
        scenario.serve("shop", app).await;
        scenario
    }

    async fn told(scenario: &mut Scenario, path: &str, step: &str, block: Block) -> String {
        let sends = format!(r#"I send GET "{path}" to shop"#);
        scenario.passes(&sends, Block::Nothing).await;
        scenario.fails(step, block).await
    }

    const IN_A_FILE: &str = r#"the response matches schema "schemas/order.json""#;
    const BELOW: &str = "the response matches the schema";

    #[tokio::test]
    async fn a_body_is_judged_by_a_schema_in_a_file() {
        let mut scenario = shop().await;
        scenario
            .passes(r#"I send GET "/orders/1" to shop"#, Block::Nothing)
            .await;
        scenario.passes(IN_A_FILE, Block::Nothing).await;
        let mut all = Vec::new();
        for path in ["/orders/2", "/text", "/empty"] {
            all.push(told(&mut scenario, path, IN_A_FILE, Block::Nothing).await);
        }
        insta::assert_snapshot!(all.join("\n\n"), @r#"
        Failed: it does not hold
        expected:
          the response of shop to GET /orders/2 matches schema schemas/order.json
        seen:
          200 OK, {"amount":-1,"lines":[{"sku":"a"},{"sku":7}]}
            $: "id" is a required property [rule /required]
            $.amount: -1 is less than or equal to the minimum of 0 [rule /properties/amount/$ref/exclusiveMinimum]
            $.lines[1].sku: 7 is not of type "string" [rule /properties/lines/items/properties/sku/type]

        Failed: it does not hold
        expected:
          the response of shop to GET /text matches schema schemas/order.json
        seen:
          200 OK, pong
            the body is not JSON (text/plain; charset=utf-8)

        Failed: it does not hold
        expected:
          the response of shop to GET /empty matches schema schemas/order.json
        seen:
          204 No Content, an empty body
            the body is empty
        "#);
    }

    #[tokio::test]
    async fn a_body_is_judged_by_the_schema_below_the_step() {
        let mut scenario = shop().await;
        scenario
            .passes(r#"I send GET "/orders/1" to shop as order"#, Block::Nothing)
            .await;
        let schema =
            r#"{"properties": {"id": {"const": "${order.id}"}, "at": {"format": "date-time"}}, "required": ["id"]}"#;
        scenario.passes(BELOW, doc_string(Some("json"), schema)).await;
        let schema =
            r#"{"properties": {"id": {"format": "uuid"}, "lines": {"items": {"required": ["a-b"]}, "maxItems": 0}}}"#;
        let failure = told(&mut scenario, "/orders/1", BELOW, doc_string(None, schema)).await;
        insta::assert_snapshot!(failure, @r#"
        Failed: it does not hold
        expected:
          the response of shop to GET /orders/1 matches the schema
        seen:
          200 OK, {"id":"o-1","amount":12.5,"lines":[{"sku":"a"}]}
            $.id: "o-1" is not a "uuid" [rule /properties/id/format]
            $.lines: [{"sku":"a"}] has more than 0 items [rule /properties/lines/maxItems]
            $.lines[0]: "a-b" is a required property [rule /properties/lines/items/required]
        "#);
    }

    #[tokio::test]
    async fn without_a_response_nothing_is_judged() {
        let mut scenario = shop().await;
        let failure = scenario.fails(IN_A_FILE, Block::Nothing).await;
        assert!(failure.starts_with("Failed: there is no response: "), "{failure}");
    }

    #[tokio::test]
    async fn a_file_that_is_no_schema_is_told_when_the_step_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut scenario = shop().await;
        let feature = folder.path().join("a.feature");
        scenario.world.files = Files::of(feature.to_str().expect("it is text"), [].iter());
        let mut all = Vec::new();
        for text in ["{", "{}", r#"{"type": "objekt"}"#, r#"{"$ref": "gone.json"}"#] {
            std::fs::write(folder.path().join("a.json"), text).expect("it is written");
            let failure = told(
                &mut scenario,
                "/orders/1",
                r#"the response matches schema "a.json""#,
                Block::Nothing,
            )
            .await;
            all.push(failure.replace(folder.path().to_str().expect("it is text"), "…"));
        }
        insta::assert_snapshot!(all.join("\n"), @r#"
        Failed: a.json is not JSON: EOF while parsing an object at line 1 column 1
        Failed: a.json accepts everything: it has no rule
        hint: such as `"type": "object"`
        Failed: a.json is no JSON Schema: at $.type: "objekt" is not valid under any of the schemas listed in the 'anyOf' keyword
        Failed: a.json is no JSON Schema: at $: Resource 'file://…/gone.json' is not present in a registry and retrieving it failed: No such file or directory (os error 2)
        "#);
    }

    #[test]
    fn what_is_no_schema_is_told_while_planning() {
        let errors = plan(
            r#"    * the response matches schema "schemas/order.json"
    * the response matches the schema
    * the response matches the schema
      | a | b |
    * the response matches the schema
      """
      { "$schema": "https://json-schema.org/draft/2020-12/schema" }
      """
    * the response matches the schema
      """json
      { "properties": { "id": { "type": "txt" } } }
      """"#,
        );
        insta::assert_snapshot!(errors.unwrap_err(), @r#"
        3:5 | * the response matches schema "schemas/order.json"
        there is no file `schemas/order.json` beside planned.feature
        hint: its name is relative to the file in which the step is written
        4:5 | * the response matches the schema
        this step needs what stands below it
        hint: see `momus steps "the response matches the schema"`
        5:5 | * the response matches the schema
        this step takes a doc string and no table
        hint: the schema itself stands below it, in JSON
        7:5 | * the response matches the schema
        the schema accepts everything: it has no rule
        hint: such as `"type": "object"`
        11:5 | * the response matches the schema
        the schema is no JSON Schema: at $.properties.id.type: "txt" is not valid under any of the schemas listed in the 'anyOf' keyword
        "#);
    }
}
