//! A real server, with a database for each run of a client.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use momus_engine::timeline::{Clock, Timeline};
use momus_environments::cache::Cache;
use momus_environments::guardian::{Guardian, Launcher, RunId};
use momus_environments::servers::postgres::PostgresServer;
use momus_proxies::edge::{Databases, Edge, Protocol, Upstream};
use tokio::process::Command;

use super::tap::{Tap, To};
use crate::program;
use crate::tools::programs;

/// The database, as clients know it.
pub const DATABASE: &str = "shop-db";

pub struct Ground {
    guardian: Guardian,
    server: PostgresServer,
    clones: AtomicUsize,
}

/// A program's way to a database of its own.
pub struct Way {
    pub url: String,
    pub tap: Tap,
    _edge: Option<Edge>,
}

impl Ground {
    pub async fn prepare() -> Self {
        let cache = Cache::of_user().unwrap();
        let launcher = Launcher {
            program: env!("CARGO_BIN_EXE_momus").into(),
            arguments: vec!["guardian".into()],
        };
        let guardian = Guardian::start(&launcher, &cache, RunId::random()).await.unwrap();
        let aloud = Arc::new(|text: &str| eprintln!("{text}"));
        let server = PostgresServer::start(&guardian, &cache, "postgres", &(aloud as _))
            .await
            .unwrap();
        let files = [programs().join("shop.sql")];
        server.create_template("shop", &files).await.unwrap();
        Self {
            guardian,
            server,
            clones: AtomicUsize::new(0),
        }
    }

    async fn clone(&self) -> String {
        let name = format!("s{} shop", self.clones.fetch_add(1, Ordering::Relaxed));
        self.server.clone_template("shop", &name).await.unwrap();
        name
    }

    fn url(&self, tap: &Tap, database: &str) -> String {
        let (user, password) = (self.server.superuser(), self.server.password());
        let database = database.replace(' ', "%20");
        format!(
            "postgres://{user}:{password}@{}/{database}?sslmode=disable",
            tap.address
        )
    }

    /// To the server itself.
    pub async fn direct(&self) -> Way {
        let database = self.clone().await;
        let tap = Tap::open(To::Socket(self.server.socket())).await;
        Way {
            url: self.url(&tap, &database),
            tap,
            _edge: None,
        }
    }

    /// Through an edge, in a sandbox of its own.
    pub async fn proxied(&self) -> Way {
        let database = self.clone().await;
        let timeline = Timeline::new(Clock::start(), 0, database.as_str());
        let protocol = Protocol::Postgres(Databases {
            clones: BTreeMap::from([(DATABASE.to_owned(), database)]),
            ..Databases::default()
        });
        let upstream = Upstream::Unix(self.server.socket());
        let edge = Edge::listen("shop", DATABASE, upstream, protocol, timeline)
            .await
            .unwrap();
        let tap = Tap::open(To::Edge(edge.address())).await;
        Way {
            url: self.url(&tap, DATABASE),
            tap,
            _edge: Some(edge),
        }
    }

    pub async fn end(self) {
        self.server.stop().await.unwrap();
        self.guardian.close().await.unwrap();
    }
}

/// What a program says, if it ends well and in time.
pub async fn said(command: &mut Command) -> Result<String, String> {
    command.env_remove("PGSERVICE").env("PGAPPNAME", "a client");
    program::said(command).await
}
