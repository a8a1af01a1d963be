//! Responses as the test client got them.

use std::collections::BTreeMap;
use std::sync::Arc;

use momus_engine::failure::{Failure, StepError};
use momus_engine::values::Kept;
use momus_engine::world::World;
use reqwest::StatusCode;
use serde_json::Value as Json;

use super::message::Message;
use crate::selection::{Judgement, Place, Subject, Typing};

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Response {
    pub status: StatusCode,
    pub message: Message,
}

/// The responses of the last step that sent something.
#[derive(Clone, Debug)]
pub(crate) struct Responses {
    /// Whose they are and to what: `shop to POST /orders`.
    pub of: String,
    /// In the order of the requests.
    pub all: Vec<Response>,
}

impl Responses {
    /// Those of the last step that sent something, in the phrase that the current step stands in or around it.
    pub fn last(world: &World) -> Result<Arc<Self>, StepError> {
        let last = world.scopes.get::<Self>().filter(|responses| !responses.all.is_empty());
        last.ok_or_else(|| match world.scopes.ended_with::<Self>() {
            true => Failure::failed("there is no response here: what a phrase has sent, it keeps to itself").hint(
                "judge the response in the phrase, or keep it there with `as NAME` and read `${NAME.member}` or `${NAME:status}`",
            ),
            false => Failure::failed("there is no response: no step before this one has sent a request")
                .hint("such as `When I send GET \"/orders\" to shop`"),
        })
    }

    /// Makes them the last ones.
    pub fn keep(self, world: &mut World) {
        world.scopes.insert(self);
    }
}

impl Response {
    /// What `as NAME` keeps: its body, its `status` and its `header …`, names in lower case.
    pub fn kept(&self, line: &str) -> Kept {
        let mut aspects = BTreeMap::from([("status".to_owned(), Json::from(self.status.as_u16()))]);
        for (name, value) in &self.message.headers {
            let header = aspects.entry(format!("header {}", name.to_ascii_lowercase()));
            let header = header.or_insert_with(|| Json::String(String::new()));
            if let Json::String(text) = header {
                // Several lines of one header are one list (RFC 9110, section 5.3).
                if !text.is_empty() {
                    text.push_str(", ");
                }
                text.push_str(value);
            }
        }
        Kept {
            what: format!("the response of {line}"),
            json: self.message.body.json(),
            aspects,
        }
    }

    /// It and what it misses, as a failure shows them.
    pub fn judged(&self, judgement: &Judgement) -> String {
        let misses = judgement.misses.iter().map(|miss| format!("\n  {miss}"));
        format!("{}{}", self.shown(), misses.collect::<String>())
    }
}

impl Subject for Response {
    fn read(&self, place: &Place) -> Vec<Json> {
        match place {
            Place::Part(name) if name == "status" => vec![self.status.as_u16().into()],
            place => self.message.read(place),
        }
    }

    fn shown(&self) -> String {
        let reason = self
            .status
            .canonical_reason()
            .map(|reason| format!(" {reason}"))
            .unwrap_or_default();
        format!("{}{reason}, {}", self.status.as_u16(), self.message.shown())
    }

    fn typing(&self, place: &Place) -> Typing {
        self.message.typing(place)
    }

    fn absence(&self, place: &Place) -> String {
        self.message.absence(place)
    }
}
