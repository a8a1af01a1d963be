//! Redirects of requests that only read: followed as a person expects (RFC 9110, section 15.4).

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use reqwest::{Method, StatusCode, Url};

use super::client::NoAnswer;
use super::cookies::name_and_value;
use super::request::Request;
use super::response::Response;

/// So many redirects are followed one after another.
const MOST: usize = 10;

const HINT: &str = "`, and follow no redirect` at the end of the step that sends looks at the first of them";

/// The way that a request has taken from answer to answer.
pub(super) struct Way {
    /// Where each request went, and with which cookies: with others, the same place may answer otherwise.
    taken: Vec<(Url, String)>,
}

impl Way {
    /// The way of a request that was sent with these cookies.
    pub fn from(url: &Url, cookies: String) -> Self {
        Self {
            taken: vec![(url.clone(), cookies)],
        }
    }

    /// Goes on to where an answer leads.
    ///
    /// # Errors
    /// When the way goes in a circle, or does not end.
    pub fn on(&mut self, url: &Url, cookies: String) -> Result<(), NoAnswer> {
        let next = (url.clone(), cookies);
        let circle = self.taken.contains(&next);
        self.taken.push(next);
        let why = match (circle, self.taken.len() - 1) {
            (true, _) => format!("its redirects lead in a circle, {}", self.told()),
            (false, redirects) if redirects > MOST => {
                format!(
                    "it leads from one redirect to the next, more than {MOST} of them, {}",
                    self.told()
                )
            }
            _ => return Ok(()),
        };
        Err(NoAnswer { why, hint: Some(HINT) })
    }

    /// Where it led, behind the first.
    pub fn stations(&self) -> Vec<String> {
        self.taken.iter().skip(1).map(|(url, _)| target(url)).collect()
    }

    fn told(&self) -> String {
        let all: Vec<String> = self.taken.iter().map(|(url, _)| target(url)).collect();
        all.join(" → ")
    }
}

/// Where an answer leads a request that only reads, if it leads anywhere.
pub(super) fn target_of(request: &Request, response: &Response) -> Option<Url> {
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    let redirects = matches!(
        response.status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    if !reads || !redirects || !request.follows {
        return None;
    }
    let mut headers = response.message.headers.iter();
    let (_, location) = headers.find(|(name, _)| name.eq_ignore_ascii_case("location"))?;
    request.url.join(location).ok()
}

/// The request that follows an answer to another, to this URL of this service.
pub(super) fn follow(request: &Request, response: &Response, service: &str, url: Url) -> Request {
    let mut next = request.clone();
    next.path = target(&url);
    next.url = url;
    next.body = None;
    next.headers.remove(CONTENT_TYPE);
    if service != request.service {
        // What is meant for one service is no other's.
        next.headers.remove(AUTHORIZATION);
        next.headers.remove(COOKIE);
        next.cookies.clear();
        next.service = service.to_owned();
    }
    let headers = response.message.headers.iter();
    let set = headers.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    for (name, _) in set.filter_map(|(_, value)| name_and_value(value)) {
        next.cookies.retain(|(given, _)| given != name);
    }
    next
}

/// Path and query.
fn target(url: &Url) -> String {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{query}", url.path())
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::header::{LOCATION, SET_COOKIE};
    use axum::http::{HeaderMap, Method, StatusCode, Uri};
    use axum::response::{IntoResponse, Response};
    use momus_engine::step::Block;

    use crate::testing::{Scenario, plan, table};

    /// A shop that leads from place to place.
    async fn shop(method: Method, uri: Uri, headers: HeaderMap) -> Response {
        let to = |status: StatusCode, place: String| (status, [(LOCATION, place)]).into_response();
        let query = uri.query().unwrap_or_default();
        let has_session = headers.get("cookie").is_some_and(|sent| sent == "session=s-1");
        match uri.path() {
            "/old" => to(StatusCode::MOVED_PERMANENTLY, "/older?a=1".into()),
            "/older" => to(StatusCode::TEMPORARY_REDIRECT, format!("orders?{query}")),
            "/circle" => to(StatusCode::FOUND, "/round".into()),
            "/round" => to(StatusCode::FOUND, "/circle".into()),
            "/endless" => to(StatusCode::FOUND, format!("/endless?{query}1")),
            "/account" if !has_session => {
                let set = [(LOCATION, "/account"), (SET_COOKIE, "session=s-1; Path=/")];
                (StatusCode::SEE_OTHER, set).into_response()
            }
            "/outside" => to(StatusCode::FOUND, "https://pay.example/checkout".into()),
            "/billing" => to(StatusCode::FOUND, format!("http://{query}/invoices")),
            "/orders" if method == Method::POST => to(StatusCode::SEE_OTHER, "/orders?a=2".into()),
            path => format!("{method} {path} {query}").into_response(),
        }
    }

    async fn scenario() -> Scenario {
        let mut scenario = Scenario::begin();
        scenario.serve("shop", Router::new().fallback(shop)).await;
        let tell = |uri: Uri, headers: HeaderMap| async move {
            format!("billing {uri} {}", headers.contains_key("authorization"))
        };
        scenario.serve("billing", Router::new().fallback(tell)).await;
        scenario
    }

    async fn told(scenario: &mut Scenario, step: &str, block: Block) -> String {
        scenario.passes(step, block).await;
        scenario.fails("the response has", table(&[["status", "418"]])).await
    }

    #[tokio::test]
    async fn what_reads_is_led_on_and_what_changes_something_is_not() {
        let mut scenario = scenario().await;
        let billing = scenario.world.client("billing").expect("it is served").url;
        let billing = billing.trim_start_matches("http://").to_owned();
        let mut all = Vec::new();
        for step in [
            r#"I send GET "/old" to shop"#,
            r#"I send HEAD "/old" to shop"#,
            r#"I send GET "/account" to shop"#,
            r#"I send POST "/orders" to shop"#,
            r#"I send GET "/outside" to shop"#,
            r#"I send 2 GET "/old" to shop"#,
            r#"I send GET "/old" to shop as old, and follow no redirect"#,
        ] {
            all.push(told(&mut scenario, step, Block::Nothing).await);
        }
        assert_eq!(
            scenario.world.value("${old:header location}").expect("it is kept"),
            "/older?a=1"
        );
        let rows = table(&[["header authorization", "Bearer 1"]]);
        let step = format!(r#"I send GET "/billing?{billing}" to shop"#);
        all.push(told(&mut scenario, &step, rows).await.replace(&billing, "BILLING"));
        insta::assert_snapshot!(all.join("\n\n"), @r"
        Failed: it does not hold
        expected:
          the response of shop to GET /old has
            status: 418
        seen:
          200 OK after redirects to /older?a=1, /orders?a=1, GET /orders a=1
            status: expected 418, was 200

        Failed: it does not hold
        expected:
          the response of shop to HEAD /old has
            status: 418
        seen:
          200 OK after redirects to /older?a=1, /orders?a=1, an empty body
            status: expected 418, was 200

        Failed: it does not hold
        expected:
          the response of shop to GET /account has
            status: 418
        seen:
          200 OK after redirects to /account, GET /account
            status: expected 418, was 200

        Failed: it does not hold
        expected:
          the response of shop to POST /orders has
            status: 418
        seen:
          303 See Other, an empty body
            status: expected 418, was 303

        Failed: it does not hold
        expected:
          the response of shop to GET /outside has
            status: 418
        seen:
          302 Found, an empty body
            status: expected 418, was 302

        Failed: it does not hold
        expected:
          the response of shop to GET /old has
            status: 418
        seen:
          200 OK after redirects to /older?a=1, /orders?a=1, GET /orders a=1
            status: expected 418, was 200

        Failed: it does not hold
        expected:
          the response of shop to GET /old has
            status: 418
        seen:
          301 Moved Permanently, an empty body
            status: expected 418, was 301

        Failed: it does not hold
        expected:
          the response of shop to GET /billing?BILLING has
            status: 418
        seen:
          200 OK after redirects to /invoices, billing /invoices false
            status: expected 418, was 200
        ");
        let rows = table(&[["$", "GET /orders a=1"]]);
        scenario.passes(r#"GET "/old" from shop eventually has"#, rows).await;
    }

    #[tokio::test]
    async fn a_way_without_an_end_fails() {
        let mut scenario = scenario().await;
        let circle = scenario.fails(r#"I send GET "/circle" to shop"#, Block::Nothing).await;
        let endless = scenario.fails(r#"I send GET "/endless" to shop"#, Block::Nothing).await;
        let rows = table(&[["status", "200"]]);
        let read = scenario.fails(r#"GET "/circle" from shop has"#, rows).await;
        insta::assert_snapshot!([circle, endless, read].join("\n\n"), @r"
        Failed: shop did not answer GET /circle: its redirects lead in a circle, /circle → /round → /circle
        hint: `, and follow no redirect` at the end of the step that sends looks at the first of them

        Failed: shop did not answer GET /endless: it leads from one redirect to the next, more than 10 of them, /endless → /endless?1 → /endless?11 → /endless?111 → /endless?1111 → /endless?11111 → /endless?111111 → /endless?1111111 → /endless?11111111 → /endless?111111111 → /endless?1111111111 → /endless?11111111111
        hint: `, and follow no redirect` at the end of the step that sends looks at the first of them

        Failed: it does not hold
        expected:
          GET /circle from shop has
            status: 200
        seen:
          no answer: its redirects lead in a circle, /circle → /round → /circle
        ");
    }

    #[test]
    fn what_follows_none_anyway_is_told_while_planning() {
        let errors = plan(r#"    * I send POST "/orders" to shop, and follow no redirect"#);
        insta::assert_snapshot!(errors.unwrap_err(), @r#"
        3:5 | * I send POST "/orders" to shop, and follow no redirect
        no redirect of POST is followed anyway
        hint: leave `, and follow no redirect` out
        "#);
    }
}
