//! One process of a service: where it listens, what serves it, what its end means.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use momus_proxies::edge::{Dialer, Upstream};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::log::Log;
use super::ports::Ports;
use super::within::Served;
use crate::guardian::walls::Walls;
use crate::guardian::{Child, Command};

/// How long the end of a sandbox waits for a process that it kills.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// How long the end of a sandbox waits until the end of a process is on its timeline.
const NOTED_LIMIT: Duration = Duration::from_secs(2);

/// A process of a service. Clones are the same.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) child: Child,
    pub(super) ports: Arc<Ports>,
    pub(super) log: Log,
    /// What it was started with.
    pub(super) command: Arc<Command>,
    /// The walls around it, if there are any.
    pub(super) walls: Option<Walls>,
    /// What serves it inside, until it has ended.
    pub(super) served: Arc<Mutex<Option<Served>>>,
    pub(super) stage: Arc<Mutex<Stage>>,
    /// True once its end is on the timeline, and told where nobody had told it to.
    pub(super) noted: watch::Sender<bool>,
}

/// What the end of a process means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Whoever starts it and waits until it is ready tells it.
    Starting,
    /// The system under test failed.
    Live,
    /// A step told it to end.
    ToldToEnd,
    /// Its sandbox is being closed, and kills it: any other end is its own, and came just before.
    Closing { while_starting: bool },
    /// It has ended, and what its end meant is told.
    Ended,
}

impl Running {
    /// The same process with its life in another sandbox before it.
    pub(super) fn anew(self, served: Served) -> Self {
        Self {
            served: Arc::new(Mutex::new(Some(served))),
            stage: Arc::new(Mutex::new(Stage::Starting)),
            noted: watch::Sender::new(false),
            ..self
        }
    }

    /// From now on its end means something else; what it meant before.
    pub(super) fn enter(&self, stage: Stage) -> Stage {
        std::mem::replace(&mut *self.stage.lock().unwrap_or_else(PoisonError::into_inner), stage)
    }

    /// Kills it with its sandbox, and returns when its end is on the timeline: that it had ended by itself just before
    /// must be told first.
    pub(super) async fn close(&self) {
        let stage = match self.stage() {
            Stage::Starting => Stage::Closing { while_starting: true },
            Stage::Live => Stage::Closing { while_starting: false },
            told @ (Stage::ToldToEnd | Stage::Closing { .. } | Stage::Ended) => told,
        };
        self.enter(stage);
        // What the system does not let go of is the guardian's at the end.
        drop(tokio::time::timeout(KILL_LIMIT, self.child.kill()).await);
        let mut noted = self.noted.subscribe();
        drop(tokio::time::timeout(NOTED_LIMIT, noted.wait_for(|noted| *noted)).await);
    }

    /// Connects to where it listens.
    ///
    /// # Errors
    /// As the connection fails.
    pub(super) async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        match &self.walls {
            Some(walls) => walls.connect(address).await,
            None => TcpStream::connect(address).await,
        }
    }

    /// Where an edge to one of its ports leads.
    pub(super) fn upstream(&self, port: &str) -> Option<Upstream> {
        let address = self.ports.address(port)?;
        Some(match self.walls.clone() {
            Some(walls) => Upstream::Dialed(Dialer::new(move || {
                let walls = walls.clone();
                async move { walls.connect(address).await }
            })),
            None => Upstream::Tcp(address),
        })
    }

    /// Whether it ended because somebody else has one of its ports.
    pub(super) fn found_its_port_taken(&self) -> bool {
        self.walls.is_none() && self.child.exit().is_some() && (self.log.says_port_taken() || self.ports.are_taken())
    }

    /// Nothing is inside its walls any more: lets go of them.
    pub(super) async fn end_within(&self) {
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(served) = served {
            served.close();
        }
        if let Some(walls) = &self.walls {
            walls.let_go().await;
        }
    }

    fn stage(&self) -> Stage {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
