//! The test client: each request on a connection of its own, over its own edge to the service.

use std::error::Error;
use std::sync::Arc;

use momus_engine::event::Happening;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Kind, Mesh};
use momus_engine::sandbox::CLIENT;
use momus_engine::timeline::Timeline;
use momus_engine::world::World;
use reqwest::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use reqwest::{Url, redirect};

use super::cookies::{Cookies, name_and_value};
use super::message::{Body, Message};
use super::redirects::{self, Way};
use super::request::Request;
use super::response::Response;
use crate::ledger::sent::Sent;

/// The test client: what it sends, and what it keeps of what it is answered.
#[derive(Clone)]
pub(crate) struct Client {
    timeline: Timeline,
    /// Where it finds the services of the mesh.
    services: Arc<Vec<(String, Url)>>,
    http: reqwest::Client,
    mesh: Option<Arc<Mesh>>,
    sent: Sent,
    cookies: Cookies,
}

/// Why there is no answer, in words, and what the user may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoAnswer {
    pub why: String,
    pub hint: Option<&'static str>,
}

impl Client {
    /// The test client of a scenario.
    pub fn new(world: &mut World) -> Result<Self, StepError> {
        Ok(Self {
            services: Arc::new(services(world)),
            timeline: world.timeline.clone(),
            http: http(world)?,
            mesh: world.mesh.clone(),
            sent: Sent::of(world),
            cookies: Cookies::of(world),
        })
    }

    /// Sends a request and waits for the whole answer, for as long as it takes. Where it only reads, redirects are followed
    /// as far as they lead to services of the mesh.
    pub async fn send(&self, request: &Request) -> Result<Response, NoAnswer> {
        // The answer may set others.
        let cookies = self.carried(request);
        let mut response = self.send_one(request).await?;
        let Some(mut led) = self.led(request, &response) else {
            return Ok(response);
        };
        let mut way = Way::from(&request.url, cookies);
        loop {
            way.on(&led.url, self.carried(&led))?;
            response = self.send_one(&led).await?;
            let Some(next) = self.led(&led, &response) else { break };
            led = next;
        }
        response.by_way_of = way.stations();
        Ok(response)
    }

    /// The request that follows an answer; none to a place that is no service of the mesh.
    fn led(&self, request: &Request, response: &Response) -> Option<Request> {
        let url = redirects::target_of(request, response)?;
        let same = |service: &Url| service.origin() == url.origin();
        let service = match same(&request.url) {
            true => request.service.clone(),
            false => self.services.iter().find(|(_, service)| same(service))?.0.clone(),
        };
        Some(redirects::follow(request, response, &service, url))
    }

    /// The cookies that a request carries.
    fn carried(&self, request: &Request) -> String {
        let headers = self.headers(request);
        let cookies = headers.get(COOKIE).and_then(|cookies| cookies.to_str().ok());
        cookies.unwrap_or_default().to_owned()
    }

    async fn send_one(&self, request: &Request) -> Result<Response, NoAnswer> {
        let known = self.timeline.look(<[_]>::len);
        let line = (request.service.as_str(), request.method.as_str(), request.path.as_str());
        let sent = self
            .sent
            .begins(self.mesh.as_deref(), &self.timeline, line, request.text());
        match self.exchange(request).await {
            Ok(response) => {
                if let Some(sent) = sent {
                    sent.answered(response.status.as_u16(), response.message.body.json());
                }
                Ok(response)
            }
            Err(error) => Err(self.no_answer(&request.service, known, &error)),
        }
    }

    /// Sends a request that only looks: what the services do about it is not the mesh's own doing.
    pub async fn probe(&self, request: &Request) -> Result<Response, NoAnswer> {
        let probe = self.timeline.activity().probe(request.trace(), &request.service);
        let answer = self.send(request).await;
        drop(probe);
        answer
    }

    async fn exchange(&self, request: &Request) -> Result<Response, reqwest::Error> {
        let mut sending = self.http.request(request.method.clone(), request.url.clone());
        let carried = self.headers(request);
        sending = sending.headers(carried.clone());
        if let Some(body) = &request.body {
            sending = sending.body(body.clone());
        }
        let response = sending.send().await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())));
        let (status, headers) = (response.status(), headers.collect());
        let body = Body::of(&response.bytes().await?);
        let message = Message { headers, body };
        self.saw(&carried, request, &message);
        for (name, value) in &message.headers {
            if name == SET_COOKIE.as_str() {
                self.cookies.keep(&request.service, request.url.path(), value);
            }
        }
        let by_way_of = Vec::new();
        Ok(Response {
            status,
            message,
            by_way_of,
        })
    }

    /// The headers of a request, the cookies among them: those that are kept, unless the table says otherwise.
    fn headers(&self, request: &Request) -> HeaderMap {
        let mut headers = request.headers.clone();
        let mut cookies = match headers.remove(COOKIE) {
            Some(given) => given
                .to_str()
                .ok()
                .into_iter()
                .flat_map(|given| given.split(';'))
                .filter_map(name_and_value)
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            None => self.cookies.carried(&request.service, request.url.path()),
        };
        cookies.retain(|(name, _)| request.cookies.iter().all(|(given, _)| given != name));
        cookies.extend(request.cookies.iter().cloned());
        let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if let Some(value) = HeaderValue::from_str(&pairs.join("; "))
            .ok()
            .filter(|_| !pairs.is_empty())
        {
            headers.insert(COOKIE, value);
        }
        headers
    }

    /// Notes what request and response have at secret places: a failure that tells them is told without it.
    fn saw(&self, headers: &HeaderMap, request: &Request, response: &Message) {
        let sent = headers.iter();
        let sent = sent.filter_map(|(name, value)| value.to_str().ok().map(|value| (name.as_str(), value)));
        let body = request.text().filter(|_| self.timeline.has_secrets_in_bodies());
        let body = body.and_then(|body| serde_json::from_str(body).ok());
        self.timeline.saw(sent, body.as_ref());
        let received = response
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let body = match &response.body {
            Body::Json(json) => Some(json),
            Body::Empty | Body::Text(_) => None,
        };
        self.timeline.saw(received, body);
    }

    /// What became of the connection: the edge knows better than its caller, who sees every refusal as a reset.
    fn no_answer(&self, service: &str, known: usize, error: &reqwest::Error) -> NoAnswer {
        let ended = self.timeline.look(|events| {
            events[known.min(events.len())..]
                .iter()
                .rev()
                .find_map(|event| match &event.happening {
                    Happening::Connection {
                        caller,
                        dependency,
                        what,
                    } if caller == CLIENT && *dependency == service && what.starts_with("re") => Some(what.clone()),
                    _ => None,
                })
        });
        let Some(what) = ended else {
            return NoAnswer {
                why: innermost(error),
                hint: None,
            };
        };
        let hint = (what.starts_with("refused") && !what.ends_with(": a fault"))
            .then_some("it was not started, was ended, or does not listen on the port that it was given");
        let why = format!("the connection was {what}");
        NoAnswer { why, hint }
    }
}

impl NoAnswer {
    /// As the failure of a step.
    pub fn failure(self, request: &Request) -> StepError {
        let failure = Failure::failed(format!(
            "{} did not answer {}: {}",
            request.service,
            request.line(),
            self.why
        ));
        match self.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Where the test client finds the services of the mesh.
fn services(world: &World) -> Vec<(String, Url)> {
    let names = world.mesh.iter().flat_map(|mesh| mesh.names(&[Kind::Service]));
    let found = names.filter_map(|name| {
        let url = Url::parse(&world.client(name).ok()?.url).ok()?;
        Some((name.to_owned(), url))
    });
    found.collect()
}

/// The scenario's HTTP client. A connection is never used twice: one that a service closed meanwhile would make a
/// request fail that the service would have answered.
fn http(world: &mut World) -> Result<reqwest::Client, StepError> {
    if let Some(client) = world.state.get::<reqwest::Client>() {
        return Ok(client.clone());
    }
    // Another part of the process may have installed one already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let built = reqwest::Client::builder()
        .user_agent("momus")
        // Edges carry no TLS, and to read the system's certificates takes longer than most requests.
        .tls_certs_only([])
        .no_proxy()
        .redirect(redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .tcp_nodelay(true)
        .build();
    let client =
        built.map_err(|error| Failure::unknown(format!("the test client cannot be made: {}", innermost(&error))))?;
    world.state.insert(client.clone());
    Ok(client)
}

/// The error that all others wrap.
fn innermost(error: &reqwest::Error) -> String {
    let mut inner: &dyn Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
