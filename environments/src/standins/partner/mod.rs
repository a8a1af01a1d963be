//! A third party's stand-in: an HTTP server that answers as a file of rules says.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Instant, SystemTime},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode, body::Incoming, service::service_fn};
use momus_proxies::edge::Dialer;

use super::{Listener, body};
use crate::in_process::InProcess;

mod answer;
mod call;
mod condition;
mod decide;
mod items;
mod path;
mod place;
mod quantity;
mod rate;
mod rules;
mod rules_error;
mod template;
mod told;

pub use call::{Answered, Call, Item, ItemOutcome, Request, Ruling};
pub use rules::{Rules, rules_schema};
pub use rules_error::RulesError;

/// A stand-in that only this process reaches. Dropping it closes every connection.
pub struct Partner {
    server: InProcess,
    desk: Arc<Desk>,
}

/// What every connection of one stand-in shares.
struct Desk {
    rules: Rules,
    listener: Listener<Arc<Call>>,
    memory: Mutex<Memory>,
}

struct Memory {
    routes: Vec<decide::RouteMemory>,
    told: Vec<told::Told>,
    calls: Vec<Arc<Call>>,
}

impl Partner {
    /// Answers by `rules`, and tells `listener` each call when its answer is decided and before that is sent.
    pub fn serve(rules: Rules, listener: Listener<Arc<Call>>) -> Self {
        let routes = rules.routes.iter().map(|_| decide::RouteMemory::default()).collect();
        let memory = Mutex::new(Memory {
            routes,
            told: Vec::new(),
            calls: Vec::new(),
        });
        let desk = Arc::new(Desk {
            rules,
            listener,
            memory,
        });
        let shared = desk.clone();
        let server = InProcess::serve(service_fn(move |request| {
            let desk = shared.clone();
            async move { desk.answer(request).await }
        }));
        Self { server, desk }
    }

    /// The way to it, for its edges.
    #[must_use]
    pub fn dialer(&self) -> Dialer {
        self.server.dialer()
    }

    /// Every call so far, in the order in which they were decided.
    #[must_use]
    pub fn calls(&self) -> Vec<Arc<Call>> {
        self.desk
            .memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .calls
            .clone()
    }
}

impl Desk {
    async fn answer(&self, request: hyper::Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let (head, incoming) = request.into_parts();
        let body = body::read(incoming).await?;
        let request = Request::new(&head, &body);
        let call = self.decide(request, body.cut);
        (self.listener)(call.clone());
        let mut response = Response::new(Full::new(call.answered.body.clone()));
        *response.status_mut() = call.answered.status;
        *response.headers_mut() = call.answered.headers.clone();
        Ok(response)
    }

    /// Decides one call at a time, so that limits and remembered ids are exact.
    fn decide(&self, mut request: Request, cut: bool) -> Arc<Call> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.rules.routes.iter().enumerate().find_map(|(index, route)| {
            let of_method = route.method.as_ref().is_none_or(|method| *method == request.method);
            of_method
                .then(|| route.path.parameters(&request.path))
                .flatten()
                .map(|parameters| (index, parameters))
        });
        let (at, now) = (SystemTime::now(), Instant::now());
        let ordinal = memory.calls.len() as u64 + 1;
        let told = memory.told.iter().rev().find_map(|told| told.answer(&request));
        let (answered, items, ruling) = match (told, found) {
            (Some(answered), _) => (answered, Vec::new(), Ruling::Told),
            (None, Some((index, parameters))) => {
                request.parameters = parameters;
                let moment = decide::Moment { ordinal, at, now, cut };
                decide::decide(&self.rules.routes[index], &mut memory.routes[index], &request, &moment)
            }
            (None, None) => {
                let error = format!("no route for {} {}", request.method, request.path);
                let body = serde_json::json!({ "error": error });
                (
                    Answered::json(StatusCode::NOT_FOUND, &body),
                    Vec::new(),
                    Ruling::NoRoute,
                )
            }
        };
        let call = Arc::new(Call {
            ordinal,
            at,
            request,
            answered,
            items,
            ruling,
        });
        memory.calls.push(call.clone());
        call
    }
}
