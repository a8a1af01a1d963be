//! A real Postgres server, on a Unix socket of the run's own.

mod binaries;
mod cluster;
mod databases;
mod statements;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

pub use self::statements::SqlError;
use self::{binaries::Binaries, databases::Admin};
use super::{ServerError, folder_error, programs::copy_tree};
use crate::{
    cache::{Cache, Progress},
    guardian::{Child, Command, Exit, Guardian, Signal, Tail, remove_tree},
};

const SERVER: &str = "Postgres";
const SUPERUSER: &str = "momus";
/// The oldest version that can do what is needed (DROP DATABASE … WITH (FORCE) came with it).
const OLDEST: u32 = 13;
/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Settings of a server whose data nobody keeps: it need not survive a crash of the machine, and leaves nothing outside its folder.
const SETTINGS: [&str; 17] = [
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "max_connections=500",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "wal_level=logical",
    "max_wal_senders=64",
    "max_replication_slots=64",
    "max_prepared_transactions=64",
    "max_wal_size=1GB",
    "checkpoint_timeout=30min",
    // Shared memory as files of its folder, not of /dev/shm, where a killed server would leave them.
    "dynamic_shared_memory_type=mmap",
    "password_encryption=scram-sha-256",
    "timezone=UTC",
    "log_timezone=UTC",
];
/// Until the superuser has its password, the closed folder alone guards the socket.
const OPEN_ACCESS: &str = "local all all trust\n";
const ACCESS: &str = "local all all scram-sha-256\nlocal replication all scram-sha-256\n";

/// A running server.
#[derive(Debug)]
pub struct PostgresServer {
    child: Child,
    tail: Tail,
    folder: PathBuf,
    admin: Admin,
    binaries: Binaries,
}

/// What a server left: its data, of which others are started as copies.
#[derive(Clone, Debug)]
pub struct Left {
    binaries: Binaries,
    data: PathBuf,
}

impl PostgresServer {
    /// Starts a server, called `name` in the run, and waits until it answers. The first time on a machine a cluster is prepared, and where
    /// no server is installed one is fetched, each told through `progress`.
    ///
    /// # Errors
    /// [`ServerError::is_absence`] when none is installed and none can be fetched; others when it does not start.
    pub async fn start(
        guardian: &Guardian,
        cache: &Cache,
        name: &str,
        progress: &Progress,
    ) -> Result<Self, ServerError> {
        let binaries = Binaries::get(guardian, cache, progress).await?;
        if binaries.major() < OLDEST {
            let reason = format!("`{}` is older than {OLDEST}", binaries.version);
            return Err(ServerError::Refused {
                server: SERVER,
                action: "start".into(),
                reason,
            });
        }
        let data = cluster::template(guardian, cache, &binaries, progress).await?;
        Self::start_from(guardian, name, Left { binaries, data }).await
    }

    /// Starts a server, called `name` in the run, on a copy of what another one left ([`leave`](Self::leave)), and waits until it
    /// answers.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_from(guardian: &Guardian, name: &str, left: Left) -> Result<Self, ServerError> {
        let Left { binaries, data: from } = left;
        let folder = cluster::folder(guardian, name).await?;
        let programs = cluster::reachable(binaries.clone(), &folder)?.folder;
        let data = folder.join("data");
        let to = data.clone();
        let copied = guardian
            .in_folders(move || copy_tree(&from, &to, cluster::user()))
            .await;
        copied.map_err(folder_error(&data))?;
        let access = folder.join("pg_hba.conf");
        fs::write(&access, OPEN_ACCESS).map_err(folder_error(&access))?;
        let mut command = Command::new(programs.join("postgres"))
            .argument("-D")
            .argument(&data)
            .argument("-c")
            .argument(format!("unix_socket_directories={}", folder.display()))
            .argument("-c")
            .argument(format!("hba_file={}", access.display()))
            .variable("PATH", "/usr/bin:/bin")
            .variable("TMPDIR", folder.display().to_string())
            .working_dir(&folder)
            .user(cluster::user())
            // A server that ends by itself gives its System V segment back, a killed one does not.
            .farewell(Signal::QUIT)
            .label(name);
        for setting in SETTINGS {
            command = command.argument("-c").argument(setting);
        }
        let (child, output) = guardian.spawn(command).await?;
        let tail = output.into_tail();
        let admin = Admin::new(&folder, SUPERUSER, &uuid::Uuid::new_v4().simple().to_string());
        let server = Self {
            child,
            tail,
            folder,
            admin,
            binaries,
        };
        match server.open(&access).await {
            Ok(()) => Ok(server),
            Err(error) => {
                // The first error is the one to tell.
                drop(server.stop().await);
                Err(error)
            }
        }
    }

    /// Waits until it is ready, and lets nobody in any more without a password.
    async fn open(&self, access: &Path) -> Result<(), ServerError> {
        self.until_ready().await?;
        fs::write(access, ACCESS).map_err(folder_error(access))?;
        let reload = "SELECT pg_reload_conf()";
        self.admin.execute("read its access rules", reload).await
    }

    /// Waits until the superuser has its password, watching the process.
    async fn until_ready(&self) -> Result<(), ServerError> {
        let ready = tokio::time::timeout(START_LIMIT, self.admin.until_ready());
        tokio::select! {
            biased;
            exit = self.child.exited() => Err(self.died(exit).await),
            in_time = ready => match in_time {
                Ok(result) => result,
                Err(_) => {
                    self.child.kill().await;
                    let seconds = START_LIMIT.as_secs();
                    Err(ServerError::NotReady { server: SERVER, seconds, output: self.tail.to_string() })
                }
            },
        }
    }

    /// That it ended so, with the last that it wrote.
    async fn died(&self, exit: Exit) -> ServerError {
        self.tail.complete().await;
        ServerError::Died {
            server: SERVER,
            exit,
            output: self.tail.to_string(),
        }
    }

    /// The path of its Unix socket. libpq and its like want the folder that it lies in, and port 5432.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join(cluster::SOCKET)
    }

    /// The folder that its socket lies in.
    #[must_use]
    pub fn socket_folder(&self) -> &Path {
        &self.folder
    }

    /// The name of its superuser.
    #[must_use]
    pub fn superuser(&self) -> &str {
        SUPERUSER
    }

    /// The superuser's password, drawn for this server.
    #[must_use]
    pub fn password(&self) -> &str {
        self.admin.password()
    }

    /// What `postgres --version` says.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.binaries.version
    }

    /// Its major version.
    #[must_use]
    pub fn major_version(&self) -> u32 {
        self.binaries.major()
    }

    /// The server's process.
    #[must_use]
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// The last lines that it logged.
    #[must_use]
    pub fn tail(&self) -> String {
        self.tail.to_string()
    }

    /// The last lines that it wrote, as they come.
    #[must_use]
    pub fn output(&self) -> &Tail {
        &self.tail
    }

    /// Waits for its end; a server that ends unasked has died.
    pub async fn exited(&self) -> Exit {
        self.child.exited().await
    }

    /// Ends it at once, and removes its data.
    ///
    /// # Errors
    /// When its folder cannot be removed.
    pub async fn stop(&self) -> Result<(), ServerError> {
        let _ = self.child.signal(Signal::QUIT).await;
        self.child.stop(Duration::from_secs(2)).await;
        remove_tree(&self.folder).map_err(folder_error(&self.folder))
    }

    /// Ends it in order, and leaves its data to be copied.
    ///
    /// # Errors
    /// When it does not end as it is told to.
    pub async fn leave(self) -> Result<Left, ServerError> {
        // A fast shutdown (pg_ctl(1)): it waits for nobody, and what it leaves need not be recovered.
        let _ = self.child.signal(Signal::INT).await;
        match tokio::time::timeout(START_LIMIT, self.child.exited()).await {
            Ok(exit) if exit.success() => Ok(Left {
                data: self.folder.join("data"),
                binaries: self.binaries,
            }),
            Ok(exit) => Err(self.died(exit).await),
            Err(_) => {
                self.child.kill().await;
                Err(ServerError::Refused {
                    server: SERVER,
                    action: "end".into(),
                    reason: format!("it does not within {} s", START_LIMIT.as_secs()),
                })
            }
        }
    }
}
