//! Responses as the test client got them.

use std::sync::Arc;

use momus_engine::failure::{Failure, StepError};
use momus_engine::values::Kept;
use momus_engine::world::World;
use reqwest::StatusCode;
use serde_json::Value as Json;

use super::cookies::name_and_value;
use super::message::Message;
use crate::selection::{Judgement, Place, Subject, Typing};

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Response {
    pub status: StatusCode,
    pub message: Message,
    /// Where the redirects led that were followed to it.
    pub by_way_of: Vec<String>,
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
    /// What `as NAME` keeps: its body, its `status`, its `header …`, names in lower case, and its `cookie …`.
    pub fn kept(&self, line: &str) -> Kept {
        let mut aspects = self.message.header_aspects();
        aspects.insert("status".to_owned(), self.status.as_u16().into());
        let cookies = self
            .cookies()
            .map(|(name, value)| (format!("cookie {name}"), value.into()));
        aspects.extend(cookies);
        Kept {
            what: format!("the response of {line}"),
            json: self.message.body.json(),
            aspects,
        }
    }

    /// The cookie of this name that it gives: of several, the last.
    fn cookie(&self, name: &str) -> Option<Json> {
        let cookies = self.cookies().filter(|(cookie, _)| *cookie == name);
        cookies.last().map(|(_, value)| value.into())
    }

    fn cookies(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.message.headers.iter();
        let set = headers.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        set.filter_map(|(_, value)| name_and_value(value))
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
            place @ Place::Part(_) => place
                .named("cookie")
                .and_then(|name| self.cookie(name))
                .into_iter()
                .collect(),
            place => self.message.read(place),
        }
    }

    fn shown(&self) -> String {
        let reason = self
            .status
            .canonical_reason()
            .map(|reason| format!(" {reason}"))
            .unwrap_or_default();
        let led = match self.by_way_of.is_empty() {
            true => String::new(),
            false => format!(" after redirects to {}", self.by_way_of.join(", ")),
        };
        format!("{}{reason}{led}, {}", self.status.as_u16(), self.message.shown())
    }

    fn typing(&self, place: &Place) -> Typing {
        self.message.typing(place)
    }

    fn absence(&self, place: &Place) -> String {
        self.message.absence(place)
    }
}
