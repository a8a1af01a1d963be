//! What the runner hears of tries to reach what is not there: a packet socket inside, and the filter that leaves it little.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::OwnedFd,
};

use super::OWN;
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

/// `ETH_P_ALL` in network order, as packet(7) wants it.
const ALL: i32 = 0x0300;
/// How much of a packet is handed over: its headers.
const HEADERS: u32 = 128;

/// A try of the inside to reach what is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// A connection, refused.
    Tcp(SocketAddr),
    /// A datagram to no address of loopback.
    Udp(SocketAddr),
}

/// A socket that hears of every try: TCP as the answer that refuses it, UDP as what was sent.
///
/// # Errors
/// When the system refuses.
pub(super) fn listen() -> io::Result<OwnedFd> {
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(ALL)))?;
    socket.attach_filter(&program())?;
    Ok(socket.into())
}

/// The filter, in classic BPF; a packet begins with its IP header. Each packet passes loopback twice: the outgoing one is
/// dropped. Of TCP it lets RST with ACK and sequence number 0 pass, which only a SYN is answered with (RFC 9293, 3.5.2); of UDP
/// what is sent to no address in 127/8.
fn program() -> Vec<SockFilter> {
    /// Whether a packet is an outgoing one stands at this ancillary place (`SKF_AD_OFF + SKF_AD_PKTTYPE`).
    const PACKET_TYPE: u32 = 0xffff_f004;
    /// `PACKET_OUTGOING`.
    const OUTGOING: u32 = 4;
    // Instructions: load a word or a byte, absolute or behind X; X from an IPv4 header's length; and; return.
    const WORD: u16 = 0x20;
    const BYTE: u16 = 0x30;
    const WORD_X: u16 = 0x40;
    const BYTE_X: u16 = 0x50;
    const LENGTH_X: u16 = 0xb1;
    const AND: u16 = 0x54;
    const RETURN: u16 = 0x06;
    const TCP: u32 = 6;
    const UDP: u32 = 17;
    const FLAGS: u32 = 0x17;
    const RST_ACK: u32 = 0x14;
    // Lines that are jumped to.
    const V4_UDP: u8 = 13;
    const V6: u8 = 16;
    const PASS: u8 = 25;
    const DROP: u8 = 26;
    let line = |code, k| SockFilter::new(code, 0, 0, k);
    // The line that this stands on, what the value is compared with, and where to go.
    let jump = |at: u8, k, then: u8, or: u8| SockFilter::new(0x15, then - at - 1, or - at - 1, k);
    vec![
        line(WORD, PACKET_TYPE),
        jump(1, OUTGOING, DROP, 2),
        line(BYTE, 0),
        line(AND, 0xf0),
        jump(4, 0x40, 5, V6),
        line(BYTE, 9),
        jump(6, TCP, 7, V4_UDP),
        line(LENGTH_X, 0),
        line(BYTE_X, 13),
        line(AND, FLAGS),
        jump(10, RST_ACK, 11, DROP),
        line(WORD_X, 4),
        jump(12, 0, PASS, DROP),
        jump(V4_UDP, UDP, 14, DROP),
        line(BYTE, 16),
        jump(15, 127, DROP, PASS),
        jump(V6, 0x60, 17, DROP),
        line(BYTE, 6),
        jump(18, UDP, PASS, 19),
        jump(19, TCP, 20, DROP),
        line(BYTE, 40 + 13),
        line(AND, FLAGS),
        jump(22, RST_ACK, 23, DROP),
        line(WORD, 40 + 4),
        jump(24, 0, PASS, DROP),
        line(RETURN, HEADERS),
        line(RETURN, 0),
    ]
}

/// What a packet that the filter let pass tells.
pub(super) fn read(packet: &[u8]) -> Option<Try> {
    let (source, target, protocol, rest): (IpAddr, IpAddr, u8, &[u8]) = match packet.first()? >> 4 {
        4 => {
            let length = usize::from(packet.first()? & 0xf) * 4;
            let four = |at: usize| Some(Ipv4Addr::from(<[u8; 4]>::try_from(packet.get(at..at + 4)?).ok()?));
            (
                four(12)?.into(),
                four(16)?.into(),
                *packet.get(9)?,
                packet.get(length..)?,
            )
        }
        6 => {
            let sixteen = |at: usize| Some(Ipv6Addr::from(<[u8; 16]>::try_from(packet.get(at..at + 16)?).ok()?));
            (
                sixteen(8)?.into(),
                sixteen(24)?.into(),
                *packet.get(6)?,
                packet.get(40..)?,
            )
        }
        _ => return None,
    };
    let port = |at: usize| Some(u16::from_be_bytes([*rest.get(at)?, *rest.get(at + 1)?]));
    match protocol {
        // The refusal comes from where the connection was to go. The runner's own tries are no news.
        6 if target == OWN => None,
        6 => Some(Try::Tcp(SocketAddr::new(source, port(0)?))),
        17 if !target.is_loopback() => Some(Try::Udp(SocketAddr::new(target, port(2)?))),
        _ => None,
    }
}
