//! Cookies: what services gave to the test client in a scenario, kept as a browser keeps them (RFC 6265).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use momus_engine::world::World;

/// The cookies of a scenario, by the service that gave them; a cheap handle.
#[derive(Clone, Default)]
pub(crate) struct Cookies {
    by_service: Arc<Mutex<HashMap<String, Vec<Cookie>>>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    /// When it ends; without one it lasts as long as the scenario.
    expires: Option<Timestamp>,
}

impl Cookies {
    /// Those of this scenario.
    pub fn of(world: &mut World) -> Self {
        world.state.get_or_default::<Self>().clone()
    }

    /// What is kept at this moment, to be kept apart from now on.
    pub fn apart(&self) -> Self {
        let by_service = self.jars().clone();
        Self {
            by_service: Arc::new(Mutex::new(by_service)),
        }
    }

    /// What a request to this path of a service carries: names and values, those of longer paths first.
    pub fn carried(&self, service: &str, path: &str) -> Vec<(String, String)> {
        let (now, jars) = (Timestamp::now(), self.jars());
        let mut carried: Vec<&Cookie> = jars
            .get(service)
            .into_iter()
            .flatten()
            .filter(|cookie| cookie.lasts(now) && cookie.is_for(path))
            .collect();
        carried.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pair = |cookie: &Cookie| (cookie.name.clone(), cookie.value.clone());
        carried.into_iter().map(pair).collect()
    }

    /// Keeps what the answer to a request to this path of a service says in a `Set-Cookie`.
    pub fn keep(&self, service: &str, path: &str, set_cookie: &str) {
        let now = Timestamp::now();
        let Some(cookie) = Cookie::read(set_cookie, path, now) else {
            return;
        };
        let mut jars = self.jars();
        let jar = jars.entry(service.to_owned()).or_default();
        let same = |kept: &Cookie| kept.name == cookie.name && kept.path == cookie.path;
        let place = jar.iter().position(same);
        match (place, cookie.lasts(now)) {
            (Some(place), true) => jar[place] = cookie,
            (Some(place), false) => drop(jar.remove(place)),
            (None, true) => jar.push(cookie),
            (None, false) => {}
        }
    }

    fn jars(&self) -> MutexGuard<'_, HashMap<String, Vec<Cookie>>> {
        self.by_service.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cookie {
    /// Section 5.2; a cookie without a name is none. Whether it is for HTTPS alone or for a domain does not count: the
    /// test client is on the service's own machine, and gives it back to nobody else.
    fn read(set_cookie: &str, request_path: &str, now: Timestamp) -> Option<Self> {
        let (pair, attributes) = set_cookie.split_once(';').unwrap_or((set_cookie, ""));
        let (name, value) = name_and_value(pair)?;
        let (mut path, mut expires, mut max_age) = (None, None, None);
        for attribute in attributes.split(';') {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "path" => path = value.starts_with('/').then(|| value.to_owned()),
                "expires" => expires = date(value),
                "max-age" => max_age = value.parse::<i64>().ok(),
                _ => {}
            }
        }
        let ends = |seconds| {
            now.saturating_add(SignedDuration::from_secs(seconds))
                .unwrap_or(Timestamp::MAX)
        };
        Some(Self {
            name: name.to_owned(),
            value: value.to_owned(),
            path: path.unwrap_or_else(|| default_path(request_path)),
            expires: max_age.map(ends).or(expires),
        })
    }

    fn lasts(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }

    /// Section 5.1.4.
    fn is_for(&self, path: &str) -> bool {
        let rest = path.strip_prefix(&self.path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/'))
    }
}

/// The name and the value of a cookie that a `Set-Cookie` begins with, or that stands in a `Cookie`.
pub(crate) fn name_and_value(pair: &str) -> Option<(&str, &str)> {
    let pair = pair.split(';').next().unwrap_or_default();
    let (name, value) = pair.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    (!name.is_empty()).then_some((name, value))
}

/// The folder of a path (section 5.1.4).
fn default_path(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/".to_owned(),
        Some((folder, _)) => folder.to_owned(),
    }
}

/// A date as cookies have it: `Wed, 21 Oct 2026 07:28:00 GMT`, or with dashes as older servers write it.
fn date(text: &str) -> Option<Timestamp> {
    let text = text.replace('-', " ");
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(&text).ok()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::header::SET_COOKIE;
    use axum::http::{HeaderMap, Uri};
    use axum::response::AppendHeaders;
    use momus_engine::step::Block;

    use super::*;
    use crate::testing::{Scenario, plan, table};

    fn carried(set: &[&str], path: &str) -> String {
        let cookies = Cookies::default();
        set.iter().for_each(|set| cookies.keep("shop", "/orders/7", set));
        assert!(cookies.carried("billing", path).is_empty());
        let all = cookies.carried("shop", path);
        all.iter().map(|(name, value)| format!("{name}={value};")).collect()
    }

    #[test]
    fn a_cookie_goes_where_its_path_says_for_as_long_as_it_lasts() {
        for (set, path, expected) in [
            (&["a=1"][..], "/orders", "a=1;"),
            (&["a=1"], "/orders/8", "a=1;"),
            (&["a=1"], "/ordersx", ""),
            (&["a=1; Path=/"], "/", "a=1;"),
            (&["a=1; path=/; HttpOnly; Secure", "a=2; Path=/"], "/x", "a=2;"),
            (&["a=1; Path=/", "b=2"], "/orders/1", "b=2;a=1;"),
            (&["a=1; Path=/; Max-Age=60"], "/", "a=1;"),
            (&["a=1; Path=/", "a=; Path=/; Max-Age=0"], "/", ""),
            (&["a=1; Path=/; Expires=Wed, 21 Oct 2015 07:28:00 GMT"], "/", ""),
            (&["a=1; Path=/; Expires=Fri, 31-Dec-2100 23:59:59 GMT"], "/", "a=1;"),
            (
                &["a=1; Path=/; Expires=Wed, 21 Oct 2015 07:28:00 GMT; Max-Age=60"],
                "/",
                "a=1;",
            ),
            (&["a=x=\"y\" ; Path=/", "=1; Path=/", "c; Path=/"], "/", "a=x=\"y\";"),
        ] {
            assert_eq!(carried(set, path), expected, "{set:?} {path}");
        }
    }

    /// A scenario with a shop that gives a session and tells the cookies that it is sent.
    async fn shop() -> Scenario {
        let tell = |uri: Uri, headers: HeaderMap| async move {
            let sent = headers
                .get("cookie")
                .map_or("none", |sent| sent.to_str().expect("it is text"));
            let set = match uri.path() {
                "/login" => vec![
                    (SET_COOKIE, "session=s-1; Path=/; HttpOnly"),
                    (SET_COOKIE, "lang=en; Path=/account"),
                ],
                "/logout" => vec![(SET_COOKIE, "session=; Path=/; Max-Age=0")],
                _ => Vec::new(),
            };
            (AppendHeaders(set), sent.to_owned())
        };
        let mut scenario = Scenario::begin();
        scenario.serve("shop", Router::new().fallback(tell)).await;
        scenario.serve("billing", Router::new().fallback(tell)).await;
        scenario
    }

    async fn sends(scenario: &mut Scenario, path: &str, service: &str, block: Block) -> String {
        scenario
            .passes(&format!(r#"I send GET "{path}" to {service} as answer"#), block)
            .await;
        let told = scenario.world.value("${answer}").expect("it has a value");
        told.as_str().expect("it is text").to_owned()
    }

    #[tokio::test]
    async fn what_a_service_gives_is_sent_to_it_again_and_to_no_other() {
        let mut scenario = shop().await;
        scenario
            .passes(r#"I send POST "/login" to shop as login"#, Block::Nothing)
            .await;
        let kept = scenario.world.value("${login:cookie session}").expect("it has a value");
        assert_eq!(kept, "s-1");
        let rows = table(&[
            ["cookie session", "s-1"],
            ["cookie lang", "#not de"],
            ["cookie gone", "#absent"],
        ]);
        scenario.passes("the response has", rows).await;
        let rows = table(&[["cookie session", "s-2"], ["cookie gone", "1"]]);
        let failure = scenario.fails("the response has", rows).await;
        insta::assert_snapshot!(failure, @r#"
        Failed: it does not hold
        expected:
          the response of shop to POST /login has
            cookie session: "s-2"
            cookie gone: 1
        seen:
          200 OK, none
            cookie session: expected "s-2", was "s-1"
            cookie gone: expected 1, was absent
        "#);
        let mut told = Vec::new();
        for (path, service, block) in [
            ("/orders", "shop", Block::Nothing),
            ("/account/7", "shop", Block::Nothing),
            ("/orders", "billing", Block::Nothing),
            (
                "/orders",
                "shop",
                table(&[["cookie session", "s-9"], ["cookie x", "1"]]),
            ),
            ("/orders", "shop", table(&[["header Cookie", "y=2"]])),
            ("/orders", "shop", table(&[["header cookie", ""]])),
            ("/logout", "shop", Block::Nothing),
            ("/orders", "shop", Block::Nothing),
        ] {
            told.push(sends(&mut scenario, path, service, block).await);
        }
        assert_eq!(
            told,
            [
                "session=s-1",
                "lang=en; session=s-1",
                "none",
                "session=s-9; x=1",
                "y=2",
                "none",
                "session=s-1",
                "none"
            ]
        );
        let read = r#"GET "/account/7" from shop eventually has"#;
        scenario.passes(read, table(&[["$", "lang=en"]])).await;
    }

    #[test]
    fn a_cookie_needs_a_name() {
        let errors = plan(
            "    * the response has
      | cookie | 1 |",
        );
        insta::assert_snapshot!(errors.unwrap_err(), @r"
        4:9 | | cookie | 1 |
        a response has no place `cookie`
        hint: a member of its JSON is `$.cookie`; a response has `$…`, `header NAME`, `status`, `cookie NAME`
        ");
    }
}
