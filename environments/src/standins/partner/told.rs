//! Answers that a scenario tells a stand-in to give: they come before its rules.

use std::sync::PoisonError;

use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use momus_engine::sandbox::PartnerAnswer;

use super::path::PathPattern;
use super::{Answered, Partner, Request};

/// An answer that a step told.
pub(super) struct Told {
    method: String,
    path: PathPattern,
    answered: Answered,
}

impl Told {
    /// The answer, where the request is one that it is for.
    pub(super) fn answer(&self, request: &Request) -> Option<Answered> {
        let meant = self.method == request.method.as_str() && self.path.parameters(&request.path).is_some();
        meant.then(|| self.answered.clone())
    }
}

impl Partner {
    /// Gives this answer from now on, before the rules are asked; of two for the same requests, the later one.
    ///
    /// # Errors
    /// A message for a path, a status or a header that cannot be.
    pub fn told(&self, answer: &PartnerAnswer) -> Result<(), String> {
        let status = StatusCode::from_u16(answer.status).map_err(|_| format!("{} is no HTTP status", answer.status))?;
        let mut headers = HeaderMap::new();
        if answer.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in &answer.headers {
            let wrong = || format!("`{name}: {value}` is no HTTP header");
            let name: HeaderName = name.parse().map_err(|_| wrong())?;
            headers.insert(name, value.parse().map_err(|_| wrong())?);
        }
        let body = answer.body.as_ref().map(ToString::to_string).unwrap_or_default();
        let told = Told {
            method: answer.method.clone(),
            path: PathPattern::try_from(answer.path.clone())?,
            answered: Answered {
                status,
                headers,
                body: body.into(),
            },
        };
        let mut memory = self.desk.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.told.push(told);
        Ok(())
    }
}
