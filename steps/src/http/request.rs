//! Requests of the test client: what the text and the block of a step make.

use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::step::{Block, BlockError};
use momus_engine::world::World;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use super::form::{self, MULTIPART, URL_ENCODED};
use crate::selection::REQUEST;
use crate::selection::build::{self, Built, Field};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A request, everything filled in.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub service: String,
    pub method: Method,
    /// Path and query, as the step has them.
    pub path: String,
    /// Where it goes: the test client's own edge to the service.
    pub url: Url,
    pub headers: HeaderMap,
    /// The cookies that the table gives, beside those that are kept or in place of them.
    pub cookies: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
    /// Whether the redirects that answer it are followed, where it only reads.
    pub follows: bool,
}

impl Request {
    /// The request that a step describes. It carries a W3C `traceparent` of its own unless the table gives one.
    pub fn read(world: &mut World, service: &str, method: &str, path: &str, block: &Block) -> Result<Self, StepError> {
        let path = world.text(path)?;
        checked_path(&path).map_err(Failure::failed)?;
        let built = Built::read(world, block)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &built.headers {
            let (name, value) = header(name, &value.written).map_err(Failure::failed)?;
            headers.append(name, value);
        }
        let (body, media_type) = match block {
            Block::Text { content, media_type } => {
                let text = world.text(content)?;
                let media_type = media_type_of(media_type.as_deref(), &text).map_err(Failure::failed)?;
                (Some(text.into_bytes()), media_type)
            }
            Block::Table(_) | Block::Nothing if !built.form.is_empty() => {
                let given = headers.get(CONTENT_TYPE).and_then(|given| given.to_str().ok());
                let has_file = built.form.iter().any(|(_, field)| matches!(field, Field::File(_)));
                if has_file || given == Some(MULTIPART) {
                    let (body, boundary) = form::multipart(world, &built.form)?;
                    // The boundary belongs to the body.
                    headers.remove(CONTENT_TYPE);
                    (Some(body), format!("{MULTIPART}; boundary={boundary}"))
                } else {
                    (Some(form::url_encoded(&built.form)), URL_ENCODED.to_owned())
                }
            }
            Block::Table(_) | Block::Nothing => {
                let body = built.json.map(|json| json.to_string().into_bytes());
                (body, "application/json".to_owned())
            }
        };
        if body.is_some() && !headers.contains_key(CONTENT_TYPE) {
            let (name, value) = header(CONTENT_TYPE.as_str(), &media_type).map_err(Failure::failed)?;
            headers.insert(name, value);
        }
        if !headers.contains_key(TRACEPARENT) {
            let (name, value) = header(TRACEPARENT.as_str(), &traceparent(world)).map_err(Failure::failed)?;
            headers.insert(name, value);
        }
        let mut url = url(&world.client(service)?.url, &path)?;
        if !built.query.is_empty() {
            let parameters = built.query.iter().map(|(name, value)| (name, &value.written));
            url.query_pairs_mut().extend_pairs(parameters);
        }
        Ok(Self {
            service: service.to_owned(),
            method: method
                .parse()
                .map_err(|_| Failure::failed(format!("`{method}` is no HTTP method")))?,
            path,
            url,
            headers,
            cookies: built
                .cookies
                .into_iter()
                .map(|(name, value)| (name, value.written))
                .collect(),
            body,
            follows: true,
        })
    }

    /// The trace id that it carries.
    pub fn trace(&self) -> Option<&str> {
        self.headers.get(TRACEPARENT)?.to_str().ok()?.split('-').nth(1)
    }

    /// Its body, where that is text.
    pub fn text(&self) -> Option<&str> {
        self.body.as_deref().and_then(|body| std::str::from_utf8(body).ok())
    }

    /// Its method and path.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

fn url(base: &str, path: &str) -> Result<Url, StepError> {
    let url = format!("{}{path}", base.trim_end_matches('/'));
    Url::parse(&url).map_err(|error| Failure::failed(format!("`{path}` is no path: {error}")))
}

/// Tells while planning what is wrong with the path of a request.
pub(crate) fn check_path(_mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    let path = values.iter().find_map(|value| match value {
        Value::Text(path) => Some(path.as_str()),
        _ => None,
    });
    match path {
        Some(path) if !path.starts_with("${") => checked_path(path),
        _ => Ok(()),
    }
}

/// Tells while planning what is wrong with the request that a block describes.
pub(crate) fn check(block: &Block) -> Result<(), BlockError> {
    if let Block::Text { content, media_type } = block {
        return media_type_of(media_type.as_deref(), content)
            .map(drop)
            .map_err(BlockError::whole);
    }
    build::check(&REQUEST, block)?;
    check_form(block)?;
    check_headers(block)
}

/// Tells while planning that a body would be JSON and a form, or a form with a file of another media type.
fn check_form(block: &Block) -> Result<(), BlockError> {
    let begins = |words: &'static str| {
        block
            .rows()
            .iter()
            .position(move |row| row.first().is_some_and(|place| place.starts_with(words)))
    };
    let (file, json) = (begins("file "), begins("$"));
    if let (Some(form), Some(json)) = (begins("form ").or(file), json) {
        let message =
            "a body is either a form or JSON; hint: `$…` places make JSON, `form NAME` and `file NAME` a form";
        return Err(BlockError::cell(form.max(json), 0, message));
    }
    let typed = block.rows().iter().position(|row| match row.as_slice() {
        [place, value] => place.eq_ignore_ascii_case("header content-type") && value != MULTIPART,
        _ => false,
    });
    match (file, typed) {
        (Some(_), Some(typed)) => Err(BlockError::cell(
            typed,
            1,
            format!("a form with a file is {MULTIPART}; hint: leave its content-type out"),
        )),
        _ => Ok(()),
    }
}

/// Tells while planning which of a table's headers cannot be.
pub(crate) fn check_headers(block: &Block) -> Result<(), BlockError> {
    for (at, row) in block.rows().iter().enumerate() {
        let name = row.first().and_then(|place| place.strip_prefix("header "));
        if let Some(name) = name.filter(|name| !name.contains("${")) {
            header(name.trim(), "").map_err(|message| BlockError::cell(at, 0, message))?;
        }
    }
    Ok(())
}

fn checked_path(path: &str) -> Result<(), String> {
    if path.starts_with('/') {
        return Ok(());
    }
    let hint = match Url::parse(path) {
        Ok(url) if url.has_host() => format!(
            "the step names the service, and the path stands alone: `{}`",
            url.path()
        ),
        _ => format!("did you mean `/{path}`?"),
    };
    Err(format!("the path `{path}` does not begin with `/`; hint: {hint}"))
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = || format!("`{name}: {value}` is no HTTP header");
    let read = name
        .parse()
        .map_err(|_| format!("`{name}` is no name of an HTTP header"))?;
    Ok((read, value.parse().map_err(|_| wrong())?))
}

/// The media type of a doc string: its own, or what it turns out to be.
fn media_type_of(declared: Option<&str>, content: &str) -> Result<String, String> {
    match declared {
        Some("json") => Ok("application/json".to_owned()),
        Some(whole) if whole.contains('/') => Ok(whole.to_owned()),
        Some(other) => Err(format!(
            "`{other}` is no media type of a body; hint: `json`, or a whole one such as `application/xml`"
        )),
        None if serde_json::from_str::<serde_json::Value>(content).is_ok() => Ok("application/json".to_owned()),
        None => Ok("text/plain; charset=utf-8".to_owned()),
    }
}

/// `00-<trace id>-<parent id>-<flags>`, ids drawn, sampled (W3C Trace Context, section 3.2).
fn traceparent(world: &mut World) -> String {
    let mut digits = || world.values.draws().uuid().replace('-', "");
    let (trace, parent) = (digits(), digits());
    format!("00-{trace}-{}-01", parent.get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use crate::http::testing::shop;
    use crate::testing::{doc_string, plan, table};

    #[tokio::test]
    async fn a_table_makes_a_request() {
        let (mut scenario, seen) = shop().await;
        let rows = [
            ["$.user.id", "u1"],
            ["$.lines[0].amount", "12.50"],
            ["header Idempotency-Key", "1"],
            ["header x-tag", "a"],
            ["header x-tag", "b"],
            ["query page", "1 & 2"],
        ];
        scenario
            .passes(r#"I send POST "/orders?dry=true" to shop"#, table(&rows))
            .await;
        let seen = seen.lock().expect("nobody panicked");
        assert_eq!(seen[0].line, "POST /orders?dry=true&page=1+%26+2");
        assert_eq!(seen[0].body, r#"{"user":{"id":"u1"},"lines":[{"amount":12.5}]}"#);
        assert_eq!(seen[0].header("content-type"), "application/json");
        assert_eq!(seen[0].header("idempotency-key"), "1");
        assert_eq!(seen[0].headers.get_all("x-tag").iter().count(), 2);
    }

    #[tokio::test]
    async fn a_doc_string_is_the_body_as_it_stands() {
        let (mut scenario, seen) = shop().await;
        for (media_type, content) in [
            (Some("json"), "{\"id\": ${service.shop.port}"),
            (None, "{\"n\":  1}"),
            (None, "n: 1"),
            (Some("application/xml"), "<order/>"),
        ] {
            scenario
                .passes(r#"I send PUT "/orders/7" to shop"#, doc_string(media_type, content))
                .await;
        }
        let port = scenario.world.client("shop").expect("it is served").port;
        let seen = seen.lock().expect("nobody panicked");
        let bodies: Vec<_> = seen
            .iter()
            .map(|seen| (seen.header("content-type"), seen.body.as_str()))
            .collect();
        assert_eq!(
            bodies,
            [
                ("application/json", format!("{{\"id\": {port}").as_str()),
                ("application/json", "{\"n\":  1}"),
                ("text/plain; charset=utf-8", "n: 1"),
                ("application/xml", "<order/>"),
            ]
        );
    }

    #[test]
    fn what_cannot_be_sent_is_told_while_planning() {
        let errors = plan(
            r#"    * I send POST "orders" to shop
    * I send POST "http://shop/orders" to shop
    * I send 0 GET "/orders" to shop
    * I send GET "/orders" to shopp
    * I send GET "/orders" to bank
    * I send POST "/orders" to shop
      | header a b | 1 |
    * I send POST "/orders" to shop
      | id | 1 |
    * I send POST "/orders" to shop
      """yaml
      a: 1
      """
    * I send POST "/orders/${ordre.id}" to shop as order"#,
        );
        insta::assert_snapshot!(errors.unwrap_err(), @r#"
        3:5 | * I send POST "orders" to shop
        the path `orders` does not begin with `/`
        hint: did you mean `/orders`?
        4:5 | * I send POST "http://shop/orders" to shop
        the path `http://shop/orders` does not begin with `/`
        hint: the step names the service, and the path stands alone: `/orders`
        5:5 | * I send 0 GET "/orders" to shop
        no request is sent
        hint: the number of requests is at least 1
        6:31 | * I send GET "/orders" to shopp
        the mesh has no service `shopp`
        hint: did you mean `shop`?
        7:31 | * I send GET "/orders" to bank
        `bank` is a partner, and here stands a service
        9:9 | | header a b | 1 |
        `a b` is no name of an HTTP header
        11:9 | | id | 1 |
        a request has no place `id`
        hint: a member of its JSON is `$.id`; a request has `$…`, `header NAME`, `query NAME`, `form NAME`, `file NAME`, `cookie NAME`
        12:5 | * I send POST "/orders" to shop
        `yaml` is no media type of a body
        hint: `json`, or a whole one such as `application/xml`
        16:5 | * I send POST "/orders/${ordre.id}" to shop as order
        nothing gives `${ordre.id}` a value
        hint: keep it with `as ordre` in a step before, pass `--variable ordre=…`, or write `${ordre:-default}`
        "#);
    }
}
