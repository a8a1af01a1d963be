//! The names that one thing of a mesh gives another.

use super::Mesh;
use super::error::MeshError;
use super::model::{BUILT_INS, Kind, Ledger, Service, Site, Source};
use super::nearest::did_you_mean;
use super::place::{Located, Place};
use super::template::{Part, Reference};
use indexmap::IndexMap;

impl Mesh {
    /// Every mistake in the names.
    pub(super) fn mistakes(&self) -> Vec<MeshError> {
        let mut errors = self.clashes();
        let datastores = self.datastores.values().map(|datastore| &datastore.owner);
        let buckets = self.buckets.values().map(|bucket| &bucket.owner);
        for owner in datastores.chain(buckets).flatten() {
            if !self.services.contains_key(&owner.value) {
                errors.push(self.missing(owner, &[Kind::Service]));
            }
        }
        for (name, service) in &self.services {
            self.check_edges(service, &mut errors);
            service.check_also_at(name, &mut errors);
            self.check_consumes(name, service, &mut errors);
            self.check_values(name, service, &mut errors);
        }
        for ledger in self.ledgers.values() {
            self.check_stages(ledger, &mut errors);
        }
        self.check_reuse(&mut errors);
        errors.extend(self.rings());
        errors
    }

    /// Two things of one name.
    fn clashes(&self) -> Vec<MeshError> {
        let mut errors = Vec::new();
        let mut seen: IndexMap<&str, (Kind, &Place)> = IndexMap::new();
        for (name, kind, place) in self.things() {
            if BUILT_INS.contains(&name) {
                let message = format!("`{name}` is a built-in edge");
                let hint = format!("give the {} another name", kind.word());
                errors.push(MeshError::at(place, message).hint(hint));
            } else if let Some((other, first)) = seen.get(name) {
                let message = format!("`{name}` is already a {} at {first}", other.word());
                let hint = format!("give the {} another name", kind.word());
                errors.push(MeshError::at(place, message).hint(hint));
            } else {
                seen.insert(name, (kind, place));
            }
        }
        let mut topics: IndexMap<&str, (&str, &Place)> = IndexMap::new();
        for (broker, name, topic) in self.all_topics() {
            if let Some((other, first)) = topics.get(name) {
                let message = format!("topic `{name}` is already on broker `{other}` at {first}");
                errors.push(MeshError::at(&topic.place, message));
            } else {
                topics.insert(name, (broker, &topic.place));
            }
        }
        errors
    }

    fn missing(&self, name: &Located<String>, kinds: &[Kind]) -> MeshError {
        let message = match (self.kind(&name.value), kinds) {
            (Some(kind), [wanted]) => {
                format!("`{}` is a {}, not a {}", name.value, kind.word(), wanted.word())
            }
            (None, [wanted]) => format!("unknown {} `{}`", wanted.word(), name.value),
            (Some(kind), _) => format!("`{}` is a {}, not an edge", name.value, kind.word()),
            (None, _) => format!("unknown name `{}`", name.value),
        };
        let hint = match (self.topic(&name.value), self.roles.get(&name.value)) {
            (_, Some(role)) => Some(format!(
                "roles stand in features; here name a service: {}",
                role.providers.join(", ")
            )),
            (Some((broker, _)), None) if kinds.contains(&Kind::Broker) => {
                Some(format!("depend on its broker `{broker}`"))
            }
            _ => self
                .suggest(&name.value, kinds)
                .map(|near| format!("did you mean `{near}`?")),
        };
        MeshError::at(&name.place, message).hint_if(hint)
    }

    fn check_edges(&self, service: &Service, errors: &mut Vec<MeshError>) {
        for edge in &service.depends_on {
            if !self.kind(&edge.value).is_some_and(|kind| Kind::EDGES.contains(&kind)) {
                errors.push(self.missing(edge, &Kind::EDGES));
            }
        }
    }

    fn check_consumes(&self, name: &str, service: &Service, errors: &mut Vec<MeshError>) {
        for topic in &service.consumes {
            let Some((broker, _)) = self.topic(&topic.value) else {
                errors.push(self.missing(topic, &[Kind::Topic]));
                continue;
            };
            if !service.depends_on.iter().any(|edge| edge.value == broker) {
                let message = format!(
                    "service `{name}` consumes `{}` without an edge to its broker",
                    topic.value
                );
                let hint = format!("add `{broker}` to its `depends_on`");
                errors.push(MeshError::at(&topic.place, message).hint(hint));
            }
        }
    }

    fn check_stages(&self, ledger: &Ledger, errors: &mut Vec<MeshError>) {
        for stage in ledger.stages.values() {
            let (names, kind) = match &stage.site {
                Site::Request { of, .. } => (of.as_slice(), Kind::Service),
                Site::Topic(topic) => (std::slice::from_ref(topic), Kind::Topic),
                Site::Bucket { bucket, .. } => (std::slice::from_ref(bucket), Kind::Bucket),
                Site::Table { of, .. } => (std::slice::from_ref(of), Kind::Datastore),
                Site::Partner(partner) => (std::slice::from_ref(partner), Kind::Partner),
            };
            let known = |name: &str| match kind {
                Kind::Topic => self.topic(name).is_some(),
                kind => self.kind(name) == Some(kind),
            };
            let missing = names.iter().filter(|name| !known(name));
            errors.extend(missing.map(|name| self.missing(name, &[kind])));
        }
    }

    fn check_values(&self, name: &str, service: &Service, errors: &mut Vec<MeshError>) {
        let command = match &service.source {
            Source::Command(command) => command.value.as_slice(),
            Source::Url(_) => &[],
        };
        let environment = service.environment.values().map(|value| &value.value);
        let references = environment.chain(command).flat_map(|value| value.references());
        for reference in references {
            let error = match &reference.value {
                Reference::Bin if self.bin.is_none() => Some((
                    "the mesh has no `bin`".to_owned(),
                    Some("add `bin: FOLDER` at the top".to_owned()),
                )),
                Reference::Bin => None,
                Reference::Ca => self.ca_mistake(name),
                Reference::Port(port) if service.ports.contains_key(port) => None,
                Reference::Port(port) => Some((
                    format!("service `{name}` has no port `{port}`"),
                    did_you_mean(port, service.ports.keys().map(String::as_str))
                        .or_else(|| Some(format!("add it: `ports: {{ {port}: NUMBER }}`"))),
                )),
                Reference::Edge { name: edge, part } => self.edge_mistake(name, service, edge, *part),
            };
            if let Some((message, hint)) = error {
                errors.push(MeshError::at(&reference.place, message).hint_if(hint));
            }
        }
    }

    fn edge_mistake(&self, name: &str, service: &Service, edge: &str, part: Part) -> Option<(String, Option<String>)> {
        let kind = self.kind(edge).filter(|kind| Kind::EDGES.contains(kind));
        let depends = || service.depends_on.iter().map(|edge| edge.value.as_str());
        let Some(kind) = kind else {
            let names = depends().chain(BUILT_INS);
            let hint = did_you_mean(edge, names).or_else(|| {
                let near = self.suggest(edge, &Kind::EDGES)?;
                Some(format!("did you mean `{near}`?"))
            });
            return Some((format!("unknown edge `{edge}`"), hint));
        };
        if kind != Kind::BuiltIn && !depends().any(|other| other == edge) {
            return Some((
                format!("service `{name}` has no edge to `{edge}`"),
                Some(format!("add `{edge}` to its `depends_on`")),
            ));
        }
        if let Some(other) = self.services.get(edge)
            && matches!(other.source, Source::Command(_))
            && other.http_port().is_none()
        {
            return Some((
                format!("service `{edge}` has no port that an edge could lead to"),
                Some("give it one port, or name one of them `http`".to_owned()),
            ));
        }
        let parts = parts(kind, edge);
        if part != Part::Address && !parts.contains(&part) {
            let names: Vec<_> = parts.iter().map(|part| format!("`{}`", part.name())).collect();
            return Some((
                format!("the address of `{edge}` has no `{}`", part.name()),
                Some(format!("a {} has {}", kind.word(), names.join(", "))),
            ));
        }
        None
    }
}

/// The parts that an address of this kind has.
fn parts(kind: Kind, name: &str) -> &'static [Part] {
    use Part::{Database, Host, Password, Port, Url, User};
    match kind {
        Kind::Datastore => &[Url, Host, Port, User, Password, Database],
        Kind::Bucket => &[Url, Host, Port, User, Password],
        Kind::Service | Kind::Partner => &[Url, Host, Port],
        Kind::BuiltIn if name == "logs" => &[Url, Host, Port],
        Kind::Broker | Kind::Topic | Kind::Ledger | Kind::Role | Kind::BuiltIn => &[Host, Port],
    }
}
