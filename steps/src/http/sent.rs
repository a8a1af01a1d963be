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
    /// for `the response has` to say.
    ///
    /// The table builds the request: `$…` places make a JSON body, `header NAME` and `query NAME` stand as often as
    /// they are given. A doc string is the body as it stands, of the media type behind its quotes (`json`,
    /// `application/xml`), else JSON where it is JSON, else plain text. Every request carries a `traceparent` of its
    /// own unless the table gives one.
    ///
    /// `form NAME` places make a form in place of JSON (`application/x-www-form-urlencoded`); with a `file NAME`, the name
    /// of a file beside the feature, or with `header content-type` given as `multipart/form-data`, it is sent in parts.
    ///
    /// Cookies are kept within the scenario as a browser keeps them, for each service its own, with their paths and the
    /// time that they last; domains do not count. `cookie NAME` gives one, in place of a kept one of that name, and `header
    /// cookie` stands in place of all that are kept: empty, none is sent. What a response sets is its `cookie NAME`.
    ///
    /// A redirect that answers GET or HEAD is followed, up to ten of them, as far as they lead to services of the mesh; one
    /// that leads out of it is the answer itself, and so is one that answers any other method. With `, and follow no
    /// redirect` the first is the answer, whatever it is.
    ///
    /// `as NAME` keeps the answer: `${NAME.a.b[0]}` reads its JSON body, `${NAME}` a body that is not JSON,
    /// `${NAME:status}`, `${NAME:header location}` and `${NAME:cookie session}` the rest.
    ///
    /// ```gherkin
    /// When I send POST "/orders" to shop as order
    ///   | $.amount               | 12.50   |
    ///   | $.lines[0].sku         | a-1     |
    ///   | header idempotency-key | ${uuid} |
    /// ```
    "I send {method} {text} to {service}{as}{redirects}", BlockShape::Optional(request::check), check: check;
    pub fn send_one(world, method: String, path: String, service: String, name: Option<String>, unfollowed: bool; block) {
        let sending = Sending { method, path, service, number: 1, name, unfollowed, block };
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
    "I send {number} {method} {text} to {service}{as}{redirects}", BlockShape::Optional(request::check), check: check;
    pub fn send_several(world, number: u64, method: String, path: String, service: String, name: Option<String>, unfollowed: bool; block) {
        let sending = Sending { method, path, service, number, name, unfollowed, block };
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
    "I send {number} {method} {text} to {service} at once{as}{redirects}", BlockShape::Optional(request::check), check: check;
    pub fn send_at_once(world, number: u64, method: String, path: String, service: String, name: Option<String>, unfollowed: bool; block) {
        let sending = Sending { method, path, service, number, name, unfollowed, block };
        sending.at_once(world).await
    }
}

fn check(mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    if values.contains(&Value::Number(0)) {
        return Err("no request is sent; hint: the number of requests is at least 1".to_owned());
    }
    if let (Some(Value::Unfollowed(true)), Some(Value::Word(method))) = (
        values.last(),
        values.iter().find(|value| matches!(value, Value::Word(_))),
    ) && !matches!(method.as_str(), "GET" | "HEAD")
    {
        return Err(format!(
            "no redirect of {method} is followed anyway; hint: leave `, and follow no redirect` out"
        ));
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
    /// Whether the redirects that answer it are looked at themselves.
    unfollowed: bool,
    block: Block,
}

impl Sending {
    async fn one_after_another(self, world: &mut World) -> StepResult {
        let client = Client::new(world)?;
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
        let client = Client::new(world)?;
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
        request.map(|request| Request {
            follows: !self.unfollowed,
            ..request
        })
    }

    /// Makes the answers those that the next steps speak of.
    fn keep(self, world: &mut World, last: Option<Request>, all: Vec<Response>) {
        let (Some(request), Some(response)) = (last, all.last()) else {
            return;
        };
        if let Some(name) = self.name {
            world.values.keep(name, response.kept(&request.line()));
        }
        let line = if self.number == 1 {
            request.line()
        } else {
            format!("{} {}", self.method, self.path)
        };
        let of = format!("{} to {line}", self.service);
        Responses { of, all }.keep(world);
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
        let Self { number, .. } = self;
        failure.message = match (number, unanswered.len()) {
            (1, _) => failure.message,
            (_, 1) => format!("request {ordinal} of {number}: {}", failure.message),
            (_, count) => format!(
                "{count} of {number} requests have no answer; number {ordinal}: {}",
                failure.message
            ),
        };
        failure
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;
    use std::time::Duration;

    use axum::Router;
    use momus_engine::event::Happening;
    use momus_engine::injection::Strikes;
    use momus_engine::step::Block;
    use serde_json::{Value, json};
    use tokio::sync::Barrier;
    use tokio::time::timeout;

    use crate::http::testing::shop;
    use crate::testing::{Scenario, table};

    #[tokio::test]
    async fn what_is_answered_can_be_kept() {
        let (mut scenario, _) = shop().await;
        scenario
            .passes(r#"I send POST "/orders" to shop as order"#, Block::Nothing)
            .await;
        let mut read = |text: &str| scenario.world.value(text).expect("it has a value");
        assert_eq!(read("${order.id}"), json!(7));
        assert_eq!(read("${order:status}"), json!(202));
        assert_eq!(read("${order:header Location}"), json!("/orders/7"));
        let text = Router::new().fallback(|| async { "pong" });
        scenario.serve("billing", text).await;
        scenario
            .passes(
                r#"I send GET "${order:header location}" to billing as ping"#,
                Block::Nothing,
            )
            .await;
        assert_eq!(scenario.world.value("${ping}").expect("it has a value"), json!("pong"));
    }

    #[tokio::test]
    async fn each_of_several_requests_is_filled_in_anew() {
        let (mut scenario, seen) = shop().await;
        let rows = [["$.number", "${ordinal}"], ["$.id", "${uuid}"]];
        scenario
            .passes(r#"I send 3 POST "/orders/${ordinal}" to shop as last"#, table(&rows))
            .await;
        assert_eq!(
            scenario.world.value("${last.number}").expect("it has a value"),
            json!(3)
        );
        let seen = seen.lock().expect("nobody panicked");
        let lines: Vec<&str> = seen.iter().map(|seen| seen.line.as_str()).collect();
        assert_eq!(lines, ["POST /orders/1", "POST /orders/2", "POST /orders/3"]);
        let ids = seen
            .iter()
            .map(|seen| serde_json::from_str::<Value>(&seen.body).expect("it is JSON")["id"].clone());
        let ids: HashSet<String> = ids.map(|id| id.to_string()).collect();
        assert_eq!(ids.len(), 3);
    }

    #[tokio::test]
    async fn at_once_is_together_and_otherwise_one_waits_for_the_other() {
        let mut scenario = Scenario::begin();
        let all_are_here = Arc::new(Barrier::new(5));
        let meet = move || async move { all_are_here.wait().await.is_leader().to_string() };
        scenario.serve("shop", Router::new().fallback(meet)).await;
        scenario
            .passes(r#"I send 5 GET "/orders" to shop at once"#, Block::Nothing)
            .await;
        let sent = scenario.run(r#"I send 5 GET "/orders" to shop"#, Block::Nothing);
        let waiting = timeout(Duration::from_millis(200), sent).await;
        assert!(
            waiting.is_err(),
            "the second request did not wait for the answer to the first"
        );
    }

    #[tokio::test]
    async fn a_request_is_on_the_timeline_once_and_carries_a_trace() {
        let (mut scenario, seen) = shop().await;
        scenario.passes(r#"I send GET "/orders" to shop"#, Block::Nothing).await;
        let trace = seen.lock().expect("nobody panicked")[0]
            .header("traceparent")
            .to_owned();
        let parts: Vec<&str> = trace.split('-').collect();
        assert!(
            matches!(parts[..], ["00", trace, parent, "01"] if trace.len() == 32 && parent.len() == 16),
            "{trace}"
        );
        let exchanges = scenario.world.timeline.snapshot().into_iter().filter(|event| {
            let exchange = matches!(event.happening, Happening::Request { .. } | Happening::Response { .. });
            exchange && event.trace.as_deref() == Some(parts[1])
        });
        assert_eq!(exchanges.count(), 2);
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        scenario
            .passes(
                r#"I send GET "/orders" to shop"#,
                table(&[["header Traceparent", given]]),
            )
            .await;
        let seen = seen.lock().expect("nobody panicked");
        assert_eq!(
            seen[1].headers.get_all("traceparent").iter().collect::<Vec<_>>(),
            [given]
        );
    }

    #[tokio::test]
    async fn a_service_that_does_not_answer_fails_the_step() {
        let (mut scenario, _) = shop().await;
        let strikes = Strikes::new("refusal", scenario.world.timeline.clone());
        let fault = scenario.edges["shop"].refuse(strikes);
        let refused = scenario.fails(r#"I send GET "/orders" to shop"#, Block::Nothing).await;
        drop(fault);
        let nowhere = std::net::TcpListener::bind("127.0.0.1:0")
            .expect("a port")
            .local_addr()
            .expect("it is bound");
        scenario.edges["shop"].lead_to(momus_proxies::edge::Upstream::Tcp(nowhere));
        let absent = scenario
            .fails(r#"I send 3 GET "/orders?a=1" to shop"#, Block::Nothing)
            .await;
        let rows = table(&[["$.amount", "1"]]);
        let all_absent = scenario.fails(r#"I send 3 POST "/orders" to shop at once"#, rows).await;
        insta::assert_snapshot!([refused, absent, all_absent].join("\n\n"), @r"
        Failed: shop did not answer GET /orders: the connection was refused: a fault

        Failed: request 1 of 3: shop did not answer GET /orders?a=1: the connection was refused: Connection refused (os error 111)
        hint: it was not started, was ended, or does not listen on the port that it was given

        Failed: 3 of 3 requests have no answer; number 1: shop did not answer POST /orders: the connection was refused: Connection refused (os error 111)
        hint: it was not started, was ended, or does not listen on the port that it was given
        ");
    }

    #[tokio::test]
    async fn a_service_that_hangs_up_fails_the_step() {
        let mut scenario = Scenario::begin();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        scenario.lead("shop", listener.local_addr().expect("it is bound")).await;
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 16];
                drop(tokio::io::AsyncReadExt::read_exact(&mut stream, &mut head).await);
                drop(tokio::io::AsyncWriteExt::shutdown(&mut stream).await);
            }
        });
        let closed = scenario.fails(r#"I send GET "/orders" to shop"#, Block::Nothing).await;
        insta::assert_snapshot!(closed, @"Failed: shop did not answer GET /orders: connection closed before message completed");
    }
}
