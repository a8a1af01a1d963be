//! What partners answer.

use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::sandbox::PartnerAnswer;
use momus_engine::step;
use momus_engine::step::{Block, BlockError, BlockShape};
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
        format!("the body of the answer is not JSON: {error}; hint: a stand-in's rules file can answer with any text")
    })
}
