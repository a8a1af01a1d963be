//! The servers behind a mesh's brokers and datastores: those of a run, which its sandboxes share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures::future::try_join_all;
use momus_engine::event::Happening;
use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Datastore, Isolation, Mesh, Schema};
use momus_engine::run::Teller;
use tokio::sync::watch;

use super::Options;
use super::brokers::{BrokerServer, PreparedBroker};
use crate::cache::Progress;
use crate::guardian::{Child, Exit, Guardian, Tail};
use crate::servers::ServerError;
use crate::servers::postgres::{Left, PostgresServer};

/// What to do when the guardian was killed.
pub(super) const GUARDIAN_HINT: &str = "something killed it from outside (the system, when memory runs out); what it guarded is cleared away when the run ends";

/// Why a server dies, and what that means.
const SHARED_HINT: &str = "it is shared by all scenarios; a machine out of memory or disk is the usual cause";

/// The servers of a run, or those that one sandbox sees.
pub(super) struct Servers {
    pub(super) brokers: BTreeMap<String, Arc<BrokerServer>>,
    /// By datastore. Those of a run have one server together.
    pub(super) postgres: BTreeMap<String, Arc<PostgresServer>>,
    /// Of a run: what the servers are started from that sandboxes have for themselves.
    pub(super) prepared: Prepared,
    /// Of a sandbox: the brokers and datastores that it has a server of its own for.
    pub(super) own: BTreeSet<String>,
    /// True once those of its own are ended with the sandbox: then they do not die unasked.
    pub(super) ended: Arc<AtomicBool>,
    pub(super) died: watch::Receiver<Option<StepError>>,
}

/// What servers are started from that sandboxes have for themselves.
#[derive(Default)]
pub(super) struct Prepared {
    pub(super) brokers: BTreeMap<String, PreparedBroker>,
    /// By datastore.
    pub(super) postgres: BTreeMap<String, Left>,
}

impl Servers {
    /// Whether a sandbox has a server of its own for this broker or datastore.
    pub(super) fn is_own(&self, name: &str) -> bool {
        self.own.contains(name)
    }

    /// Starts the servers that the mesh needs; of these datastores and brokers sandboxes want servers of their own as well.
    pub(super) async fn start(
        mesh: &Mesh,
        wanted: &BTreeSet<String>,
        options: &Options,
        guardian: &Guardian,
        progress: &Progress,
        teller: &Teller,
    ) -> Result<Self, StepError> {
        let is_shared = |isolation| isolation == Isolation::Data;
        let is_own = |name: &String, isolation| !is_shared(isolation) || wanted.contains(name);
        let datastores = || mesh.datastores.iter();
        let shared: Vec<_> = datastores().filter(|(_, it)| is_shared(it.isolation)).collect();
        let own = datastores().filter(|(name, it)| is_own(name, it.isolation));
        let postgres = async {
            match shared.is_empty() {
                true => Ok(BTreeMap::new()),
                false => postgres(&shared, options, guardian, progress, teller).await,
            }
        };
        let prepared = own.map(|(name, datastore)| async move {
            let prepared = prepare(name, datastore, options, guardian, progress).await?;
            Ok::<_, StepError>((name.clone(), prepared))
        });
        let mut prepared_brokers = BTreeMap::new();
        let brokers = || mesh.brokers.iter();
        for (name, _) in brokers().filter(|(name, it)| is_own(name, it.isolation)) {
            let prepared = PreparedBroker::get(name, mesh, options, guardian, progress, teller).await?;
            prepared_brokers.insert(name.clone(), prepared);
        }
        let shared = brokers().filter(|(_, it)| is_shared(it.isolation));
        let brokers = shared.map(|(name, _)| async move {
            let broker = BrokerServer::start(name, mesh, options, guardian, progress, teller).await?;
            Ok::<_, StepError>((name.clone(), Arc::new(broker)))
        });
        let (postgres, prepared, brokers) = tokio::try_join!(postgres, try_join_all(prepared), try_join_all(brokers))?;
        let brokers = brokers.into_iter().collect();
        // All datastores of a run have one server.
        let server = postgres.values().next();
        let server = server.map(|server| mortal_postgres("the Postgres server".to_owned(), server));
        let ended = Arc::default();
        let died = watch_over(mortal_brokers(&brokers).chain(server), SHARED_HINT, &ended);
        Ok(Self {
            brokers,
            postgres,
            prepared: Prepared {
                brokers: prepared_brokers,
                postgres: prepared.into_iter().collect(),
            },
            own: BTreeSet::new(),
            ended,
            died,
        })
    }

    /// Those of a mesh that needs none.
    pub(super) fn none() -> Self {
        Self {
            brokers: BTreeMap::new(),
            postgres: BTreeMap::new(),
            prepared: Prepared::default(),
            own: BTreeSet::new(),
            ended: Arc::default(),
            died: watch_over(std::iter::empty(), SHARED_HINT, &Arc::default()),
        }
    }

    /// Becomes what a server of the run died of, should one die unasked.
    pub(super) fn died(&self) -> watch::Receiver<Option<StepError>> {
        self.died.clone()
    }
}

/// Starts the server for all these datastores, with a template for each.
async fn postgres(
    datastores: &[(&String, &Datastore)],
    options: &Options,
    guardian: &Guardian,
    progress: &Progress,
    teller: &Teller,
) -> Result<BTreeMap<String, Arc<PostgresServer>>, StepError> {
    let began = Instant::now();
    progress("starting Postgres");
    let server = PostgresServer::start(guardian, &options.cache, "postgres", progress).await;
    let server = server.map_err(|error| failure(&error))?;
    told(teller, "postgres", server.version(), began).await;
    try_join_all(
        datastores
            .iter()
            .map(|(name, datastore)| template(&server, name, datastore)),
    )
    .await?;
    let server = Arc::new(server);
    let names = datastores.iter().map(|(name, _)| (*name).clone());
    Ok(names.map(|name| (name, Arc::clone(&server))).collect())
}

async fn template(server: &PostgresServer, name: &str, datastore: &Datastore) -> Result<(), StepError> {
    let files = match datastore.schema.as_deref() {
        Some(Schema::Sql(files)) => files.as_slice(),
        None => &[],
    };
    let made = server.create_template(&template_of(name), files).await;
    let place = datastore
        .schema
        .as_ref()
        .map_or(&datastore.place, |schema| &schema.place);
    let hint = format!("it is the schema of datastore {name}, at {place}");
    made.map_err(|error| failure(&error).hint(hint))
}

/// Makes what the servers are copies of that sandboxes have for this datastore.
async fn prepare(
    name: &str,
    datastore: &Datastore,
    options: &Options,
    guardian: &Guardian,
    progress: &Progress,
) -> Result<Left, StepError> {
    let folder = format!("prepared-{name}");
    let server = PostgresServer::start(guardian, &options.cache, &folder, progress).await;
    let server = server.map_err(|error| failure(&error))?;
    template(&server, name, datastore).await?;
    server.leave().await.map_err(|error| failure(&error))
}

/// The name of the database that a datastore's clones are copies of. A datastore may be called as a database that is there anyway.
pub(super) fn template_of(datastore: &str) -> String {
    format!("template.{datastore}")
}

/// Tells that a server is up.
pub(super) async fn told(teller: &Teller, server: &str, version: &str, began: Instant) {
    let happening = Happening::ServerReady {
        server: server.into(),
        version: version.into(),
        took: began.elapsed(),
    };
    teller.tell(happening).await;
}

/// What may die: who it is, its process, and what it writes.
pub(super) type Mortal = (String, Child, Tail);

/// The nodes of the brokers that are processes.
pub(super) fn mortal_brokers(brokers: &BTreeMap<String, Arc<BrokerServer>>) -> impl Iterator<Item = Mortal> {
    brokers.iter().flat_map(|(name, broker)| {
        let count = broker.nodes().count();
        broker.nodes().zip(1..).map(move |(node, id)| {
            let who = match count {
                1 => format!("the broker {name}"),
                _ => format!("node {id} of the broker {name}"),
            };
            (who, node.child().clone(), node.output().clone())
        })
    })
}

/// A Postgres server, called so.
pub(super) fn mortal_postgres(who: String, server: &PostgresServer) -> Mortal {
    (who, server.child().clone(), server.output().clone())
}

/// Notes when one ends that nobody told to, unless they all are being ended.
pub(super) fn watch_over(
    mortals: impl Iterator<Item = Mortal>,
    hint: &'static str,
    ended: &Arc<AtomicBool>,
) -> watch::Receiver<Option<StepError>> {
    let (sender, died) = watch::channel(None);
    for (who, child, output) in mortals {
        let (sender, ended) = (sender.clone(), Arc::clone(ended));
        tokio::spawn(async move {
            let exit = child.exited().await;
            if ended.load(Ordering::Relaxed) {
                return;
            }
            let failure = match exit {
                Exit::Unknown => {
                    Failure::unknown("the guardian of the run is gone, and the servers with it").hint(GUARDIAN_HINT)
                }
                exit => {
                    output.complete().await;
                    let last = output.to_string();
                    Failure::unknown(format!("{who} died unasked: {exit}"))
                        .hint(hint)
                        .output(last.lines().map(str::to_owned))
                }
            };
            sender.send_if_modified(|died| {
                let first = died.is_none();
                died.get_or_insert(failure);
                first
            });
        });
    }
    died
}

/// A server's error as a failure: what it says after the first line is output.
pub(super) fn failure(error: &ServerError) -> StepError {
    let text = error.to_string();
    let mut lines = text.lines();
    let message = lines.next().unwrap_or_default().to_owned();
    let mut failure = Failure::unknown(message);
    let rest: Vec<String> = lines.map(str::to_owned).collect();
    match rest.last().and_then(|last| last.strip_prefix("hint: ")) {
        Some(hint) => {
            failure.hint = Some(hint.to_owned());
            failure.output = rest[..rest.len() - 1].to_vec();
        }
        None => failure.output = rest,
    }
    failure
}
