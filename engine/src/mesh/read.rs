//! From the tree to the model, all but the names that one thing gives another.

use super::error::MeshError;
use super::model::{Broker, Bucket, Datastore, Isolation, Partner, Schema, Topic};
use super::node::{Node, Value};
use super::place::{Located, Place};
use super::reader::{Fields, Reader, absolute, folder};
use super::{Mesh, schema};
use indexmap::IndexMap;
use std::path::{Path, PathBuf};

/// Of how many nodes a broker is at the most: each is a process of its own on this machine.
const MOST_NODES: u32 = 9;

impl Reader<'_> {
    /// The whole mesh; what could not be read is noted, and left out or filled with something plain.
    pub(super) fn mesh(&mut self, root: &Node, file: &Path) -> Mesh {
        let folder = absolute(folder(file));
        if matches!(root.value, Value::Null) {
            self.empty(&root.place);
        }
        let fields = match &root.value {
            Value::Null => return Mesh::empty(folder),
            _ => self.fields::<schema::MeshFile>(root, "the mesh file"),
        };
        let mut mesh = Mesh::empty(folder);
        match fields.get("mesh") {
            Some(node) => mesh.name = self.text(node, "`mesh`").map(|name| name.value).unwrap_or_default(),
            None if matches!(root.value, Value::Map(_)) => self
                .errors
                .push(MeshError::at(&root.place, "the mesh has no name").hint("add `mesh: NAME`")),
            None => {}
        }
        mesh.bin = fields
            .get("bin")
            .and_then(|node| self.path(node, "`bin`"))
            .map(|bin| bin.value);
        let base = mesh.folder.clone();
        mesh.services = self.section(&fields, "services", |r, name, place, node| {
            r.service(name, place, node, &base)
        });
        mesh.datastores = self.section(&fields, "datastores", Reader::datastore);
        mesh.brokers = self.section(&fields, "brokers", Reader::broker);
        mesh.buckets = self.section(&fields, "buckets", Reader::bucket);
        mesh.partners = self.section(&fields, "partners", Reader::partner);
        mesh.ledgers = self.section(&fields, "ledgers", Reader::ledger);
        mesh.roles = super::role::of(&mesh.services);
        mesh.secrets = self.secrets(&fields, &mesh.services);
        mesh.redact = fields.get("redact").map(|node| self.redact(node)).unwrap_or_default();
        let declares = ["services", "datastores", "brokers", "buckets", "partners"]
            .iter()
            .filter_map(|section| fields.get(section))
            .any(|node| !matches!(&node.value, Value::Map(map) if map.is_empty()));
        if !declares && matches!(root.value, Value::Map(_)) {
            self.empty(&root.place);
        }
        mesh
    }

    fn empty(&mut self, place: &Place) {
        let hint = "declare at least one service, datastore, broker, bucket or partner";
        self.errors.push(MeshError::at(place, "the mesh is empty").hint(hint));
    }

    /// The things of one kind, by name.
    fn section<T>(
        &mut self,
        fields: &Fields<'_>,
        section: &str,
        mut read: impl FnMut(&mut Self, &str, &Place, &Node) -> T,
    ) -> IndexMap<String, T> {
        let node = fields.get(section);
        let map = node.and_then(|node| self.map(node, &format!("`{section}`")));
        let mut things = IndexMap::new();
        for (name, (place, node)) in map.into_iter().flatten() {
            self.thing_name(name, place);
            things.insert(name.clone(), read(self, name, place, node));
        }
        things
    }

    pub(super) fn thing_name(&mut self, name: &str, place: &Place) {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(fits) {
            let message = format!("`{name}` cannot be a name");
            let hint = "names are letters, digits, `-` and `_`, and begin with a letter or digit";
            self.errors.push(MeshError::at(place, message).hint(hint));
        }
    }

    fn datastore(&mut self, name: &str, place: &Place, node: &Node) -> Datastore {
        let of = format!("datastore `{name}`");
        let fields = self.fields::<schema::Datastore>(node, &of);
        let mut datastore = Datastore {
            place: place.clone(),
            schema: None,
            shows_values: false,
            isolation: self.isolation(&fields, &of),
            tls: self.tls(&fields, &of, false),
            owner: self.owner(&fields, &of),
        };
        match fields.get("postgres") {
            Some(node) => {
                let fields = self.fields::<schema::Postgres>(node, &format!("`postgres` of {of}"));
                if let Some(node) = fields.get("schema") {
                    datastore.schema = self.sql(node, &of);
                }
                if let Some(node) = fields.get("show_values") {
                    let of = format!("`show_values` of {of}");
                    let shows = self.one_of(node, &of, &[("true", true), ("false", false)]);
                    datastore.shows_values = shows.unwrap_or_default();
                }
            }
            None if matches!(node.value, Value::Map(_)) => {
                let hint = "add `postgres: { schema: { sql: FOLDER } }`";
                let error = MeshError::at(place, format!("{of} has no kind")).hint(hint);
                self.errors.push(error);
            }
            None => {}
        }
        datastore
    }

    fn sql(&mut self, node: &Node, of: &str) -> Option<Located<Schema>> {
        let of = format!("`schema` of {of}");
        let fields = self.fields::<schema::Schema>(node, &of);
        let Some(node) = fields.get("sql") else {
            if matches!(node.value, Value::Map(_)) {
                let error = MeshError::at(&node.place, format!("{of} is empty"));
                self.errors.push(error.hint("add `sql: FOLDER`"));
            }
            return None;
        };
        let path = self.path(node, &format!("`sql` in {of}"))?;
        let files = match sql_files(&path.value) {
            Ok(files) => files,
            Err(error) => {
                let shown = path.value.display();
                self.error(&path.place, format!("cannot read {shown}: {error}"));
                return None;
            }
        };
        if files.is_empty() {
            let message = format!("no `.sql` file in {}", path.value.display());
            self.error(&path.place, message);
        }
        Some(Located {
            value: Schema::Sql(files),
            place: path.place,
        })
    }

    fn owner(&mut self, fields: &Fields<'_>, of: &str) -> Option<Located<String>> {
        let node = fields.get("owner")?;
        self.word(node, &format!("`owner` of {of}"))
    }

    fn isolation(&mut self, fields: &Fields<'_>, of: &str) -> Isolation {
        let words = [("data", Isolation::Data), ("server", Isolation::Server)];
        let said = fields.get("isolation").and_then(|node| {
            let of = format!("`isolation` of {of}");
            self.one_of(node, &of, &words)
        });
        said.unwrap_or_default()
    }

    fn broker(&mut self, name: &str, place: &Place, node: &Node) -> Broker {
        let of = format!("broker `{name}`");
        let fields = self.fields::<schema::Broker>(node, &of);
        let map = fields.get("topics");
        let map = map.and_then(|node| self.map(node, &format!("`topics` of broker `{name}`")));
        let mut topics = IndexMap::new();
        for (topic, (place, node)) in map.into_iter().flatten() {
            topics.insert(topic.clone(), self.topic(topic, place, node));
        }
        Broker {
            place: place.clone(),
            nodes: self.nodes(&fields, &of),
            topics,
            isolation: self.isolation(&fields, &of),
            tls: self.tls(&fields, &of, false),
        }
    }

    fn nodes(&mut self, fields: &Fields<'_>, of: &str) -> u32 {
        let Some(node) = fields.get("nodes") else { return 1 };
        let count = self.count(node, &format!("`nodes` of {of}"), MOST_NODES);
        if let (None, Some(last)) = (count, self.errors.last_mut()) {
            last.hint = Some("of `nodes: 3` one may die that is not the first".to_owned());
        }
        count.unwrap_or(1)
    }

    fn topic(&mut self, name: &str, place: &Place, node: &Node) -> Topic {
        let of = format!("topic `{name}`");
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let short = (1..=249).contains(&name.len());
        if !short || !name.chars().all(fits) || name == "." || name == ".." {
            let error = MeshError::at(place, format!("`{name}` cannot be a topic's name"));
            let hint = "Kafka takes up to 249 letters, digits, `.`, `_` and `-`";
            self.errors.push(error.hint(hint));
        }
        let fields = self.fields::<schema::Topic>(node, &of);
        let partitions = fields
            .get("partitions")
            .and_then(|node| self.count(node, &format!("`partitions` of {of}"), 10_000));
        let mut config = IndexMap::new();
        let settings = fields.get("config");
        let settings = settings.and_then(|node| self.map(node, &format!("`config` of {of}")));
        for (key, (_, node)) in settings.into_iter().flatten() {
            if let Some(value) = self.text(node, &format!("`{key}` of {of}")) {
                config.insert(key.clone(), value.value);
            }
        }
        Topic {
            place: place.clone(),
            partitions: partitions.unwrap_or(1),
            config,
        }
    }

    fn bucket(&mut self, name: &str, place: &Place, node: &Node) -> Bucket {
        let of = format!("bucket `{name}`");
        let fields = self.fields::<schema::Bucket>(node, &of);
        Bucket {
            tls: self.tls(&fields, &of, false),
            place: place.clone(),
            owner: self.owner(&fields, &of),
        }
    }

    fn partner(&mut self, name: &str, place: &Place, node: &Node) -> Partner {
        let of = format!("partner `{name}`");
        let fields = self.fields::<schema::Partner>(node, &of);
        let rules = fields.get("rules");
        if rules.is_none() && matches!(node.value, Value::Map(_)) {
            let error = MeshError::at(place, format!("{of} has no rules"));
            self.errors.push(error.hint("add `rules: FILE`"));
        }
        let rules = rules.and_then(|node| self.path(node, &format!("`rules` of {of}")));
        if let Some(rules) = &rules
            && !rules.value.is_file()
        {
            let message = format!("no such file: {}", rules.value.display());
            self.error(&rules.place, message);
        }
        Partner {
            tls: self.tls(&fields, &of, false),
            place: place.clone(),
            rules: rules.unwrap_or(Located {
                value: PathBuf::new(),
                place: place.clone(),
            }),
        }
    }
}

/// The file itself, or the `.sql` files of the folder by name.
fn sql_files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.metadata()?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in path.read_dir()? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "sql") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}
