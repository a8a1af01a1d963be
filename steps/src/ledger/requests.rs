//! What begins with the test client's own requests.

use momus_engine::mesh::Site;
use serde_json::Value as Json;

use super::eye::{Eye, Seen};
use super::sent::SentRequest;
use super::sighting::{Order, Sighting, things};

impl Eye {
    /// What requests of the test client say of the first stage.
    pub fn requests(&self, requests: &[SentRequest]) -> Seen {
        let in_request = matches!(self.site, Site::Request { in_request: true, .. });
        let mut seen = Seen::default();
        for (number, request) in requests.iter().enumerate() {
            let own = request.body.as_ref().and_then(|body| serde_json::from_str(body).ok());
            let own: Json = own.unwrap_or_default();
            let (certain, said) = match &request.answer {
                Some(answer) if (200..300).contains(&answer.status) => (true, answer.status.to_string()),
                // What fails on the server's side may have been done before that.
                Some(answer) if answer.status >= 500 => (false, answer.status.to_string()),
                Some(_) => continue,
                None => (false, "without an answer".to_owned()),
            };
            seen.under_way |= request.under_way;
            seen.unanswered += usize::from(!certain);
            let ids = match &request.answer {
                _ if in_request => self.id.nodes(&own),
                Some(answer) if certain => self.id.nodes(&answer.body),
                _ => {
                    seen.unnamed = if self.several {
                        usize::MAX
                    } else {
                        seen.unnamed.saturating_add(1)
                    };
                    continue;
                }
            };
            let keys = self.key.as_ref().map(|key| key.nodes(&own)).unwrap_or_default();
            let until = request.answer.as_ref().map(|answer| answer.at);
            let things = things(ids, keys, self.several || !certain).into_iter().enumerate();
            seen.sightings.extend(things.map(|(at, (id, key))| Sighting {
                id,
                key,
                at: until.or(Some(request.from)),
                place: format!("{} {} {said}", request.method, request.path),
                order: Order::Between {
                    from: request.from,
                    until: until.filter(|_| certain),
                    request: number,
                    number: at,
                },
                certain,
            }));
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use momus_engine::mesh::Mesh;
    use serde_json::json;

    use std::time::Duration;

    use super::super::sent::Answer;
    use super::*;
    use crate::testing::Scenario;

    /// The eye on a first stage that is a request to shop with these ids and keys.
    fn eye(ids: &str) -> Eye {
        let text = format!(
            "mesh: m\nservices: {{ shop: {{ command: [x] }} }}\nbrokers: {{ kafka: {{ topics: {{ t: {{}} }} }} }}\nledgers:\n  orders:\n    placed: {{ request: POST /orders, of: shop, {ids} }}\n    published: {{ topic: t, id: key }}\n"
        );
        let mesh = Mesh::parse(&text, std::path::Path::new("mesh.yaml")).expect("it is well formed");
        let (_, first) = mesh.ledgers["orders"].first().expect("it has one");
        Eye::open(&mut Scenario::begin().world, first).expect("nothing is needed for it")
    }

    fn request(body: Json, answer: Option<(u16, Json)>) -> SentRequest {
        SentRequest {
            service: "shop".into(),
            method: "POST".into(),
            path: "/orders".into(),
            body: Some(body.to_string()),
            from: Duration::from_millis(1),
            under_way: false,
            answer: answer.map(|(status, body)| Answer {
                at: Duration::from_millis(2),
                status,
                body,
            }),
        }
    }

    fn told(seen: &Seen) -> Vec<String> {
        let told = seen.sightings.iter().map(|sighting| {
            let certain = if sighting.certain { "" } else { "perhaps " };
            let (id, key) = (
                sighting.id.as_deref().unwrap_or("-"),
                sighting.key.as_deref().unwrap_or("-"),
            );
            format!("{certain}{id} of {key}")
        });
        told.collect()
    }

    #[test]
    fn the_answer_tells_the_ids_and_the_request_the_keys() {
        let eye = eye(r#"id: "$.ids[*]", key: "$.orders[*].customer""#);
        let orders = json!({"orders": [{"customer": "ada"}, {"customer": "bob"}]});
        let seen = eye.requests(&[
            request(orders.clone(), Some((202, json!({"ids": [1, "o-2"]})))),
            request(orders.clone(), Some((400, json!({"ids": [3]})))),
            request(orders, None),
        ]);
        assert_eq!(told(&seen), ["1 of ada", "o-2 of bob"]);
        assert_eq!((seen.unanswered, seen.unnamed), (1, usize::MAX));
        assert!(seen.sightings[0].order.precedes(seen.sightings[1].order));
    }

    #[test]
    fn what_the_request_names_may_have_begun_without_an_answer() {
        let eye = eye("id: $.id, in: request");
        let order = |id: &str| json!({ "id": id });
        let seen = eye.requests(&[
            request(order("o-1"), Some((201, json!({})))),
            request(order("o-2"), Some((503, json!({})))),
            request(order("o-3"), None),
            request(json!({}), Some((201, json!({})))),
        ]);
        assert_eq!(
            told(&seen),
            ["o-1 of -", "perhaps o-2 of -", "perhaps o-3 of -", "- of -"]
        );
        assert_eq!((seen.unanswered, seen.unnamed), (2, 0));
    }
}
