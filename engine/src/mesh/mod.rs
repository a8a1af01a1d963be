//! The mesh file: what there is to test.
//!
//! A mesh is read once, from one or more YAML files, and every mistake in them is found at once, at its
//! own line and column. What comes out is plain data in which every name is known to exist.
//!
//! The way in: `node` (YAML to a tree with places, files laid over each other) → `read` (the tree to the
//! model, keys from `schema`) → `check` (names) and `order` (rings).

mod also_at;
mod check;
mod error;
mod ledger;
mod logs;
mod model;
mod nearest;
mod node;
mod order;
mod place;
mod read;
mod reader;
mod reuse;
mod role;
mod schema;
mod secret;
mod service;
mod template;
mod tls;

pub use also_at::{Address, AlsoAt};
pub use error::MeshError;
pub use model::{
    BUILT_INS, Broker, Bucket, Datastore, Healthcheck, Isolation, Kind, Ledger, LogFormat, ObjectFormat, Partner,
    Schema, Service, Site, Source, Stage, Topic,
};
pub use nearest::did_you_mean;
pub(crate) use nearest::nearest;
pub use place::{Located, Place};
pub use role::Role;
pub use schema::schema;
pub use secret::Secret;
pub use template::{Part, Reference, Segment, Template};
pub use tls::Tls;

use crate::masks::{Masks, SecretPlace};
use indexmap::IndexMap;
use node::Node;
use reader::Reader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is told where a mesh is needed and none is named, behind what needs it.
pub const NOT_GIVEN: &str = "no mesh is given; hint: name its file with `-f mesh.yaml`, or in momus.toml";

/// What the mesh files declare.
///
/// Services, datastores, brokers, buckets, partners, ledgers, roles and [`BUILT_INS`] share one namespace; topics have
/// one of their own.
#[derive(Debug, Clone)]
pub struct Mesh {
    /// Its name.
    pub name: String,
    /// The folder of the first file, absolute; builds run there.
    pub folder: PathBuf,
    /// What `${bin}` stands for, absolute; it may not exist before the first build.
    pub bin: Option<PathBuf>,
    /// The programs under test.
    pub services: IndexMap<String, Service>,
    /// The databases.
    pub datastores: IndexMap<String, Datastore>,
    /// The Kafka clusters.
    pub brokers: IndexMap<String, Broker>,
    /// The buckets of objects.
    pub buckets: IndexMap<String, Bucket>,
    /// The third parties.
    pub partners: IndexMap<String, Partner>,
    /// The ways of things through the mesh.
    pub ledgers: IndexMap<String, Ledger>,
    /// What several services can do, of which one does it in a run.
    pub roles: IndexMap<String, Role>,
    /// What is never told.
    pub secrets: Vec<Secret>,
    /// The places, of messages and records, whose content is never told.
    pub redact: Vec<SecretPlace>,
}

impl Mesh {
    /// Reads the files, the later ones laid over the earlier: maps by key, recursively; a null takes a
    /// value away. `variables` tells what `${NAME}` stands for.
    ///
    /// # Errors
    /// Every mistake in the files, in their order.
    pub fn load(files: &[PathBuf], variables: &dyn Fn(&str) -> Option<String>) -> Result<Mesh, Vec<MeshError>> {
        let mut texts = Vec::new();
        let mut errors = Vec::new();
        for file in files {
            match std::fs::read_to_string(file) {
                Ok(text) => texts.push((Arc::from(file.as_path()), text)),
                Err(error) => {
                    let place = Place::whole(file);
                    errors.push(MeshError::at(&place, format!("cannot read it: {error}")));
                }
            }
        }
        if errors.is_empty() {
            Mesh::read(&texts, variables)
        } else {
            Err(errors)
        }
    }

    /// Reads one text as if it stood in `file`, with no variable set.
    ///
    /// # Errors
    /// Every mistake in the text, in its order.
    pub fn parse(text: &str, file: &Path) -> Result<Mesh, Vec<MeshError>> {
        Mesh::read(&[(Arc::from(file), text.to_owned())], &|_| None)
    }

    fn read(texts: &[(Arc<Path>, String)], variables: &dyn Fn(&str) -> Option<String>) -> Result<Mesh, Vec<MeshError>> {
        let mut reader = Reader {
            variables,
            errors: Vec::new(),
        };
        let mut whole: Option<Node> = None;
        let mut readable = true;
        for (file, text) in texts {
            match (node::parse(text, file, &mut reader.errors), whole.take()) {
                (Some(node), Some(before)) => whole = Some(node::overlay(before, node)),
                (Some(node), None) => whole = Some(node),
                (None, before) => {
                    readable = false;
                    whole = before;
                }
            }
        }
        let mut mesh = None;
        if let (true, Some(root), Some((file, _))) = (readable, &whole, texts.first()) {
            let read = reader.mesh(root, file);
            reader.errors.extend(read.mistakes());
            mesh = Some(read);
        }
        match mesh {
            Some(mesh) if reader.errors.is_empty() => Ok(mesh),
            mesh => {
                let masks = mesh.map(|mesh| mesh.known_masks()).unwrap_or_default();
                Err(without_secrets(in_order(reader.errors, texts), &masks))
            }
        }
    }

    /// A mesh that declares nothing: for features that name nothing of one.
    pub fn empty(folder: PathBuf) -> Mesh {
        Mesh {
            name: String::new(),
            folder,
            bin: None,
            services: IndexMap::new(),
            datastores: IndexMap::new(),
            brokers: IndexMap::new(),
            buckets: IndexMap::new(),
            partners: IndexMap::new(),
            ledgers: IndexMap::new(),
            roles: IndexMap::new(),
            secrets: Vec::new(),
            redact: Vec::new(),
        }
    }

    /// What `name` stands for.
    pub fn kind(&self, name: &str) -> Option<Kind> {
        if BUILT_INS.contains(&name) {
            return Some(Kind::BuiltIn);
        }
        let thing = self.things().find(|(other, _, _)| *other == name);
        thing
            .map(|(_, kind, _)| kind)
            .or_else(|| self.topic(name).map(|_| Kind::Topic))
    }

    /// A topic and the name of its broker.
    pub fn topic(&self, name: &str) -> Option<(&str, &Topic)> {
        let mut topics = self.all_topics();
        topics
            .find(|(_, other, _)| *other == name)
            .map(|(broker, _, topic)| (broker, topic))
    }

    /// The name of one of these kinds that `name` is most likely a slip of.
    pub fn suggest(&self, name: &str, kinds: &[Kind]) -> Option<String> {
        let things = self.things().map(|(name, kind, _)| (name, kind));
        let topics = self.all_topics().map(|(_, name, _)| (name, Kind::Topic));
        let built_ins = BUILT_INS.iter().map(|name| (*name, Kind::BuiltIn));
        let candidates = things
            .chain(topics)
            .chain(built_ins)
            .filter(|(_, kind)| kinds.contains(kind))
            .map(|(name, _)| name);
        nearest::nearest(name, candidates).map(str::to_owned)
    }

    /// The names of these kinds that the files declare, in the files' order.
    pub fn names(&self, kinds: &[Kind]) -> Vec<&str> {
        let things = self.things().map(|(name, kind, _)| (name, kind));
        let topics = self.all_topics().map(|(_, name, _)| (name, Kind::Topic));
        let all = things.chain(topics).filter(|(_, kind)| kinds.contains(kind));
        all.map(|(name, _)| name).collect()
    }

    /// Everything in the one namespace that the files declare, and where.
    fn things(&self) -> impl Iterator<Item = (&str, Kind, &Place)> {
        let services = self.services.iter();
        let services = services.map(|(name, it)| (name.as_str(), Kind::Service, &it.place));
        let datastores = self.datastores.iter();
        let datastores = datastores.map(|(name, it)| (name.as_str(), Kind::Datastore, &it.place));
        let brokers = self.brokers.iter();
        let brokers = brokers.map(|(name, it)| (name.as_str(), Kind::Broker, &it.place));
        let buckets = self.buckets.iter();
        let buckets = buckets.map(|(name, it)| (name.as_str(), Kind::Bucket, &it.place));
        let partners = self.partners.iter();
        let partners = partners.map(|(name, it)| (name.as_str(), Kind::Partner, &it.place));
        let ledgers = self.ledgers.iter();
        let ledgers = ledgers.map(|(name, it)| (name.as_str(), Kind::Ledger, &it.place));
        let roles = self.roles.iter();
        let roles = roles.map(|(name, it)| (name.as_str(), Kind::Role, &it.place));
        let data = datastores.chain(brokers).chain(buckets);
        services.chain(data).chain(partners).chain(ledgers).chain(roles)
    }

    /// Every topic, behind the name of its broker.
    fn all_topics(&self) -> impl Iterator<Item = (&str, &str, &Topic)> {
        self.brokers.iter().flat_map(|(broker, it)| {
            let topics = it.topics.iter();
            topics.map(move |(name, topic)| (broker.as_str(), name.as_str(), topic))
        })
    }
}

/// The mistakes without what must not be told.
fn without_secrets(mut errors: Vec<MeshError>, masks: &Masks) -> Vec<MeshError> {
    for error in &mut errors {
        error.message = masks.text(&error.message).into_owned();
        for text in [&mut error.hint, &mut error.excerpt].into_iter().flatten() {
            *text = masks.text(text).into_owned();
        }
    }
    errors
}

/// By file and place, each with its source line.
fn in_order(mut errors: Vec<MeshError>, texts: &[(Arc<Path>, String)]) -> Vec<MeshError> {
    let index = |error: &MeshError| texts.iter().position(|(file, _)| *file == error.file);
    for error in &mut errors {
        let text = index(error).map(|index| texts[index].1.as_str());
        let line = text.and_then(|text| text.lines().nth(error.line.checked_sub(1)?));
        error.excerpt = line.map(str::to_owned);
    }
    errors.sort_by_key(|error| (index(error), error.line, error.column));
    errors
}

#[cfg(test)]
mod tests;
