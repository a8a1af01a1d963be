//! Values that stood at secret places in one scenario: what else of it tells them is masked, too.

use std::collections::BTreeSet;
use std::fmt;

use regex::Regex;
use serde_json::Value as Json;

use super::{MASK, Masks, is_short};

/// How long a cookie's value is at least to be masked elsewhere: shorter ones are flags and languages.
const SHORTEST_COOKIE: usize = 8;

/// What stood at secret places in one scenario.
#[derive(Clone, Default)]
pub struct Learned {
    values: BTreeSet<String>,
}

impl fmt::Debug for Learned {
    /// Without the values.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Learned")
            .field("values", &self.values.len())
            .finish_non_exhaustive()
    }
}

impl Learned {
    /// Learns what a message has at the secret places of its headers and its body.
    pub(crate) fn message<'h>(
        &mut self,
        masks: &Masks,
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
        body: Option<&Json>,
    ) {
        for (name, value) in headers {
            if masks.places.has_header(name) {
                self.header(name, value);
            }
        }
        for found in body.into_iter().flat_map(|body| masks.places.in_body(body)) {
            self.json(found);
        }
    }

    fn json(&mut self, json: &Json) {
        match json {
            Json::String(text) => self.value(text),
            Json::Number(number) => self.value(&number.to_string()),
            Json::Array(items) => items.iter().for_each(|item| self.json(item)),
            Json::Object(members) => members.values().for_each(|member| self.json(member)),
            Json::Null | Json::Bool(_) => {}
        }
    }

    fn header(&mut self, name: &str, value: &str) {
        self.value(value);
        let cookie = |pair: &str| pair.split_once('=').map(|(_, value)| value.trim().to_owned());
        match name.to_ascii_lowercase().as_str() {
            // The scheme, `Bearer` or `Basic`, is no secret.
            "authorization" | "proxy-authorization" => {
                if let Some((_, credentials)) = value.split_once(' ') {
                    self.value(credentials.trim());
                }
            }
            "cookie" => value
                .split(';')
                .filter_map(cookie)
                .for_each(|value| self.cookie(&value)),
            "set-cookie" => value
                .split(';')
                .take(1)
                .filter_map(cookie)
                .for_each(|value| self.cookie(&value)),
            _ => {}
        }
    }

    fn cookie(&mut self, value: &str) {
        if value.chars().count() >= SHORTEST_COOKIE {
            self.value(value);
        }
    }

    fn value(&mut self, value: &str) {
        if !is_short(value) {
            self.values.insert(value.to_owned());
        }
    }

    /// An expression that finds them, as they are and escaped in JSON; none where nothing was learned.
    pub(super) fn expression(&self) -> Option<Regex> {
        let escaped = |value: &String| {
            let quoted = Json::String(value.clone()).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        };
        let forms: BTreeSet<String> = self
            .values
            .iter()
            .flat_map(|value| [value.clone(), escaped(value)])
            .collect();
        let mut forms: Vec<String> = forms.iter().map(|form| regex::escape(form)).collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        // Of literals alone: only their size could keep it from being made.
        (!forms.is_empty()).then(|| Regex::new(&forms.join("|")).ok()).flatten()
    }
}

/// Masks what an expression finds.
pub(super) fn mask(found: &Regex, text: &mut String) {
    if let std::borrow::Cow::Owned(masked) = found.replace_all(text, MASK) {
        *text = masked;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::SecretPlace;
    use super::*;

    fn learned(headers: &[(&str, &str)], body: Option<Json>) -> Vec<String> {
        let masks = Masks::new([], [SecretPlace::parse("$.pin").unwrap()]).unwrap();
        let mut learned = Learned::default();
        learned.message(&masks, headers.iter().copied(), body.as_ref());
        learned.values.into_iter().collect()
    }

    #[test]
    fn credentials_are_learned_whole_and_without_their_scheme() {
        let headers = [("Authorization", "Bearer abc-123"), ("accept", "application/json")];
        assert_eq!(learned(&headers, None), ["Bearer abc-123", "abc-123"]);
        let cookies = [
            ("cookie", "session=s3ss10n-1d; lang=en-US"),
            ("set-cookie", "session=other-1d; Path=/orders/1"),
        ];
        assert_eq!(
            learned(&cookies, None),
            [
                "other-1d",
                "s3ss10n-1d",
                "session=other-1d; Path=/orders/1",
                "session=s3ss10n-1d; lang=en-US"
            ]
        );
    }

    #[test]
    fn parts_of_a_body_are_learned_where_they_are_long_enough() {
        assert_eq!(learned(&[], Some(json!({"pin": 12_345}))), ["12345"]);
        assert_eq!(learned(&[], Some(json!({"pin": "1"}))), [""; 0]);
        assert_eq!(
            learned(&[], Some(json!({"pin": {"old": "0000-1", "new": ["0000-2", 7]}}))),
            ["0000-1", "0000-2"]
        );
    }

    #[test]
    fn they_are_found_as_they_are_and_in_json() {
        let mut learned = Learned::default();
        learned.value("a\"b.c");
        let mut text = r#"a"b.c, {"x":"a\"b.c"}, a"bxc"#.to_owned();
        mask(&learned.expression().unwrap(), &mut text);
        assert_eq!(text, r#"***, {"x":"***"}, a"bxc"#);
        assert!(Learned::default().expression().is_none());
    }
}
