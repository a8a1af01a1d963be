//! Sending requests.

use futures::future::join_all;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::step;
use momus_engine::step::{Block, BlockShape, StepDefinition, StepResult};
use momus_engine::world::World;

use super::client::{Client, NoAnswer};
use super::request::{self, Request};
use super::response::{Response, Responses};

/// The sentences that send.
pub(super) fn definitions() -> Vec<StepDefinition> {
    vec![send_one(), send_several(), send_at_once()]
}

step! {
    /// Sends a request from the test client and waits for the whole answer, whatever it is: what the answer must be is
    /// for `the response has` to say. Redirects are not followed.
    ///
    /// The table builds the request: `$…` places make a JSON body, `header NAME` and `query NAME` stand as often as
    /// they are given. A doc string is the body as it stands, of the media type behind its quotes (`json`,
    /// `application/xml`), else JSON where it is JSON, else plain text. Every request carries a `traceparent` of its
    /// own unless the table gives one.
    ///
    /// `as NAME` keeps the answer: `${NAME.a.b[0]}` reads its JSON body, `${NAME}` a body that is not JSON,
    /// `${NAME:status}` and `${NAME:header location}` the rest.
    ///
    /// ```gherkin
    /// When I send POST "/orders" to shop as order
    ///   | $.amount               | 12.50   |
    ///   | $.lines[0].sku         | a-1     |
    ///   | header idempotency-key | ${uuid} |
    /// ```
    "I send {method} {text} to {service}{as}", BlockShape::Optional(request::check), check: check;
    pub fn send_one(world, method: String, path: String, service: String, name: Option<String>; block) {
        let sending = Sending { method, path, service, number: 1, name, block };
        sending.one_after_another(world).await
    }
}

step! {
    /// Sends several requests, each after the answer to the one before.
    ///
    /// The text and what stands below it are filled in anew for each: `${uuid}` and `${fake.…}` are drawn again, and
    /// `${ordinal}` counts from 1. `as NAME` keeps the last answer; `every response has` looks at all of them.
    ///
    /// ```gherkin
    /// When I send 50 POST "/orders" to shop
    ///   | $.number | ${ordinal} |
    ///   | $.amount | 12.50      |
    /// ```
    "I send {number} {method} {text} to {service}{as}", BlockShape::Optional(request::check), check: check;
    pub fn send_several(world, number: u64, method: String, path: String, service: String, name: Option<String>; block) {
        let sending = Sending { method, path, service, number, name, block };
        sending.one_after_another(world).await
    }
}

step! {
    /// Sends several requests together, each on a connection of its own, and waits for all answers.
    ///
    /// They are filled in as those that are sent one after another; `as NAME` keeps the answer to the last of them.
    ///
    /// ```gherkin
    /// When I send 20 POST "/orders" to shop at once
    ///   | $.number               | ${ordinal} |
    ///   | header idempotency-key | one-key    |
    /// ```
    "I send {number} {method} {text} to {service} at once{as}", BlockShape::Optional(request::check), check: check;
    pub fn send_at_once(world, number: u64, method: String, path: String, service: String, name: Option<String>; block) {
        let sending = Sending { method, path, service, number, name, block };
        sending.at_once(world).await
    }
}

fn check(mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    if values.contains(&Value::Number(0)) {
        return Err("no request is sent; hint: the number of requests is at least 1".to_owned());
    }
    request::check_path(mesh, values)
}

/// What a step sends, `${…}` still in it.
struct Sending {
    method: String,
    path: String,
    service: String,
    number: u64,
    name: Option<String>,
    block: Block,
}

impl Sending {
    async fn one_after_another(self, world: &mut World) -> StepResult {
        let client = Client::new(world, &self.service)?;
        let wait = world.timeline.wait_for(self.waits(0));
        let mut all = Vec::new();
        let mut last = None;
        for ordinal in 1..=self.number {
            wait.say(self.waits(ordinal - 1));
            let request = self.request(world, ordinal)?;
            match client.send(&request).await {
                Ok(response) => all.push(response),
                Err(no_answer) => return Err(self.failure(&[(&request, ordinal, no_answer)])),
            }
            last = Some(request);
        }
        self.keep(world, last, all);
        Ok(())
    }

    async fn at_once(self, world: &mut World) -> StepResult {
        let client = Client::new(world, &self.service)?;
        let requests = (1..=self.number).map(|ordinal| self.request(world, ordinal));
        let requests = requests.collect::<Result<Vec<_>, _>>()?;
        let wait = world.timeline.wait_for(self.waits(0));
        let answers = join_all(requests.iter().map(|request| client.send(request))).await;
        drop(wait);
        let (mut all, mut unanswered) = (Vec::new(), Vec::new());
        for ((answer, request), ordinal) in answers.into_iter().zip(&requests).zip(1..) {
            match answer {
                Ok(response) => all.push(response),
                Err(no_answer) => unanswered.push((request, ordinal, no_answer)),
            }
        }
        if !unanswered.is_empty() {
            return Err(self.failure(&unanswered));
        }
        self.keep(world, requests.into_iter().next_back(), all);
        Ok(())
    }

    fn request(&self, world: &mut World, ordinal: u64) -> Result<Request, StepError> {
        world.values.count(Some(ordinal));
        let request = Request::read(world, &self.service, &self.method, &self.path, &self.block);
        world.values.count(None);
        request
    }

    /// Makes the answers those that the next steps speak of.
    fn keep(self, world: &mut World, last: Option<Request>, all: Vec<Response>) {
        let (Some(request), Some(response)) = (last, all.last()) else {
            return;
        };
        if let Some(name) = self.name {
            world.values.keep(name, response.kept(&request.line()));
        }
        let to = format!("{} to {}", request.line(), self.service);
        Responses { to, all }.keep(world);
    }

    fn waits(&self, answered: u64) -> String {
        let Self {
            method, path, service, ..
        } = self;
        match self.number {
            1 => format!("the answer of {service} to {method} {path}"),
            number => format!("the answers of {service} to {number} {method} {path} ({answered} are there)"),
        }
    }

    /// Why requests have no answer; there is at least one of these.
    fn failure(&self, unanswered: &[(&Request, u64, NoAnswer)]) -> StepError {
        let Some((request, ordinal, no_answer)) = unanswered.first() else {
            return Failure::unknown("a request without an answer is not there");
        };
        let mut failure = no_answer.clone().failure(request);
        if self.number > 1 {
            let more = match unanswered.len() {
                1 => String::new(),
                count => format!(" ({count} have no answer)"),
            };
            failure.message = format!("request {ordinal} of {}: {}{more}", self.number, failure.message);
        }
        failure
    }
}
