//! What partners answer.

use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::sandbox::PartnerAnswer;
use momus_engine::step;
use momus_engine::step::{Block, BlockError, BlockShape};
use momus_engine::values::shortened;
use momus_engine::world::World;
use serde_json::Value as Json;

use crate::http::request::{check_headers, check_path};
use crate::selection::build::{self, Built};
use crate::selection::{Parts, Places};

const ANSWER: Places = Places {
    of: "an answer",
    json: true,
    headers: true,
    query: false,
    parts: Parts::Known(&[]),
};

step! {
    /// Tells a partner's stand-in what to answer from now on to requests of this method and path, in place of what its
    /// own rules say; of two such answers the later one counts. In the path, `{name}` stands for any one segment; a
    /// query is left aside.
    ///
    /// The table builds the answer: `$…` places make its JSON body, `header NAME` its headers. A doc string is the body
    /// itself, as JSON.
    ///
    /// ```gherkin
    /// Given partner bank answers POST "/charges" with 402
    ///   | $.error            | insufficient funds |
    ///   | header retry-after | 60                 |
    /// ```
    "partner {partner} answers {method} {text} with {status}", BlockShape::Optional(check_answer), check: check;
    pub fn answers(world, partner: String, method: String, path: String, status: u64; block) {
        let path = world.text(&path)?;
        let built = Built::read(world, &block)?;
        let headers = built.headers.into_iter().map(|(name, value)| (name, value.written));
        let answer = PartnerAnswer {
            method,
            path,
            status: u16::try_from(status).unwrap_or_default(),
            headers: headers.collect(),
            body: body(world, &block)?.or(built.json),
        };
        world.sandbox()?.answer(&partner, answer).await
    }
}

fn check(mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    for value in values {
        match value {
            Value::Number(status @ 100..200) => {
                return Err(format!(
                    "{status} is no status that ends a request; hint: such are 200 to 599"
                ));
            }
            Value::Text(path) if path.contains('?') => {
                return Err(format!(
                    "the path `{path}` has a query; hint: the answer is for every query, so leave it out"
                ));
            }
            _ => {}
        }
    }
    check_path(mesh, values)
}

fn check_answer(block: &Block) -> Result<(), BlockError> {
    match block {
        Block::Text { content, .. } if content.contains("${") => Ok(()),
        Block::Text { content, .. } => json(content).map(drop).map_err(BlockError::whole),
        Block::Table(_) | Block::Nothing => {
            build::check(&ANSWER, block)?;
            check_headers(block)
        }
    }
}

/// The body that a doc string is.
fn body(world: &mut World, block: &Block) -> Result<Option<Json>, StepError> {
    let Block::Text { content, .. } = block else {
        return Ok(None);
    };
    let text = world.text(content)?;
    json(&text).map(Some).map_err(Failure::failed)
}

fn json(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|error| {
        let text = shortened(text);
        format!("the body of the answer is not JSON: {error}: {text}; hint: a stand-in's rules file can answer with any text")
    })
}

#[cfg(test)]
mod tests {
    use momus_engine::step::Block;
    use serde_json::json;

    use super::PartnerAnswer;
    use crate::testing::{Scenario, doc_string, plan, table};

    async fn told(text: &str, block: Block) -> PartnerAnswer {
        let mut scenario = Scenario::begin();
        scenario.passes(text, block).await;
        let mut answers = scenario.sandbox.answers.lock().expect("nobody panicked");
        let (partner, answer) = answers.pop().expect("the stand-in was told");
        assert_eq!((partner.as_str(), answers.len()), ("bank", 0));
        answer
    }

    #[tokio::test]
    async fn a_stand_in_is_told_what_to_answer() {
        let bare = told(r#"partner bank answers POST "/charges/{id}" with 503"#, Block::Nothing).await;
        let expected = PartnerAnswer {
            method: "POST".into(),
            path: "/charges/{id}".into(),
            status: 503,
            headers: Vec::new(),
            body: None,
        };
        assert_eq!(bare, expected);
        let rows = [
            ["$.errors[0].code", "funds"],
            ["header retry-after", "60"],
            ["$.amount", "1"],
        ];
        let built = told(r#"partner bank answers POST "/charges" with 402"#, table(&rows)).await;
        assert_eq!(built.headers, [("retry-after".to_owned(), "60".to_owned())]);
        assert_eq!(built.body, Some(json!({"errors": [{"code": "funds"}], "amount": 1})));
        let text = doc_string(Some("json"), "[{\"id\": \"${uuid}\"}]");
        let body = told(r#"partner bank answers GET "/charges" with 200"#, text).await.body;
        assert!(body.is_some_and(|body| body[0]["id"].as_str().is_some_and(|id| id.len() == 36)));
    }

    #[tokio::test]
    async fn an_answer_that_turns_out_to_be_none_fails_the_step() {
        let mut scenario = Scenario::begin();
        let text = doc_string(None, "{\"id\": ${uuid}}");
        let failure = scenario
            .fails(r#"partner bank answers GET "/charges" with 200"#, text)
            .await;
        assert!(
            failure.starts_with("Failed: the body of the answer is not JSON: "),
            "{failure}"
        );
        assert!(scenario.sandbox.answers.lock().expect("nobody panicked").is_empty());
    }

    #[test]
    fn what_cannot_be_answered_is_told_while_planning() {
        let errors = plan(
            r#"    * partner bank answers POST "charges" with 200
    * partner bank answers POST "/charges?page=1" with 200
    * partner bank answers POST "/charges" with 100
    * partner shop answers POST "/charges" with 200
    * partner bank answers POST "/charges" with 200
      | status | 1 |
    * partner bank answers POST "/charges" with 200
      """
      paid
      """"#,
        );
        insta::assert_snapshot!(errors.unwrap_err(), @r#"
        3:5 | * partner bank answers POST "charges" with 200
        the path `charges` does not begin with `/`
        hint: did you mean `/charges`?
        4:5 | * partner bank answers POST "/charges?page=1" with 200
        the path `/charges?page=1` has a query
        hint: the answer is for every query, so leave it out
        5:5 | * partner bank answers POST "/charges" with 100
        100 is no status that ends a request
        hint: such are 200 to 599
        6:15 | * partner shop answers POST "/charges" with 200
        `shop` is a service, and here stands a partner
        8:9 | | status | 1 |
        an answer has no place `status`
        hint: a member of its JSON is `$.status`; an answer has `$…`, `header NAME`
        9:5 | * partner bank answers POST "/charges" with 200
        the body of the answer is not JSON: expected value at line 1 column 1: paid
        hint: a stand-in's rules file can answer with any text
        "#);
    }
}
