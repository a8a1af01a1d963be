//! The ports of a broker.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// The ports of a broker, all on loopback.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// Where clients connect.
    pub broker: u16,
    /// Where the node speaks to its own controller.
    pub controller: u16,
    /// Where whoever comes is served without the credential: nowhere in a run.
    pub open: Option<u16>,
}

impl Ports {
    /// Two ports that are free at this moment.
    ///
    /// # Errors
    /// When the system has none.
    pub fn free() -> io::Result<Self> {
        let [broker, controller] = free()?;
        Ok(Self {
            broker,
            controller,
            open: None,
        })
    }

    /// As [`free`](Self::free), with one more where no credential is asked for: for who compares what a client sees at the
    /// broker itself with what it sees through an edge.
    ///
    /// # Errors
    /// When the system has none.
    pub fn free_and_open() -> io::Result<Self> {
        let [broker, controller, open] = free()?;
        Ok(Self {
            broker,
            controller,
            open: Some(open),
        })
    }
}

/// So many ports that are free at this moment.
fn free<const COUNT: usize>() -> io::Result<[u16; COUNT]> {
    let mut listeners = Vec::new();
    let mut ports = [0; COUNT];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}
