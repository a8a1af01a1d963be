//! A call that a partner's stand-in received.

use std::time::Duration;

use momus_engine::event::Happening;
use momus_engine::timeline::Timeline;
use reqwest::Url;
use serde_json::Value as Json;

use crate::http::message::{Body, Message};
use crate::selection::{Place, Subject, Typing};

/// A call to a partner.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    /// When it had arrived, since the run began.
    pub at: Duration,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    status: u16,
    message: Message,
}

impl Call {
    /// Every call to a partner since the scenario began, in order.
    pub fn all(timeline: &Timeline, partner: &str) -> Vec<Self> {
        timeline.look(|events| {
            let calls = events.iter().filter_map(|event| match &event.happening {
                Happening::PartnerCall {
                    partner: called,
                    method,
                    path,
                    headers,
                    status,
                    body,
                } if called == partner => Some(Self::of(event.elapsed, method, path, headers, *status, body)),
                _ => None,
            });
            calls.collect()
        })
    }

    fn of(at: Duration, method: &str, target: &str, headers: &[(String, String)], status: u16, body: &Json) -> Self {
        let path = target.split('?').next().unwrap_or_default();
        let query = Url::parse(&format!("http://partner{target}")).map(|url| url.query_pairs().into_owned().collect());
        let body = match body {
            Json::String(text) if text.is_empty() => Body::Empty,
            Json::String(text) => Body::Text(text.clone()),
            json => Body::Json(json.clone()),
        };
        Self {
            at,
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.unwrap_or_default(),
            status,
            message: Message {
                headers: headers.to_vec(),
                body,
            },
        }
    }
}

impl Subject for Call {
    fn read(&self, place: &Place) -> Vec<Json> {
        match place {
            Place::Part(part) => match part.as_str() {
                "method" => vec![self.method.clone().into()],
                "path" => vec![self.path.clone().into()],
                "status" => vec![self.status.into()],
                _ => Vec::new(),
            },
            Place::Query(name) => {
                let named = self.query.iter().filter(|(parameter, _)| parameter == name);
                named.map(|(_, value)| Json::String(value.clone())).collect()
            }
            Place::Path { .. } | Place::Header(_) => self.message.read(place),
        }
    }

    fn shown(&self) -> String {
        let Self {
            method,
            path,
            status,
            message,
            ..
        } = self;
        format!("{method} {path} answered {status}: {}", message.shown())
    }

    fn typing(&self, place: &Place) -> Typing {
        self.message.typing(place)
    }

    fn absence(&self, place: &Place) -> String {
        match place {
            Place::Query(_) if self.query.is_empty() => "absent: there is no query".to_owned(),
            place => self.message.absence(place),
        }
    }
}
