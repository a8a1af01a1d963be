//! Walls: namespaces around one process, as of a container without an image (namespaces(7)).
//!
//! Inside, a program has a network of its own, in which nothing is but loopback (every other address is loopback, too, so
//! that a connection to it is refused at once and seen), process numbers, System V shared memory, a host name, `/tmp`,
//! `/dev/shm`, `/etc/hosts` and `/etc/resolv.conf` of its own. The rest of the file system, the user and the clock are the
//! runner's. When its first process ends, the kernel kills everything inside, a `setsid` child as well.
//!
//! Two processes of Momus' own stand around the program. The *outer* one ([`outer`]) is the guardian's child: it makes the
//! namespaces and ends as the program ended. The *inner* one ([`inner`]) is number 1 inside: it builds what is inside,
//! makes sockets there and hands them to the runner (SCM_RIGHTS, unix(7)), runs the program and reaps orphans. A socket
//! belongs to the network that it was made in, so a proxy in the runner serves the inside with no hop more.
//!
//! Root needs no user namespace; any other user gets one, in which it keeps its own number. Some systems forbid that:
//! [`probe`] tells.

mod client;
mod filter;
mod inner;
mod mounts;
mod network;
mod outer;
mod probe;
mod redirect;

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    path::PathBuf,
    process::ExitCode,
};

use serde::{Deserialize, Serialize};

use super::command::Command;

pub use client::{Built, Tries, Try, Walls, WallsError};
pub use probe::probe;

/// The argument before the last by which this program knows that it is one of the two around a program.
const WORD: &str = "walls";
/// The last argument of the outer one.
const OUTER: &str = "outer";
/// The last argument of the inner one.
const INNER: &str = "inner";
/// The last argument of an outer one that only tries.
const PROBE: &str = "probe";
/// The last argument of the inner one that only tries.
const PROBE_INNER: &str = "probe-inner";

/// Where the runner's connections into the walls come from.
const OWN: Ipv4Addr = Ipv4Addr::new(127, 77, 255, 1);

/// What is inside the walls.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Inside {
    /// The host name.
    pub hostname: String,
    /// The whole of `/etc/hosts`.
    pub hosts: String,
    /// Where `/etc/resolv.conf` sends questions for names.
    pub resolver: Option<std::net::IpAddr>,
    /// Folders that stay visible where they lie in what is new inside (`/tmp`, `/dev/shm`).
    pub kept: Vec<PathBuf>,
    /// Addresses that are found at another one, as far as the kernel can do so.
    pub redirects: Vec<(SocketAddrV4, SocketAddrV4)>,
    /// The sockets that the runner is handed, in this order: TCP ones listen.
    pub sockets: Vec<Socket>,
}

/// A socket to be made inside.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Socket {
    /// Listens.
    Tcp(SocketAddr),
    /// Is bound.
    Udp(SocketAddr),
}

/// From the runner to the inner process.
#[derive(Debug, Serialize, Deserialize)]
enum Ask {
    /// Build what is inside. Answered by [`Answer::Built`], with the sockets asked for and last the one that hears of refusals.
    Build(Inside),
    /// Hand over this many TCP sockets that are not connected.
    Sockets(usize),
    /// Hand over a listener at this address.
    Listen(SocketAddr),
    /// Run the program.
    Run(Box<Command>),
}

/// From the inner process to the runner.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    /// What was asked for is done, and all of its descriptors have come: this many.
    Done(usize),
    /// Some descriptors, more to come.
    Descriptors(usize),
    /// It could not be done.
    Failed(String),
}

/// The program that stands around another, as the guardian starts it.
pub(super) fn around(launcher: &[String]) -> std::process::Command {
    let mut around = outer::again(launcher, OUTER);
    around.env_clear().current_dir("/");
    around
}

/// Is what the arguments of this process say, if that is one of the two around a program.
pub(super) fn serve(arguments: &[String]) -> Option<ExitCode> {
    let [launcher @ .., word, role] = arguments else {
        return None;
    };
    if word != WORD {
        return None;
    }
    // The first argument is this program.
    let launcher = launcher.get(1..).unwrap_or_default();
    Some(match role.as_str() {
        OUTER => outer::run(launcher),
        INNER => inner::run(),
        PROBE => probe::outer(launcher),
        PROBE_INNER => probe::inner(),
        _ => ExitCode::FAILURE,
    })
}
