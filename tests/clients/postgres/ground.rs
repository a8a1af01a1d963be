//! One real server for all of the tables, with a database for each run of a client.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use momus_engine::timeline::{Clock, Timeline};
use momus_environments::cache::{Cache, Progress};
use momus_environments::guardian::{Guardian, Launcher, RunId};
use momus_environments::servers::postgres::PostgresServer;
use momus_proxies::edge::{Databases, Edge, Protocol, Upstream};
use tokio::process::Command;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::tap::{Tap, To};
use crate::program;
use crate::table::Said;
use crate::tools::programs;
use crate::trust::Trust;

/// The database, as clients know it.
const DATABASE: &str = "shop-db";

/// How long the end of a session may take to come through.
const SOON: Duration = Duration::from_secs(20);

/// The server, on a runtime of its own: each test has another, and the guardian ends what it started with its own.
static SERVER: LazyLock<(Runtime, Guardian, PostgresServer)> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let (guardian, server) = runtime.block_on(async {
        let cache = Cache::of_user().unwrap();
        let launcher = Launcher {
            program: env!("CARGO_BIN_EXE_momus").into(),
            arguments: vec!["guardian".into()],
        };
        let guardian = Guardian::start(&launcher, &cache, RunId::random()).await.unwrap();
        let aloud: Progress = Arc::new(|text| eprintln!("{text}"));
        let server = PostgresServer::start(&guardian, &cache, "postgres", &aloud).await;
        let (server, files) = (server.unwrap(), [programs().join("shop.sql")]);
        server.create_template("shop", &files).await.unwrap();
        (guardian, server)
    });
    (runtime, guardian, server)
});

async fn server() -> &'static PostgresServer {
    tokio::task::spawn_blocking(|| &SERVER.2).await.unwrap()
}

/// A new clone of the database, made on the server's own runtime, as its connections live there.
async fn clone() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("s{} shop", NEXT.fetch_add(1, Ordering::Relaxed));
    let (server, clone) = (server().await, name.clone());
    let cloned = SERVER
        .0
        .spawn(async move { server.clone_template("shop", &clone).await });
    cloned.await.unwrap().unwrap();
    name
}

/// A program's way to a database of its own.
pub struct Way<'t> {
    pub url: String,
    /// Who is to be trusted, where TLS ends at the edge.
    pub trust: Option<&'t Trust>,
    tap: Tap,
    _edge: Option<Edge>,
}

impl<'t> Way<'t> {
    /// To the server itself.
    pub async fn direct() -> Self {
        let (database, socket) = (clone().await, server().await.socket());
        let tap = Tap::open(To::Socket(socket)).await;
        Self {
            url: url(&tap.address.to_string(), &database, "sslmode=disable"),
            trust: None,
            tap,
            _edge: None,
        }
    }

    /// Through an edge, in a sandbox of its own.
    pub async fn proxied() -> Self {
        let (protocol, timeline) = sandbox().await;
        let upstream = Upstream::Unix(server().await.socket());
        let edge = Edge::listen("shop", DATABASE, upstream, protocol, timeline).await;
        let edge = edge.unwrap();
        let tap = Tap::open(To::Edge(edge.address())).await;
        Self {
            url: url(&tap.address.to_string(), DATABASE, "sslmode=disable"),
            trust: None,
            tap,
            _edge: Some(edge),
        }
    }

    /// Through an edge at which TLS ends, in a sandbox of its own. What passes is seen behind the edge.
    pub async fn within(trust: &'t Trust) -> Self {
        let (protocol, timeline) = sandbox().await;
        let tap = Tap::open(To::Socket(server().await.socket())).await;
        let (upstream, identity) = (Upstream::Tcp(tap.address), trust.identity(DATABASE));
        let edge = Edge::listen_tls("shop", DATABASE, upstream, protocol, &identity, timeline).await;
        let edge = edge.unwrap();
        let address = format!("localhost:{}", edge.address().port());
        let parameters = format!("sslmode=verify-full&sslrootcert={}", trust.pem().display());
        Self {
            url: url(&address, DATABASE, &parameters),
            trust: Some(trust),
            tap,
            _edge: Some(edge),
        }
    }

    /// What a client said, once all its sessions have ended, too.
    pub async fn ended(&self, said: Said) -> Said {
        match timeout(SOON, self.tap.ended()).await {
            Ok(()) => said,
            Err(_) => said.and_then(|said| Err(format!("a session of it does not end: {said}"))),
        }
    }

    /// The messages that were seen, each once, in the order of its first time.
    pub fn wire(&self) -> Vec<String> {
        self.tap.seen()
    }

    /// What a program says, if it ends well and in time.
    pub async fn said(&self, mut command: Command) -> Said {
        command.env_remove("PGSERVICE").env("PGAPPNAME", "a client");
        if let Some(trust) = self.trust {
            trust.tell(&mut command);
        }
        program::said(&mut command).await
    }
}

/// What an edge does in a new sandbox, and what is told of it.
async fn sandbox() -> (Protocol, Timeline) {
    let database = clone().await;
    let timeline = Timeline::new(Clock::start(), 0, database.as_str());
    let databases = Databases {
        clones: BTreeMap::from([(DATABASE.to_owned(), database)]),
        ..Databases::default()
    };
    (Protocol::Postgres(databases), timeline)
}

fn url(address: &str, database: &str, parameters: &str) -> String {
    let (user, password) = (SERVER.2.superuser(), SERVER.2.password());
    let database = database.replace(' ', "%20");
    format!("postgres://{user}:{password}@{address}/{database}?{parameters}")
}
