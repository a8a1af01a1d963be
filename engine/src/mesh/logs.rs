//! How a service writes its log lines.

use regex::Regex;

use super::error::MeshError;
use super::model::LogFormat;
use super::node::{Node, Value};
use super::reader::Reader;
use super::schema;

/// What the groups of a pattern are for.
const GROUPS: [&str; 2] = ["level", "message"];

impl Reader<'_> {
    /// The format of a service's lines, and the pattern of plain ones where there is one.
    pub(super) fn logs(&mut self, node: &Node, of: &str) -> (Option<LogFormat>, Option<Regex>) {
        if !matches!(node.value, Value::Map(_)) {
            let formats = [
                ("ecs", LogFormat::Ecs),
                ("json", LogFormat::Json),
                ("plain", LogFormat::Plain),
            ];
            return (self.one_of(node, of, &formats), None);
        }
        let fields = self.fields::<schema::PlainLogs>(node, of);
        let Some((at, pattern)) = fields.entry("plain") else {
            let error = MeshError::at(&node.place, format!("{of} tells no format"));
            self.errors
                .push(error.hint("write `ecs`, `json`, `plain` or `{ plain: PATTERN }`"));
            return (None, None);
        };
        let Some(text) = self.text(pattern, of) else {
            return (Some(LogFormat::Plain), None);
        };
        let read = Regex::new(&text.value);
        let error = match &read {
            Ok(regex) if regex.capture_names().flatten().any(|name| GROUPS.contains(&name)) => None,
            Ok(_) => Some(
                MeshError::at(at, format!("the pattern in {of} has neither a level nor a message"))
                    .hint("it names them: `(?<level>[A-Z]+) (?<message>.*)`"),
            ),
            Err(error) => {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
                let message = format!("the pattern in {of} is no regular expression: {why}");
                Some(MeshError::at(at, message))
            }
        };
        self.errors.extend(error);
        (Some(LogFormat::Plain), read.ok())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::mesh::{LogFormat, Mesh};

    fn read(logs: &str) -> Result<Mesh, Vec<String>> {
        let text = format!("mesh: m\nservices:\n  shop: {{command: [shop], logs: {logs}}}\n");
        let told = |errors: Vec<crate::mesh::MeshError>| errors.iter().map(ToString::to_string).collect();
        Mesh::parse(&text, Path::new("/m/mesh.yaml")).map_err(told)
    }

    #[test]
    fn plain_lines_can_have_a_pattern() {
        let mesh = read(r"{plain: '^(?<level>[A-Z]+) (?<message>.*)$'}").expect("it is well formed");
        let shop = &mesh.services["shop"];
        assert_eq!(shop.logs, Some(LogFormat::Plain));
        let pattern = shop.log_pattern.as_ref().expect("it has one");
        assert!(pattern.is_match("ERROR no bank") && !pattern.is_match("no bank"));
        let plain = read("plain").expect("it is well formed");
        assert!(plain.services["shop"].log_pattern.is_none());
    }

    #[test]
    fn what_is_no_format_is_told() {
        let told = |logs: &str| read(logs).map(drop).unwrap_err().join("\n");
        for (logs, message) in [
            ("ecz", "`logs` of service `shop` must be ecs, json or plain, not `ecz`"),
            ("{}", "`logs` of service `shop` tells no format"),
            (
                "{plain: '(?<level>['}",
                "the pattern in `logs` of service `shop` is no regular expression: unclosed character class",
            ),
            (
                "{plain: 'a.*'}",
                "the pattern in `logs` of service `shop` has neither a level nor a message",
            ),
            ("{plane: a}", "unknown key `plane` in `logs` of service `shop`"),
        ] {
            assert!(told(logs).contains(message), "{}", told(logs));
        }
    }
}
