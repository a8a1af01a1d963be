//! A call that a partner's stand-in received.

use std::time::Duration;

use momus_engine::event::Happening;
use momus_engine::timeline::Timeline;
use momus_engine::values::Kept;
use reqwest::Url;
use serde_json::Value as Json;

use crate::http::cookies::name_and_value;
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

impl Call {
    /// What `as NAME` keeps of it.
    pub fn kept(&self, partner: &str) -> Kept {
        let mut aspects = self.message.header_aspects();
        aspects.extend([
            ("method".to_owned(), self.method.clone().into()),
            ("path".to_owned(), self.path.clone().into()),
            ("status".to_owned(), self.status.into()),
        ]);
        Kept {
            what: format!("the call that partner {partner} received"),
            json: self.message.body.json(),
            aspects,
        }
    }

    /// What stands in a field of its form, or in a cookie.
    fn field(&self, place: &Place) -> Vec<Json> {
        let named = |fields: &mut dyn Iterator<Item = (String, String)>, wanted: &str| {
            let named = fields.filter(|(name, _)| name == wanted);
            named.map(|(_, value)| Json::String(value)).collect()
        };
        if let Some(cookie) = place.named("cookie") {
            let headers = self.message.headers.iter();
            let sent = headers.filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
            let pairs = sent.flat_map(|(_, value)| value.split(';')).filter_map(name_and_value);
            let mut pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
            return named(&mut pairs, cookie);
        }
        match (place.named("form"), &self.message.body) {
            (Some(field), Body::Text(text)) => named(&mut form_urlencoded::parse(text.as_bytes()).into_owned(), field),
            _ => Vec::new(),
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
                _ => self.field(place),
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

#[cfg(test)]
mod tests {
    use momus_engine::event::Happening;
    use serde_json::json;

    use crate::testing::{Scenario, table};

    #[tokio::test]
    async fn forms_and_cookies_are_read_field_by_field() {
        let mut scenario = Scenario::begin();
        scenario.world.timeline.record(Happening::PartnerCall {
            partner: "bank".into(),
            method: "POST".into(),
            path: "/charges".into(),
            headers: vec![("Cookie".into(), "session=s-1; lang=en".into())],
            status: 201,
            body: json!("amount=12.50&note=a+b%26c&line[0][sku]=a"),
        });
        let rows = [
            ["form amount", "12.50"],
            ["form amount", "#at least 12.5"],
            ["form note", "a b&c"],
            ["form line[0][sku]", "a"],
            ["form gone", "#absent"],
            ["cookie session", "s-1"],
        ];
        scenario.passes("partner bank receives a call", table(&rows)).await;
        let rows = [["form amount", "12.5"], ["form gone", "1"], ["cookie session", "s-2"]];
        let failure = scenario.fails("partner bank receives a call", table(&rows)).await;
        insta::assert_snapshot!(failure, @r#"
        Failed: it does not hold
        expected:
          calls to partner bank: at least 1
            form amount: 12.5
            form gone: 1
            cookie session: "s-2"
        seen:
          calls to partner bank: 0, and 1 other
          the nearest other: POST /charges answered 201: amount=12.50&note=a+b%26c&line[0][sku]=a
            form amount: expected 12.5, was "12.50"
            form gone: expected 1, was absent
            cookie session: expected "s-2", was "s-1"
        "#);
    }
}
