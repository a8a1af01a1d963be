//! The network inside: loopback, on which every address is found.

use std::io;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

/// Message types of rtnetlink(7).
const NEW_LINK: u16 = 16;
const NEW_ROUTE: u16 = 24;
/// `NLM_F_REQUEST | NLM_F_ACK`, and `NLM_F_CREATE | NLM_F_EXCL` for what is new (netlink(7)).
const REQUEST: u16 = 0x5;
const CREATE: u16 = 0x600;
/// The type of an answer that tells an error, 0 for none.
const ERROR: u16 = 2;
/// Loopback is the first interface of every network namespace.
const LOOPBACK: u32 = 1;
const IPV4: u8 = 2;
const IPV6: u8 = 10;

/// Brings loopback up and leads every address there: what listens nowhere inside is refused at once.
///
/// # Errors
/// When the system refuses. IPv6 may be missing.
pub(super) fn build() -> io::Result<()> {
    let mut up = vec![0, 0, 0, 0];
    up.extend(LOOPBACK.to_ne_bytes());
    // IFF_UP, and the mask of what changes.
    up.extend(1_u32.to_ne_bytes());
    up.extend(1_u32.to_ne_bytes());
    ask(NEW_LINK, REQUEST, &up)?;
    ask(NEW_ROUTE, REQUEST | CREATE, &everywhere(IPV4))?;
    // A kernel without IPv6 has nothing to lead.
    drop(ask(NEW_ROUTE, REQUEST | CREATE, &everywhere(IPV6)));
    // Best effort: without it, a program that is not root cannot listen on ports below 1024 inside.
    drop(std::fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"));
    Ok(())
}

/// `ip route add local default dev lo` (`struct rtmsg` and one attribute).
fn everywhere(family: u8) -> Vec<u8> {
    // Table local (255), protocol boot (3), scope host (254), type local (2).
    let mut route = vec![family, 0, 0, 0, 255, 3, 254, 2];
    route.extend(0_u32.to_ne_bytes());
    // RTA_OIF, 8 bytes in all.
    route.extend(8_u16.to_ne_bytes());
    route.extend(4_u16.to_ne_bytes());
    route.extend(LOOPBACK.to_ne_bytes());
    route
}

/// Sends one request and reads its answer.
fn ask(kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        // NETLINK_ROUTE, which is 0.
        None,
    )?;
    let length = u32::try_from(16 + body.len()).map_err(io::Error::other)?;
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend(1_u32.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend(body);
    send(&socket, &message, SendFlags::empty())?;
    let mut answer = [0; 1024];
    let (_, length) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
    // Header of 16 bytes, then the error's number, negative.
    match answer.get(..length) {
        Some(&[_, _, _, _, a, b, _, _, _, _, _, _, _, _, _, _, e, r, o, n, ..])
            if u16::from_ne_bytes([a, b]) == ERROR =>
        {
            match i32::from_ne_bytes([e, r, o, n]) {
                0 => Ok(()),
                number => Err(io::Error::from_raw_os_error(-number)),
            }
        }
        _ => Err(io::Error::other("the kernel answered what is no acknowledgement")),
    }
}
