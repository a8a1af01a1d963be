//! The real Kafka broker, on the installed Java.

mod authorizer;
pub mod conversation;
mod credential;
mod distribution;
mod groups;
mod ports;
mod ready;
mod topics;

use std::{
    fs, io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use momus_proxies::kafka::Credential;

use self::conversation::Conversation;
pub use self::distribution::Distribution;
pub use self::ports::Ports;
pub use self::topics::{NewTopic, Unmade};
use super::{ServerError, folder_error, programs::copy_tree};
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

/// Whether a broker keeps access control lists.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lists {
    Kept,
    /// It says that it has none, as one does that many share.
    None,
}

/// A running broker, a single node.
#[derive(Debug)]
pub struct KafkaServer {
    child: Child,
    tail: Tail,
    ports: Ports,
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
        Self::start_on(guardian, cache, name, progress, Ports::free).await
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
        Self::start_with(guardian, &distribution, &folder, &[], Lists::None, draw).await
    }

    /// As [`start`](Self::start), from what is on this machine already, a broker that one sandbox has for itself.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_from(guardian: &Guardian, distribution: &Distribution, name: &str) -> Result<Self, ServerError> {
        let folder = guardian.run_folder().join(name);
        Self::start_with(guardian, distribution, &folder, &[], Lists::Kept, Ports::free).await
    }

    /// Starts a broker in `folder`, on a JVM with these flags as well.
    async fn start_with(
        guardian: &Guardian,
        distribution: &Distribution,
        folder: &Path,
        flags: &[String],
        lists: Lists,
        mut draw: impl FnMut() -> io::Result<Ports>,
    ) -> Result<Self, ServerError> {
        let mut tries = 1;
        loop {
            let ports = draw().map_err(ServerError::Port)?;
            match Self::start_once(guardian, distribution, folder, flags, lists, ports).await {
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
        guardian: &Guardian,
        distribution: &Distribution,
        folder: &Path,
        flags: &[String],
        lists: Lists,
        ports: Ports,
    ) -> Result<Self, ServerError> {
        remove_tree(folder).map_err(folder_error(folder))?;
        fs::create_dir_all(folder).map_err(folder_error(folder))?;
        let data = folder.join("data");
        copy_tree(&distribution.formatted, &data, None).map_err(folder_error(&data))?;
        let properties = folder.join("server.properties");
        let credential = credential::draw();
        let mut text = distribution::properties(&data, ports) + &credential::listeners(&credential);
        if lists == Lists::Kept {
            text += &authorizer::properties(&credential);
        }
        credential::write(&properties, &text).map_err(folder_error(&properties))?;
        let mut command = distribution.broker(&properties).working_dir(folder);
        command.arguments.splice(0..0, flags.iter().cloned());
        let (child, output) = guardian.spawn(command.label("kafka")).await?;
        let server = Self {
            child,
            tail: output.into_tail(),
            ports,
            credential,
            folder: folder.to_owned(),
        };
        server.until_ready().await
    }

    /// Waits until the broker names itself in an answer, watching the process.
    async fn until_ready(self) -> Result<Self, ServerError> {
        let address = self.address();
        let ready = tokio::time::timeout(START_LIMIT, ready::until_serving(&address, &self.credential));
        tokio::select! {
            biased;
            exit = self.child.exited() => {
                self.tail.complete().await;
                Err(ServerError::Died { server: SERVER, exit, output: self.tail.to_string() })
            }
            in_time = ready => match in_time {
                Ok(()) => {
                    self.prepare_groups();
                    Ok(self)
                }
                Err(_) => {
                    self.child.kill().await;
                    Err(ServerError::NotReady {
                        server: SERVER,
                        seconds: START_LIMIT.as_secs(),
                        output: self.tail.to_string(),
                    })
                }
            },
        }
    }

    /// Where clients connect: host and port of the broker itself. It takes only those that have the credential.
    #[must_use]
    pub fn address(&self) -> String {
        on_loopback(self.ports.broker)
    }

    /// Where clients connect that have no credential, if there is such a port.
    #[must_use]
    pub fn open_address(&self) -> Option<String> {
        self.ports.open.map(on_loopback)
    }

    /// The ports that it listens on.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// What it asks of whoever connects, drawn for this server.
    #[must_use]
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// A conversation with it.
    async fn converse(&self) -> io::Result<Conversation> {
        Conversation::open_as(&self.credential, &self.address()).await
    }

    /// The broker's process.
    #[must_use]
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// The last lines that it wrote: its errors.
    #[must_use]
    pub fn tail(&self) -> String {
        self.tail.to_string()
    }

    /// The last lines that it wrote, as they come.
    #[must_use]
    pub fn output(&self) -> &Tail {
        &self.tail
    }

    /// Waits for its end; a broker that ends unasked has died.
    pub async fn exited(&self) -> Exit {
        self.child.exited().await
    }

    /// Ends it at once, and removes its data.
    ///
    /// # Errors
    /// When its folder cannot be removed.
    pub async fn stop(&self) -> Result<(), ServerError> {
        let _ = self.child.signal(Signal::KILL).await;
        self.child.exited().await;
        remove_tree(&self.folder).map_err(folder_error(&self.folder))
    }
}

fn on_loopback(port: u16) -> String {
    format!("{}:{port}", Ipv4Addr::LOCALHOST)
}

/// The broker did not do what was asked of it.
fn refused(action: &str, error: &io::Error) -> ServerError {
    ServerError::Refused {
        server: SERVER,
        action: action.to_owned(),
        reason: error.to_string(),
    }
}
