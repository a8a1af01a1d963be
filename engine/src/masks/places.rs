//! Places whose content is never told, whatever stands there.

use serde_json::Value as Json;
use serde_json_path::JsonPath;

use super::MASK;

/// Headers that carry credentials (RFC 9110, section 11; RFC 6265).
const ALWAYS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];

/// A place whose content is never told.
#[derive(Clone, Debug, PartialEq)]
pub enum SecretPlace {
    /// A header of a message, its name in lower case.
    Header(String),
    /// A part of a JSON body.
    Path(JsonPath),
}

impl SecretPlace {
    /// Reads `header NAME` or a JSONPath.
    ///
    /// # Errors
    /// A message for anything else.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("header ") {
            let name = name.trim().to_ascii_lowercase();
            return match name.is_empty() || name.contains(char::is_whitespace) {
                true => Err(format!("`{text}` names no header; hint: `header x-api-key`")),
                false => Ok(Self::Header(name)),
            };
        }
        if !text.starts_with('$') {
            return Err(format!(
                "`{text}` is no place; hint: `header NAME`, or the JSONPath of a part of bodies, such as `$.card.number`"
            ));
        }
        JsonPath::parse(text)
            .map(Self::Path)
            .map_err(|error| format!("`{text}` is no JSONPath: {error}; hint: such as `$.card.number` (RFC 9535)"))
    }
}

/// All the places whose content is never told.
#[derive(Debug, Default)]
pub(super) struct SecretPlaces {
    headers: Vec<String>,
    paths: Vec<JsonPath>,
}

impl SecretPlaces {
    pub(super) fn new(places: impl IntoIterator<Item = SecretPlace>) -> Self {
        let mut all = Self::default();
        for place in places {
            match place {
                SecretPlace::Header(name) => all.headers.push(name),
                SecretPlace::Path(path) => all.paths.push(path),
            }
        }
        all
    }

    pub(super) fn has_header(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        ALWAYS.contains(&name.as_str()) || self.headers.contains(&name)
    }

    pub(super) fn has_paths(&self) -> bool {
        !self.paths.is_empty()
    }

    /// What stands at secret places of a body.
    pub(super) fn in_body<'b>(&self, body: &'b Json) -> impl Iterator<Item = &'b Json> {
        self.paths.iter().flat_map(move |path| path.query(body).all())
    }

    /// Masks what stands at secret places of a body.
    pub(super) fn mask_body(&self, body: &mut Json) {
        let pointers = self.paths.iter().flat_map(|path| {
            path.query_located(body)
                .locations()
                .map(|at| at.to_json_pointer())
                .collect::<Vec<_>>()
        });
        for pointer in pointers.collect::<Vec<_>>() {
            if let Some(found) = body.pointer_mut(&pointer) {
                *found = Json::String(MASK.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_headers_and_paths() {
        let places =
            ["header X-Api-Key", "$.card.number", "$.items[*].pin"].map(|place| SecretPlace::parse(place).unwrap());
        let places = SecretPlaces::new(places);
        for secret in [
            "x-api-key",
            "X-API-KEY",
            "Authorization",
            "proxy-authorization",
            "Cookie",
            "Set-Cookie",
        ] {
            assert!(places.has_header(secret), "{secret}");
        }
        assert!(!places.has_header("content-type"));
        let mut body = json!({"card": {"number": 41_111, "name": "Ada"}, "items": [{"pin": "1"}, {"pin": null}, 3]});
        assert_eq!(
            places.in_body(&body).collect::<Vec<_>>(),
            [&json!(41_111), &json!("1"), &Json::Null]
        );
        places.mask_body(&mut body);
        assert_eq!(
            body,
            json!({"card": {"number": "***", "name": "Ada"}, "items": [{"pin": "***"}, {"pin": "***"}, 3]})
        );
    }

    #[test]
    fn what_is_no_place_is_told() {
        for text in ["card.number", "header ", "header a b", "$.card[", ""] {
            let error = SecretPlace::parse(text).unwrap_err();
            assert!(error.contains("; hint: "), "{error}");
        }
    }
}
