//! The body of `_bulk`: a line that says what to do, and, but for a delete, a line with the
//! document (<https://www.elastic.co/guide/en/elasticsearch/reference/8.17/docs-bulk.html>).

use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// What is to be done with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Index,
    Create,
    Update,
    Delete,
}

/// One operation of a bulk request.
#[derive(Debug, PartialEq)]
pub(super) struct Operation {
    pub(super) action: Action,
    pub(super) index: String,
    pub(super) id: String,
    /// The document, or why it is none; a delete has none.
    pub(super) source: Option<Result<Map<String, Value>, String>>,
}

#[derive(Deserialize)]
struct Target {
    #[serde(rename = "_index")]
    index: Option<String>,
    #[serde(rename = "_id")]
    id: Option<String>,
}

impl Action {
    const ALL: [Self; 4] = [Self::Index, Self::Create, Self::Update, Self::Delete];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    pub(super) fn result(self) -> &'static str {
        match self {
            Self::Index | Self::Create => "created",
            Self::Update => "updated",
            Self::Delete => "deleted",
        }
    }

    pub(super) fn status(self) -> u16 {
        match self {
            Self::Index | Self::Create => 201,
            Self::Update | Self::Delete => 200,
        }
    }
}

/// Reads the whole body; `index` is the one of the path, for operations that name none.
///
/// # Errors
/// A line that should say what to do says nothing that is known, or the last document is missing.
pub(super) fn parse(body: &[u8], index: Option<&str>) -> Result<Vec<Operation>, String> {
    if !body.is_empty() && !body.ends_with(b"\n") {
        return Err("The bulk request must be terminated by a newline [\\n]".to_owned());
    }
    let mut lines = body.split(|byte| *byte == b'\n').enumerate();
    let mut operations = Vec::new();
    while let Some((number, line)) = lines.next() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let bad = |reason: &str| format!("Malformed action/metadata line [{}]: {reason}", number + 1);
        let actions: Map<String, Value> = serde_json::from_slice(line).map_err(|error| bad(&error.to_string()))?;
        let mut actions = actions.into_iter();
        let (Some((name, target)), None) = (actions.next(), actions.next()) else {
            return Err(bad("it names not exactly one action"));
        };
        let Some(action) = Action::ALL.into_iter().find(|action| action.name() == name) else {
            return Err(bad(&format!("`{name}` is none of index, create, update, delete")));
        };
        let target: Target = serde_json::from_value(target).map_err(|error| bad(&error.to_string()))?;
        let Some(index) = target.index.or_else(|| index.map(str::to_owned)) else {
            return Err(bad("the index is missing"));
        };
        let source = match action {
            Action::Delete => None,
            Action::Index | Action::Create | Action::Update => {
                let (_, document) = lines
                    .next()
                    .filter(|(_, line)| !line.is_empty())
                    .ok_or_else(|| bad("no document follows it"))?;
                Some(source(action, document))
            }
        };
        let id = target.id.unwrap_or_else(|| Uuid::new_v4().simple().to_string());
        operations.push(Operation {
            action,
            index,
            id,
            source,
        });
    }
    if operations.is_empty() {
        return Err("request body is required".to_owned());
    }
    Ok(operations)
}

fn source(action: Action, line: &[u8]) -> Result<Map<String, Value>, String> {
    let mut fields: Map<String, Value> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    match (action, fields.get_mut("doc").map(Value::take)) {
        (Action::Update, Some(Value::Object(document))) => Ok(document),
        (Action::Update, _) => Err("an update needs a `doc`".to_owned()),
        // `take` has emptied a field of a document that is itself called so: read it again.
        (_, Some(_)) => serde_json::from_slice(line).map_err(|error| error.to_string()),
        (_, None) => Ok(fields),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_is_read_with_its_document_and_index() {
        let body = br#"{"index":{"_index":"logs-shop","_id":"7"}}
{"message":"one","doc":{"x":1}}
{"create":{}}
{"message":"two"}

{"delete":{"_id":"7"}}
{"update":{"_id":"8"}}
{"doc":{"message":"three"}}
{"index":{}}
not json
"#;
        let operations = parse(body, Some("logs-all")).unwrap();
        let seen: Vec<_> = operations.iter().map(|one| (one.action, one.index.as_str())).collect();
        assert_eq!(
            seen,
            [
                (Action::Index, "logs-shop"),
                (Action::Create, "logs-all"),
                (Action::Delete, "logs-all"),
                (Action::Update, "logs-all"),
                (Action::Index, "logs-all"),
            ]
        );
        let fields = |index: usize| Value::Object(operations[index].source.clone().unwrap().unwrap());
        assert_eq!(fields(0), serde_json::json!({ "message": "one", "doc": { "x": 1 } }));
        assert_eq!(fields(3), serde_json::json!({ "message": "three" }));
        assert_eq!(operations[2].source, None);
        assert!(operations[4].source.as_ref().unwrap().is_err());
        assert_eq!((operations[0].id.as_str(), operations[1].id.len()), ("7", 32));
    }

    #[test]
    fn what_elasticsearch_refuses_as_a_whole_is_refused() {
        let table = [
            ("", "request body is required"),
            ("{\"index\":{\"_index\":\"a\"}}\n{}", "terminated by a newline"),
            ("{\"index\":{\"_index\":\"a\"}}\n", "[1]: no document follows it"),
            ("{\"index\":{}}\n{}\n", "[1]: the index is missing"),
            (
                "{\"put\":{\"_index\":\"a\"}}\n{}\n",
                "`put` is none of index, create, update, delete",
            ),
            ("[]\n", "[1]: "),
        ];
        for (body, reason) in table {
            let told = parse(body.as_bytes(), None).unwrap_err();
            assert!(told.contains(reason), "{body}: {told}");
        }
    }
}
