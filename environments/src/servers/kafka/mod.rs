//! The real Kafka broker, on the installed Java.

mod authorizer;
mod cluster;
pub mod conversation;
mod credential;
mod distribution;
mod groups;
mod node;
mod ports;
mod ready;
mod topics;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{join_all, select_all},
};
use momus_proxies::kafka::Credential;

use self::conversation::Conversation;
pub use self::distribution::Distribution;
pub use self::node::Node;
use self::node::{Seat, on_loopback};
pub use self::ports::Ports;
pub use self::topics::{NewTopic, Unmade};
use super::{ServerError, folder_error};
use crate::{
    cache::{Cache, Progress},
    guardian::{Child, Exit, Guardian, Signal, Tail, remove_tree},
};

const SERVER: &str = "Kafka";
/// How long a broker may take until it is ready.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How often a broker is started on other ports when one of its own was taken meanwhile.
const PORT_TRIES: usize = 5;
/// What the JVM calls a port that is taken, and Kafka around it.
const PORT_TAKEN: [&str; 2] = ["Address already in use", "java.net.BindException"];

/// As what a broker is started.
#[derive(Clone, Copy)]
struct Form<'f> {
    nodes: usize,
    /// Flags of its JVMs.
    flags: &'f [String],
    /// Whether it keeps access control lists: one that many share says that it has none.
    lists: bool,
}

impl Form<'_> {
    /// One that many sandboxes share.
    fn shared(nodes: usize) -> Self {
        Self {
            nodes,
            flags: &[],
            lists: false,
        }
    }
}

/// A running broker: a node, or a cluster of several.
#[derive(Debug)]
pub struct KafkaServer {
    /// The controller as well.
    first: Node,
    others: Vec<Node>,
    credential: Credential,
    folder: PathBuf,
}

impl KafkaServer {
    /// What this machine lacks to have a broker at all, told without starting anything.
    #[must_use]
    pub fn lacking(cache: &Cache) -> Option<ServerError> {
        Distribution::lacking(cache)
    }

    /// Starts a broker in the folder `name` of the run's and waits until it serves. The first time on a machine it is fetched, formatted and
    /// archived, each told through `progress`.
    ///
    /// # Errors
    /// [`ServerError::is_absence`] when Java or Maven lacks or the broker cannot be fetched; others when it does not start.
    pub async fn start(
        guardian: &Guardian,
        cache: &Cache,
        name: &str,
        progress: &Progress,
    ) -> Result<Self, ServerError> {
        Self::start_nodes(guardian, cache, name, 1, progress).await
    }

    /// As [`start`](Self::start), of so many nodes, at least one. Several replicate what is written; of three or more, one may die
    /// that is not the first, which is the controller.
    ///
    /// # Errors
    /// As those of `start`.
    pub async fn start_nodes(
        guardian: &Guardian,
        cache: &Cache,
        name: &str,
        nodes: usize,
        progress: &Progress,
    ) -> Result<Self, ServerError> {
        let distribution = Distribution::get(guardian, cache, progress).await?;
        let folder = guardian.run_folder().join(name);
        Self::start_with(guardian, &distribution, &folder, Form::shared(nodes), Ports::free).await
    }

    /// As [`start`](Self::start), on the ports that `draw` gives; asked again when one was taken meanwhile.
    ///
    /// # Errors
    /// As those of `start`, and those of `draw`.
    pub async fn start_on(
        guardian: &Guardian,
        cache: &Cache,
        name: &str,
        progress: &Progress,
        draw: impl FnMut() -> io::Result<Ports>,
    ) -> Result<Self, ServerError> {
        let distribution = Distribution::get(guardian, cache, progress).await?;
        let folder = guardian.run_folder().join(name);
        Self::start_with(guardian, &distribution, &folder, Form::shared(1), draw).await
    }

    /// As [`start_nodes`](Self::start_nodes), from what is on this machine already, a broker that one sandbox has for itself.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_from(
        guardian: &Guardian,
        distribution: &Distribution,
        name: &str,
        nodes: usize,
    ) -> Result<Self, ServerError> {
        let folder = guardian.run_folder().join(name);
        let form = Form {
            lists: true,
            ..Form::shared(nodes)
        };
        Self::start_with(guardian, distribution, &folder, form, Ports::free).await
    }

    /// Starts a broker of this form in `folder`.
    async fn start_with(
        guardian: &Guardian,
        distribution: &Distribution,
        folder: &Path,
        form: Form<'_>,
        mut draw: impl FnMut() -> io::Result<Ports>,
    ) -> Result<Self, ServerError> {
        let mut tries = 1;
        loop {
            let ports = (0..form.nodes.max(1)).map(|_| draw()).collect::<io::Result<Vec<_>>>();
            let ports = ports.map_err(ServerError::Port)?;
            match Self::start_once((guardian, distribution), folder, form, &ports).await {
                Err(ServerError::Died { output, .. })
                    if tries < PORT_TRIES && PORT_TAKEN.iter().any(|sign| output.contains(sign)) =>
                {
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    async fn start_once(
        (guardian, distribution): (&Guardian, &Distribution),
        folder: &Path,
        form: Form<'_>,
        ports: &[Ports],
    ) -> Result<Self, ServerError> {
        remove_tree(folder).map_err(folder_error(folder))?;
        fs::create_dir_all(folder).map_err(folder_error(folder))?;
        let credential = credential::draw();
        let from = (guardian, distribution);
        let [first, others @ ..] = ports else {
            return Err(ServerError::Port(io::ErrorKind::AddrNotAvailable.into()));
        };
        let seat = |id| Seat {
            id,
            of: ports.len(),
            controller: first.controller,
        };
        let mut server = Self {
            first: Node::start(from, folder, seat(1), *first, form, &credential).await?,
            others: Vec::new(),
            credential,
            folder: folder.to_owned(),
        };
        for (ports, id) in others.iter().zip(2..) {
            match Node::start(from, folder, seat(id), *ports, form, &server.credential).await {
                Ok(node) => server.others.push(node),
                Err(error) => {
                    server.kill().await;
                    return Err(error);
                }
            }
        }
        server.until_ready().await
    }

    /// Waits until each node names all of them in an answer, watching the processes.
    async fn until_ready(self) -> Result<Self, ServerError> {
        let count = self.nodes().count();
        let serving = self
            .nodes()
            .map(|node| async { ready::until_serving(&node.address(), &self.credential, count).await });
        let error = tokio::select! {
            biased;
            (node, exit) = self.first_end() => {
                node.output().complete().await;
                ServerError::Died { server: SERVER, exit, output: node.output().to_string() }
            }
            in_time = tokio::time::timeout(START_LIMIT, join_all(serving)) => match in_time {
                Ok(_) => {
                    self.prepare_groups();
                    return Ok(self);
                }
                Err(_) => ServerError::NotReady {
                    server: SERVER,
                    seconds: START_LIMIT.as_secs(),
                    output: self.nodes().map(|node| node.output().to_string()).collect(),
                },
            },
        };
        self.kill().await;
        Err(error)
    }

    /// Its nodes, in the order of their ids, which begin with 1.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The node that ends first, and how.
    async fn first_end(&self) -> (&Node, Exit) {
        let ends = self
            .nodes()
            .map(|node| node.child().exited().map(move |exit| (node, exit)).boxed());
        select_all(ends).await.0
    }

    async fn kill(&self) {
        join_all(self.nodes().map(|node| node.child().kill())).await;
    }

    /// Where clients connect: host and port of its first node. It takes only those that have the credential.
    #[must_use]
    pub fn address(&self) -> String {
        self.first.address()
    }

    /// Where clients connect that have no credential, if there is such a port.
    #[must_use]
    pub fn open_address(&self) -> Option<String> {
        self.first.ports().open.map(on_loopback)
    }

    /// The ports that its first node listens on.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.first.ports()
    }

    /// What it asks of whoever connects, drawn for this server.
    #[must_use]
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// A conversation with its first node.
    async fn converse(&self) -> io::Result<Conversation> {
        self.converse_with(&self.first).await
    }

    /// A conversation with one of its nodes.
    async fn converse_with(&self, node: &Node) -> io::Result<Conversation> {
        Conversation::open_as(&self.credential, &node.address()).await
    }

    /// The process of its first node.
    #[must_use]
    pub fn child(&self) -> &Child {
        self.first.child()
    }

    /// The last lines that its first node wrote: its errors.
    #[must_use]
    pub fn tail(&self) -> String {
        self.output().to_string()
    }

    /// The last lines that its first node wrote, as they come.
    #[must_use]
    pub fn output(&self) -> &Tail {
        self.first.output()
    }

    /// Waits for the end of a node; a broker one of which ends unasked has died.
    pub async fn exited(&self) -> Exit {
        self.first_end().await.1
    }

    /// Ends it at once, and removes its data.
    ///
    /// # Errors
    /// When its folder cannot be removed.
    pub async fn stop(&self) -> Result<(), ServerError> {
        // All at once: one that outlives another has a broker to miss.
        join_all(self.nodes().map(|node| node.child().signal(Signal::KILL))).await;
        join_all(self.nodes().map(|node| node.child().exited())).await;
        remove_tree(&self.folder).map_err(folder_error(&self.folder))
    }
}

/// The broker did not do what was asked of it.
fn refused(action: &str, error: &io::Error) -> ServerError {
    ServerError::Refused {
        server: SERVER,
        action: action.to_owned(),
        reason: error.to_string(),
    }
}
