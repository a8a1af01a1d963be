//! One call that a partner's stand-in received.

use std::{collections::BTreeMap, time::SystemTime};

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
    http::request::Parts,
};
use serde_json::Value;

use super::super::body::{self, Body};

/// A call: what was asked, what was answered, and what became of each item in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its number on this stand-in, from 1.
    pub ordinal: u64,
    /// When its body had come whole.
    pub at: SystemTime,
    /// What was asked.
    pub request: Request,
    /// What was answered.
    pub answered: Answered,
    /// The items that the route's rules find in the body, in its order.
    pub items: Vec<Item>,
    /// Which rule made the answer.
    pub ruling: Ruling,
}

/// What a caller asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, as it came on the wire.
    pub path: String,
    /// What follows the path's `?`, as it came.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's bytes, as they came: packed, where it was.
    pub body: Bytes,
    /// The body read as JSON, unpacked where it was gzip; none where it is no JSON.
    pub json: Option<Value>,
    /// What stands at the `{placeholders}` of the route's path, percent-decoded.
    pub parameters: BTreeMap<String, String>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// One item of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its place among the call's items, from 0.
    pub index: usize,
    /// Its id, where the rules name one and it has one.
    pub id: Option<String>,
    /// What became of it.
    pub outcome: ItemOutcome,
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemOutcome {
    /// Taken for the first time.
    Accepted,
    /// Taken before: acknowledged, and counted once.
    Duplicate,
    /// Not taken.
    Rejected,
}

/// Which rule made an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// A step of the scenario told the answer.
    Told,
    /// No route has this method and path.
    NoRoute,
    /// A scheduled failure.
    Failure,
    /// `max_body`
    BodySize,
    /// The route's `rate`
    CallRate,
    /// The entry of `answers` at this place, from 0.
    Answer(usize),
    /// `items.at_most`
    TooManyItems,
    /// The entry of `items.reject` at this place, from 0.
    RejectedItems(usize),
    /// `items.rate`
    ItemRate,
}

impl Request {
    pub(super) fn new(head: &Parts, body: &Body) -> Self {
        let json = body::unpacked(&head.headers, &body.bytes)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        Self {
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            headers: head.headers.clone(),
            body: body.bytes.clone(),
            json,
            parameters: BTreeMap::new(),
        }
    }
}

impl Answered {
    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Self {
            status,
            headers,
            body: body.to_string().into(),
        }
    }
}
