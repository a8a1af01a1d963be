//! The test client's eye on a bucket: what is listed, and what was read, each version of an object once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::TryStreamExt;
use momus_engine::event::Happening;
use momus_engine::failure::{Failure, StepError};
use momus_engine::timeline::Timeline;
use momus_engine::world::World;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{HttpClient, HttpConnector};
use object_store::path::Path;
use object_store::{ClientOptions, Error, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig};

use super::line::{GZIP, Line, Unreadable, content, lines, whole};
use crate::selection::{Place, Subject};

/// For so long one request may take.
const LONGEST_REQUEST: Duration = Duration::from_secs(10);
/// The test client lists no more objects.
const MOST_OBJECTS: usize = 10_000;
/// The test client reads no more bytes at a look, inflated.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// Within so long an object can be written again and still look the same: stores that tell no ETag in a listing tell
/// times by the second.
const RACY: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// The buckets that a scenario has looked at.
#[derive(Default)]
struct Buckets(HashMap<String, Arc<Bucket>>);

/// A bucket as the test client reaches it.
pub struct Bucket {
    name: String,
    store: AmazonS3,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What was listed last under each prefix.
    listed: HashMap<String, Vec<Object>>,
    /// What was read of each object.
    read: HashMap<String, Content>,
}

/// An object as a listing tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its name (S3's key).
    pub name: String,
    version: Version,
}

/// What changes when an object is written again.
#[derive(Clone, Debug, PartialEq)]
struct Version {
    size: u64,
    e_tag: Option<String>,
    modified: jiff::Timestamp,
}

/// What one version of an object holds.
#[derive(Clone)]
pub struct Content {
    version: Version,
    /// Whether another version could not look the same.
    certain: bool,
    bytes: u64,
    /// Whether it is compressed with gzip.
    pub packed: bool,
    /// Its lines.
    pub lines: Vec<Arc<Line>>,
    /// All of it, where that is one value of JSON.
    pub whole: Option<Arc<Line>>,
}

/// Connects to the edge itself, whatever proxy the user's environment names.
#[derive(Debug)]
struct Direct;

impl HttpConnector for Direct {
    fn connect(&self, _options: &ClientOptions) -> Result<HttpClient, Error> {
        // Another part of the process may have installed one already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .user_agent("momus")
            .tls_certs_only([])
            .no_proxy()
            .timeout(LONGEST_REQUEST)
            .build();
        client.map(HttpClient::new).map_err(|error| Error::Generic {
            store: "S3",
            source: Box::new(error),
        })
    }
}

/// The bucket of this name.
///
/// # Errors
/// When the test client has no way to it.
pub fn bucket(world: &mut World, name: &str) -> Result<Arc<Bucket>, StepError> {
    if let Some(bucket) = world.state.get_or_default::<Buckets>().0.get(name) {
        return Ok(Arc::clone(bucket));
    }
    let endpoint = world.client(name)?;
    let retry = RetryConfig {
        max_retries: 2,
        retry_timeout: LONGEST_REQUEST,
        ..RetryConfig::default()
    };
    let store = AmazonS3Builder::new()
        .with_endpoint(endpoint.address.trim_end_matches('/'))
        .with_bucket_name(endpoint.database.as_deref().unwrap_or(name))
        .with_access_key_id(endpoint.user.unwrap_or_default())
        .with_secret_access_key(endpoint.password.unwrap_or_default())
        .with_region("us-east-1")
        .with_virtual_hosted_style_request(false)
        .with_http_connector(Direct)
        .with_retry(retry)
        .build();
    let bucket = Arc::new(Bucket {
        name: name.to_owned(),
        store: store.map_err(|error| unreadable(name, &error.to_string()))?,
        state: Mutex::default(),
    });
    let buckets = world.state.get_or_default::<Buckets>();
    buckets.0.insert(name.to_owned(), Arc::clone(&bucket));
    Ok(bucket)
}

impl Bucket {
    /// The objects whose names begin with a prefix, in the order of their names; what changed since the last look is
    /// recorded.
    ///
    /// # Errors
    /// Unknown, when the bucket cannot be listed, or holds more than 10,000 of them.
    pub async fn list(&self, timeline: &Timeline, prefix: &str) -> Result<Vec<Object>, StepError> {
        // The store lists whole folders; the prefix may end within a name.
        let folder = prefix
            .rsplit_once('/')
            .map(|(folder, _)| Path::parse(folder))
            .transpose();
        let folder = folder.map_err(|error| Failure::failed(format!("`{prefix}` is no prefix of objects: {error}")))?;
        let mut names = self.store.list(folder.as_ref());
        let mut objects = Vec::new();
        while let Some(found) = names.try_next().await.map_err(|error| self.unreadable(&error))? {
            if !found.location.as_ref().starts_with(prefix) {
                continue;
            }
            if objects.len() == MOST_OBJECTS {
                let why = format!("more than {MOST_OBJECTS} objects are under `{prefix}`, and it lists no more");
                return Err(unreadable(&self.name, &why));
            }
            objects.push(Object::of(found));
        }
        objects.sort_by(|one, other| one.name.cmp(&other.name));
        let before = self.state().listed.insert(prefix.to_owned(), objects.clone());
        if before.as_ref() != Some(&objects) {
            timeline.record(Happening::Objects {
                bucket: self.name.clone(),
                names: objects.iter().map(|object| object.name.clone()).collect(),
            });
        }
        Ok(objects)
    }

    /// The lines of these objects, by object; one that is gone by now has none.
    ///
    /// # Errors
    /// When an object is broken gzip; unknown, when one cannot be read, or all together are larger than 64 MiB.
    pub async fn lines(&self, objects: &[Object]) -> Result<Vec<(Object, Vec<Arc<Line>>)>, StepError> {
        let contents = self.contents(objects).await?.into_iter();
        Ok(contents.map(|(object, content)| (object, content.lines)).collect())
    }

    /// What these objects hold, by object; one that is gone by now holds nothing.
    ///
    /// # Errors
    /// As [`Bucket::lines`].
    pub async fn contents(&self, objects: &[Object]) -> Result<Vec<(Object, Content)>, StepError> {
        let (mut all, mut left) = (Vec::new(), MOST_BYTES);
        for object in objects {
            let content = self.content(object, left).await?;
            left = left.saturating_sub(content.bytes);
            all.push((object.clone(), content));
        }
        Ok(all)
    }

    async fn content(&self, object: &Object, most: u64) -> Result<Content, StepError> {
        let Object { name, version } = object;
        let known = self.state().read.get(name).cloned();
        if let Some(known) = known.filter(|known| known.certain && known.version == *version) {
            return Ok(known);
        }
        if version.size > most {
            return Err(self.too_large(name));
        }
        let begun = jiff::Timestamp::now();
        let bytes = match self.read(name).await {
            Ok(bytes) => bytes,
            Err(Error::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(self.unreadable(&error)),
        };
        let packed = bytes.starts_with(GZIP);
        let content = content(&bytes, most);
        let content = content.map_err(|unreadable| match unreadable {
            Unreadable::TooLarge => self.too_large(name),
            Unreadable::Broken(why) => {
                let bucket = &self.name;
                Failure::failed(format!(
                    "object {name} of bucket {bucket} is not whole: it begins as gzip, but {why}"
                ))
            }
        })?;
        let content = Content {
            version: version.clone(),
            certain: version.e_tag.is_some() || begun.duration_since(version.modified) > RACY,
            bytes: content.len() as u64,
            packed,
            lines: lines(name, &content),
            whole: whole(name, &content),
        };
        self.state().read.insert(name.clone(), content.clone());
        Ok(content)
    }

    async fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let path = Path::parse(name)?;
        Ok(self.store.get(&path).await?.bytes().await?.to_vec())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn too_large(&self, object: &str) -> StepError {
        let most = MOST_BYTES / 1024 / 1024;
        let why = format!("with {object} it would read more than {most} MiB, inflated");
        unreadable(&self.name, &why).hint("a longer prefix leaves out what does not matter")
    }

    fn unreadable(&self, error: &Error) -> StepError {
        unreadable(&self.name, &error.to_string())
    }
}

fn unreadable(bucket: &str, why: &str) -> StepError {
    Failure::unknown(format!("the test client cannot read bucket {bucket}: {why}"))
}

impl Object {
    /// When it was written last, as the store tells it: some tell seconds alone.
    pub fn modified(&self) -> jiff::Timestamp {
        self.version.modified
    }

    fn of(listed: ObjectMeta) -> Self {
        let modified = listed.last_modified.timestamp_nanos_opt().unwrap_or_default();
        Self {
            name: listed.location.to_string(),
            version: Version {
                size: listed.size,
                e_tag: listed.e_tag,
                modified: jiff::Timestamp::from_nanosecond(modified.into()).unwrap_or_default(),
            },
        }
    }
}

impl Subject for Object {
    fn read(&self, _place: &Place) -> Vec<serde_json::Value> {
        Vec::new()
    }

    fn shown(&self) -> String {
        format!("{} ({} bytes)", self.name, self.version.size)
    }

    fn absence(&self, _place: &Place) -> String {
        "absent: the object has no lines".to_owned()
    }
}
