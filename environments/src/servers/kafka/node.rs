//! A node of a broker: one process, with ports and data of its own.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

use momus_proxies::kafka::Credential;
use rand::RngExt;
use rand::distr::Alphanumeric;

use super::distribution::Distribution;
use super::ports::Ports;
use super::{Form, authorizer, cluster, credential};
use crate::guardian::{Child, Guardian, Tail};
use crate::servers::{ServerError, folder_error, programs::copy_tree};

/// Where Kafka keeps whose data a folder holds.
const META: &str = "meta.properties";
/// How many letters and digits before a last `A` are 16 bytes in base64url, as the id of a data folder is.
const ID_LENGTH: usize = 21;

/// What a node is in its cluster.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    /// Its id, from 1; the first is the controller as well.
    pub(super) id: usize,
    /// How many nodes there are.
    pub(super) of: usize,
    /// The port of the controller.
    pub(super) controller: u16,
}

impl Seat {
    /// That of a broker of a single node.
    pub(super) fn alone(controller: u16) -> Self {
        Self {
            id: 1,
            of: 1,
            controller,
        }
    }

    fn is_first(self) -> bool {
        self.id == 1
    }
}

/// A node of a broker.
#[derive(Debug)]
pub struct Node {
    child: Child,
    tail: Tail,
    ports: Ports,
}

impl Node {
    /// Starts it with its folder below that of the broker.
    pub(super) async fn start(
        (guardian, distribution): (&Guardian, &Distribution),
        folder: &Path,
        seat: Seat,
        ports: Ports,
        form: Form<'_>,
        own: &Credential,
    ) -> Result<Self, ServerError> {
        let (folder, label) = match seat.is_first() {
            true => (folder.to_owned(), "kafka".to_owned()),
            false => (folder.join(format!("node-{}", seat.id)), format!("kafka-{}", seat.id)),
        };
        fs::create_dir_all(&folder).map_err(folder_error(&folder))?;
        let data = folder.join("data");
        let laid = match seat.is_first() {
            true => copy_tree(&distribution.formatted, &data, None),
            false => lay(&distribution.formatted, &data, seat.id),
        };
        laid.map_err(folder_error(&data))?;
        let properties = folder.join("server.properties");
        let mut text = cluster::properties(&data, ports, seat) + &credential::listeners(own);
        if form.lists {
            text += &authorizer::properties(own);
        }
        credential::write(&properties, &text).map_err(folder_error(&properties))?;
        let mut command = distribution.broker(&properties).working_dir(&folder);
        command.arguments.splice(0..0, form.flags.iter().cloned());
        let (child, output) = guardian.spawn(command.label(label)).await?;
        Ok(Self {
            child,
            tail: output.into_tail(),
            ports,
        })
    }

    /// Where clients connect: host and port.
    #[must_use]
    pub fn address(&self) -> String {
        on_loopback(self.ports.broker)
    }

    /// The ports that it listens on.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Its process.
    #[must_use]
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// The last lines that it wrote, as they come: its errors.
    #[must_use]
    pub fn output(&self) -> &Tail {
        &self.tail
    }
}

pub(super) fn on_loopback(port: u16) -> String {
    format!("{}:{port}", Ipv4Addr::LOCALHOST)
}

/// The data folder of a node that is no controller: of a formatted one it takes the cluster's id, and has ids of its own.
fn lay(formatted: &Path, data: &Path, id: usize) -> io::Result<()> {
    let folder_id: String = rand::rng()
        .sample_iter(Alphanumeric)
        .take(ID_LENGTH)
        .map(char::from)
        .collect();
    let first = fs::read_to_string(formatted.join(META))?;
    let lines = first.lines().map(|line| match line.split_once('=') {
        Some(("node.id", _)) => format!("node.id={id}\n"),
        Some(("directory.id", _)) => format!("directory.id={folder_id}A\n"),
        _ => format!("{line}\n"),
    });
    fs::create_dir(data)?;
    fs::write(data.join(META), lines.collect::<String>())
}
