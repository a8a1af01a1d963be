//! From the tree to one ledger of the model.

use super::error::MeshError;
use super::model::{Ledger, ObjectFormat, Site, Stage};
use super::nearest::did_you_mean;
use super::node::{Node, Value};
use super::place::{Located, Place};
use super::reader::{Fields, Reader};
use super::schema;
use indexmap::IndexMap;
use serde_json_path::JsonPath;

/// What a stage is, and which keys it has besides `id` and `key`.
const KINDS: [(&str, &[&str]); 5] = [
    ("request", &["of", "in"]),
    ("topic", &[]),
    ("bucket", &["under", "format"]),
    ("table", &["of", "order"]),
    ("partner", &[]),
];

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl Reader<'_> {
    pub(super) fn ledger(&mut self, name: &str, place: &Place, node: &Node) -> Ledger {
        let map = self.map(node, &format!("ledger `{name}`"));
        let mut stages = IndexMap::new();
        for (at, (stage, (place, node))) in map.into_iter().flatten().enumerate() {
            self.thing_name(stage, place);
            let of = format!("stage `{stage}` of ledger `{name}`");
            if let Some(read) = self.stage(&of, place, node) {
                if at > 0 && matches!(read.site, Site::Request { .. }) {
                    let message = format!("{of} is a request, which only a first stage can be");
                    let hint =
                        "only the test client's own requests are seen whole; a call to a third party is a `partner`";
                    self.errors.push(MeshError::at(place, message).hint(hint));
                }
                stages.insert(stage.clone(), read);
            }
        }
        if map.is_some_and(|map| map.len() < 2) {
            let message = format!("ledger `{name}` leads nowhere");
            let hint = "it has at least two stages: where a thing begins, and where it must come to";
            self.errors.push(MeshError::at(place, message).hint(hint));
        }
        Ledger {
            place: place.clone(),
            stages,
        }
    }

    fn stage(&mut self, of: &str, place: &Place, node: &Node) -> Option<Stage> {
        let fields = self.fields::<schema::Stage>(node, of);
        let found: Vec<_> = KINDS.iter().filter(|(kind, _)| fields.get(kind).is_some()).collect();
        let (kind, keys) = match found.as_slice() {
            [one] => one,
            [] => {
                if matches!(node.value, Value::Map(_)) {
                    let kinds = KINDS.map(|(kind, _)| format!("`{kind}`")).join(", ");
                    let error = MeshError::at(place, format!("{of} does not say where it is"));
                    self.errors.push(error.hint(format!("it is one of {kinds}")));
                }
                return None;
            }
            [(one, _), (other, _), ..] => {
                let at = fields.entry(other).map_or(place, |(at, _)| at);
                self.error(at, format!("{of} is both a `{one}` and a `{other}`"));
                return None;
            }
        };
        for (other, its) in KINDS {
            for (at, key) in its.iter().filter_map(|key| Some((fields.entry(key)?.0, key))) {
                let goes_with = KINDS.iter().filter(|(_, keys)| keys.contains(key));
                if !keys.contains(key) && goes_with.clone().next().is_some_and(|(first, _)| *first == other) {
                    let kinds: Vec<_> = goes_with.map(|(kind, _)| format!("`{kind}`")).collect();
                    let message = format!("`{key}` says nothing of a {kind}");
                    let hint = format!("it goes with {}", kinds.join(" and "));
                    self.errors.push(MeshError::at(at, message).hint(hint));
                }
            }
        }
        let Some(id) = fields.get("id") else {
            let message = format!("{of} has no `id`");
            self.errors.push(MeshError::at(place, message).hint(example(kind)));
            return None;
        };
        let id = self.stands(kind, id, &format!("`id` of {of}"));
        let key = fields.get("key");
        let key = key.map(|key| self.stands(kind, key, &format!("`key` of {of}")));
        let site = self.site(kind, of, place, &fields)?;
        Some(Stage {
            place: place.clone(),
            site,
            id: id?,
            key: key.flatten(),
        })
    }

    fn site(&mut self, kind: &str, of: &str, place: &Place, fields: &Fields<'_>) -> Option<Site> {
        let named = self.word_of(kind, of, fields)?;
        match kind {
            "topic" => Some(Site::Topic(named)),
            "partner" => Some(Site::Partner(named)),
            "bucket" => self.objects(named, of, fields),
            "table" => Some(Site::Table {
                table: named.value,
                of: self.whose("DATASTORE", of, place, fields)?,
                order: self.word_of("order", of, fields).map(|order| order.value),
            }),
            _ => {
                let services = match fields.get("of") {
                    Some(node) if matches!(node.value, Value::List(_)) => {
                        let services = self.words(node, &format!("`of` of {of}"));
                        if matches!(&node.value, Value::List(names) if names.is_empty()) {
                            self.error(&node.place, format!("`of` of {of} names no service"));
                        }
                        Some(services)
                    }
                    _ => self.whose("SERVICE", of, place, fields).map(|service| vec![service]),
                };
                let side = fields.get("in").map_or(Some(false), |node| {
                    self.one_of(
                        node,
                        &format!("`in` of {of}"),
                        &[("response", false), ("request", true)],
                    )
                });
                let (method, path) = self.request_line(&named)?;
                Some(Site::Request {
                    method,
                    path,
                    of: services?,
                    in_request: side?,
                })
            }
        }
    }

    fn objects(&mut self, bucket: Located<String>, of: &str, fields: &Fields<'_>) -> Option<Site> {
        let under = fields.get("under");
        let under = under.and_then(|node| self.text(node, &format!("`under` of {of}")));
        if let Some(Located { value, place }) = &under
            && let Some(rest) = value.strip_prefix('/')
        {
            let error = MeshError::at(place, "the names of objects begin without a slash");
            self.errors
                .push(error.hint(format!("write `{rest}` in place of `/{rest}`")));
        }
        let formats = [
            ("ndjson", ObjectFormat::Ndjson),
            ("ndjson.gz", ObjectFormat::NdjsonGz),
            ("json", ObjectFormat::Json),
        ];
        let format = fields.get("format").map_or(Some(ObjectFormat::Ndjson), |node| {
            self.one_of(node, &format!("`format` of {of}"), &formats)
        });
        Some(Site::Bucket {
            bucket,
            under: under.map(|under| under.value).unwrap_or_default(),
            format: format?,
        })
    }

    fn word_of(&mut self, key: &str, of: &str, fields: &Fields<'_>) -> Option<Located<String>> {
        self.word(fields.get(key)?, &format!("`{key}` of {of}"))
    }

    fn whose(&mut self, whose: &str, of: &str, place: &Place, fields: &Fields<'_>) -> Option<Located<String>> {
        if fields.get("of").is_none() {
            let error = MeshError::at(place, format!("{of} has no `of`"));
            self.errors.push(error.hint(format!("add `of: {whose}`")));
        }
        self.word_of("of", of, fields)
    }

    /// Where an id or a key stands, in what a stage of this kind has.
    fn stands(&mut self, kind: &str, node: &Node, of: &str) -> Option<Located<String>> {
        let stands = self.word(node, of)?;
        let is_path = stands.starts_with('$');
        let wrong = match kind {
            "table" => is_path.then(|| "is no column".to_owned()),
            "topic" if *stands == "key" || stands.starts_with("header ") => None,
            _ if !is_path => Some("is no place".to_owned()),
            _ => JsonPath::parse(&stands)
                .err()
                .map(|error| format!("is no JSONPath: {}", error.message())),
        };
        let Some(wrong) = wrong else {
            return Some(stands);
        };
        let error = MeshError::at(&stands.place, format!("`{}`, the {of}, {wrong}", stands.value));
        self.errors.push(error.hint(example(kind)));
        None
    }

    fn request_line(&mut self, line: &Located<String>) -> Option<(String, String)> {
        let (method, path) = line.split_once(' ').unwrap_or(("", line));
        let (message, hint) = if !METHODS.contains(&method) {
            let near = did_you_mean(method, METHODS).unwrap_or_else(|| "such as `POST /orders`".to_owned());
            (format!("`{}` does not begin with an HTTP method", line.value), near)
        } else if !path.starts_with('/') {
            let message = format!("the path `{path}` does not begin with `/`");
            (message, format!("did you mean `{method} /{path}`?"))
        } else if path.contains('?') {
            let message = format!("the path `{path}` has a query");
            (message, "every query counts, so leave it out".to_owned())
        } else {
            return Some((method.to_owned(), path.to_owned()));
        };
        self.errors.push(MeshError::at(&line.place, message).hint(hint));
        None
    }
}

/// What an id or a key looks like.
fn example(kind: &str) -> &'static str {
    match kind {
        "topic" => "such as `$.order.id`, `header ce_id` or `key`",
        "table" => "such as `order_id`, a column of the table",
        "partner" => "such as `$.orders[*].id`, a JSONPath into the body of a call",
        "bucket" => "such as `$.order.id`, a JSONPath into a line",
        _ => "such as `$.order.id`, a JSONPath into a body",
    }
}
