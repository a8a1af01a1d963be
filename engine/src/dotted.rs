//! Dotted names of fields, as logs have them: `log.level`.

use serde_json::{Map, Value as Json};

/// What stands at a dotted name, be it written as one key, as nested objects, or as both in turn.
pub fn at<'a>(fields: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    fields.get(name).or_else(|| {
        name.match_indices('.')
            .find_map(|(dot, _)| at(fields.get(&name[..dot])?.as_object()?, &name[dot + 1..]))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_is_one_key_or_nested_ones() {
        for fields in [
            json!({"log.origin.file": "a.rs"}),
            json!({"log": {"origin.file": "a.rs"}}),
            json!({"log": 1, "log.origin": {"file": "a.rs"}}),
        ] {
            let fields = fields.as_object().expect("it is an object");
            assert_eq!(at(fields, "log.origin.file"), Some(&json!("a.rs")));
            assert_eq!((at(fields, "log.origin.line"), at(fields, "origin")), (None, None));
        }
    }
}
