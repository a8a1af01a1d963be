//! The log store's stand-in: as much of Elasticsearch's HTTP as a shipper of logs needs.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use momus_proxies::edge::Dialer;
use serde_json::{Map, Value, json};

use super::{
    Listener, body,
    log_line::{self, LogLine},
};
use crate::in_process::InProcess;

mod bulk;

/// The version that it claims: what shippers of major version 8 accept.
const VERSION: &str = "8.17.0";

/// One document that was shipped.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// When its request had come whole.
    pub at: SystemTime,
    /// The index or data stream that it is for.
    pub index: String,
    /// Its id: the shipper's, else one of ours.
    pub id: String,
    /// The document as a line of a log.
    pub line: LogLine,
}

/// A log store that only this process reaches, which keeps nothing and tells everything. Dropping it closes
/// every connection.
#[derive(Debug)]
pub struct LogIntake {
    server: InProcess,
}

impl LogIntake {
    /// Answers `_bulk` as Elasticsearch does, and tells `listener` each document before the answer is sent.
    pub fn serve(listener: Listener<Document>) -> Self {
        let server = InProcess::serve(service_fn(move |request| {
            let listener = listener.clone();
            async move { answer(request, &listener).await }
        }));
        Self { server }
    }

    /// The way to it, for its edges.
    #[must_use]
    pub fn dialer(&self) -> Dialer {
        self.server.dialer()
    }
}

async fn answer(
    request: Request<Incoming>,
    listener: &Arc<dyn Fn(Document) + Send + Sync>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, incoming) = request.into_parts();
    let body = body::read(incoming).await?;
    let path: Vec<&str> = head.uri.path().trim_matches('/').split('/').collect();
    let (status, answer) = match (&head.method, path.as_slice()) {
        (&Method::GET | &Method::HEAD, [""]) => (StatusCode::OK, greeting()),
        (&Method::POST | &Method::PUT, [index @ .., "_bulk"]) if index.len() <= 1 => {
            if body.cut {
                error(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "illegal_argument_exception",
                    "the body is too large",
                )
            } else {
                match body::unpacked(&head.headers, &body.bytes) {
                    Ok(text) => take(&text, index.first().copied(), listener),
                    Err(reason) => error(StatusCode::BAD_REQUEST, "illegal_argument_exception", &reason),
                }
            }
        }
        (method, _) => {
            let reason = format!("no handler found for uri [{}] and method [{method}]", head.uri);
            error(StatusCode::BAD_REQUEST, "illegal_argument_exception", &reason)
        }
    };
    let mut response = Response::new(Full::from(answer.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Elastic's clients refuse a server without it.
    response
        .headers_mut()
        .insert("x-elastic-product", HeaderValue::from_static("Elasticsearch"));
    Ok(response)
}

fn take(text: &[u8], index: Option<&str>, listener: &Arc<dyn Fn(Document) + Send + Sync>) -> (StatusCode, Value) {
    let operations = match bulk::parse(text, index) {
        Ok(operations) => operations,
        Err(reason) => return error(StatusCode::BAD_REQUEST, "illegal_argument_exception", &reason),
    };
    let at = SystemTime::now();
    let mut items = Vec::new();
    for operation in operations {
        let mut item = json!({
            "_index": operation.index,
            "_id": operation.id,
            "_version": 1,
            "result": operation.action.result(),
            "_shards": { "total": 1, "successful": 1, "failed": 0 },
            "status": operation.action.status(),
        });
        match operation.source {
            Some(Ok(fields)) => {
                let text = Value::Object(fields.clone()).to_string();
                let line = log_line::from_fields(fields, &text);
                listener(Document {
                    at,
                    index: operation.index,
                    id: operation.id,
                    line,
                });
            }
            Some(Err(reason)) => {
                item = json!({
                    "_index": operation.index,
                    "_id": operation.id,
                    "status": 400,
                    "error": { "type": "document_parsing_exception", "reason": reason },
                });
            }
            None => {}
        }
        items.push(json!({ operation.action.name(): item }));
    }
    let errors = items
        .iter()
        .filter_map(Value::as_object)
        .flat_map(Map::values)
        .any(|item| item["error"].is_object());
    (StatusCode::OK, json!({ "took": 0, "errors": errors, "items": items }))
}

fn greeting() -> Value {
    json!({
        "name": "momus",
        "cluster_name": "momus",
        "cluster_uuid": "momus",
        "version": {
            "number": VERSION,
            "build_flavor": "default",
            "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "You Know, for Search",
    })
}

fn error(status: StatusCode, kind: &str, reason: &str) -> (StatusCode, Value) {
    let cause = json!({ "type": kind, "reason": reason });
    let mut whole = cause.clone();
    whole["root_cause"] = json!([cause]);
    (status, json!({ "error": whole, "status": status.as_u16() }))
}
