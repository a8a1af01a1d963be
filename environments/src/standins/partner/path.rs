//! The path of a route: literal segments and `{placeholders}`.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// `/v1/accounts/{account}/payments`: a placeholder takes one whole segment that is not empty.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct PathPattern(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Placeholder(String),
}

impl TryFrom<String> for PathPattern {
    type Error = String;

    fn try_from(path: String) -> Result<Self, String> {
        let Some(segments) = path.strip_prefix('/') else {
            return Err(format!("the path `{path}` does not begin with `/`"));
        };
        let mut names = Vec::new();
        let segment = |segment: &str| match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some("") => Err(format!("a placeholder in `{path}` has no name")),
            Some(name) if names.contains(&name.to_owned()) => Err(format!("`{path}` has two placeholders `{name}`")),
            Some(name) => {
                names.push(name.to_owned());
                Ok(Segment::Placeholder(name.to_owned()))
            }
            None if segment.contains(['{', '}', '?', '#']) => Err(format!(
                "`{segment}` in `{path}` is neither a plain segment nor one whole `{{placeholder}}`"
            )),
            None => Ok(Segment::Literal(segment.to_owned())),
        };
        segments.split('/').map(segment).collect::<Result<_, _>>().map(Self)
    }
}

impl PathPattern {
    /// What its placeholders stand for in `path`, or none where it is another path.
    pub(super) fn parameters(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        let mut found = path.strip_prefix('/')?.split('/');
        for segment in &self.0 {
            let text = percent_decode_str(found.next()?).decode_utf8().ok()?;
            match segment {
                Segment::Literal(literal) if *literal == text => {}
                Segment::Placeholder(name) if !text.is_empty() => {
                    parameters.insert(name.clone(), text.into_owned());
                }
                Segment::Literal(_) | Segment::Placeholder(_) => return None,
            }
        }
        found.next().is_none().then_some(parameters)
    }

    /// Whether it has this placeholder.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(&Segment::Placeholder(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(path: &str) -> PathPattern {
        path.to_owned().try_into().unwrap()
    }

    #[test]
    fn a_placeholder_takes_one_segment_and_is_decoded() {
        let account = pattern("/v1/accounts/{account}/payments");
        assert_eq!(
            account.parameters("/v1/accounts/a%20b/payments").unwrap()["account"],
            "a b"
        );
        for other in [
            "/v1/accounts//payments",
            "/v1/accounts/a/b/payments",
            "/v1/accounts/a",
            "/v1/accounts/a/payments/",
        ] {
            assert_eq!(account.parameters(other), None, "{other}");
        }
        assert!(pattern("/").parameters("/").is_some());
    }

    #[test]
    fn a_path_that_cannot_match_is_an_error() {
        for bad in ["v1", "/{}", "/{a}/{a}", "/x{a}", "/a?b=1"] {
            assert!(PathPattern::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
