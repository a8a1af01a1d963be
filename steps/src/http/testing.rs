//! What the tests of requests share: a shop that notes what it is sent.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::testing::Scenario;

/// A request as a service saw it.
pub struct Seen {
    pub line: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("it is text"))
    }
}

/// A scenario with a shop that takes every request and answers with its body's `number`, and what it saw.
pub async fn shop() -> (Scenario, Arc<Mutex<Vec<Seen>>>) {
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let sees = Arc::clone(&seen);
    let take = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
        let body = String::from_utf8(body.to_vec()).expect("it is text");
        let number = serde_json::from_str::<Value>(&body).map(|body| body["number"].clone());
        let line = format!("{method} {uri}");
        sees.lock().expect("nobody panicked").push(Seen { line, headers, body });
        let headers = [(header::LOCATION, "/orders/7")];
        (
            StatusCode::ACCEPTED,
            headers,
            Json(json!({"id": 7, "number": number.ok()})),
        )
    };
    let mut scenario = Scenario::begin();
    scenario.serve("shop", Router::new().fallback(take)).await;
    (scenario, seen)
}
