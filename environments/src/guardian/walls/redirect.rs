//! Addresses inside that are found at another port: destinations rewritten by nftables, as
//! `nft add rule ip momus out ip daddr A tcp dport P dnat to A:Q` does (nft(8), linux/netfilter/nf_tables.h).

use std::{io, net::SocketAddrV4};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with};

/// `NFNL_MSG_BATCH_BEGIN` and its end, `NFNL_SUBSYS_NFTABLES`.
const BEGIN: u16 = 16;
const END: u16 = 17;
const TABLES: u16 = 10;
/// What is new: a table, a chain, a rule (`NFT_MSG_NEW…`).
const TABLE: u16 = TABLES << 8;
const CHAIN: u16 = TABLES << 8 | 3;
const RULE: u16 = TABLES << 8 | 6;
/// `NLM_F_REQUEST`, `NLM_F_ACK`, `NLM_F_CREATE`, `NLM_F_APPEND` (netlink(7)).
const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
const CREATE: u16 = 0x400;
const APPEND: u16 = 0x800;
const NESTED: u16 = 0x8000;
const IPV4: u8 = 2;
const TCP: u8 = 6;
/// The type of an answer that tells an error, 0 for none.
const ERROR: u16 = 2;

/// Has connections to the first address of each pair go to the second.
///
/// # Errors
/// When the kernel has no nftables, or no address translation.
pub(super) fn build(redirects: &[(SocketAddrV4, SocketAddrV4)]) -> io::Result<()> {
    if redirects.is_empty() {
        return Ok(());
    }
    let name = |kind: u16, name: &str| attribute(kind, &[name.as_bytes(), b"\0"].concat());
    let hook = [number(1, 3), number(2, (-100_i32).cast_unsigned())].concat();
    let chain = [name(1, "momus"), name(3, "out"), nested(4, &hook), name(7, "nat")].concat();
    let mut batch = message(BEGIN, REQUEST, 0, 0, TABLES, &[]);
    batch.extend(message(TABLE, REQUEST | ACK | CREATE, 1, IPV4, 0, &name(1, "momus")));
    batch.extend(message(CHAIN, REQUEST | ACK | CREATE, 2, IPV4, 0, &chain));
    for (number, (from, to)) in (3..).zip(redirects) {
        let rule = [name(1, "momus"), name(2, "out"), nested(4, &rule(*from, *to))].concat();
        batch.extend(message(RULE, REQUEST | ACK | CREATE | APPEND, number, IPV4, 0, &rule));
    }
    batch.extend(message(END, REQUEST, 0, 0, TABLES, &[]));
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::NETFILTER),
    )?;
    send(&socket, &batch, SendFlags::empty())?;
    let mut answer = [0; 4096];
    let mut acknowledged = 0;
    while acknowledged < redirects.len() + 2 {
        let (_, length) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
        let mut rest = answer.get(..length).unwrap_or_default();
        while let [a, b, c, d, e, f, ..] = *rest {
            let length = u32::from_ne_bytes([a, b, c, d]) as usize;
            if u16::from_ne_bytes([e, f]) == ERROR
                && let Some(&[a, b, c, d]) = rest.get(16..20)
            {
                match i32::from_ne_bytes([a, b, c, d]) {
                    0 => acknowledged += 1,
                    number => return Err(io::Error::from_raw_os_error(-number)),
                }
            }
            rest = rest.get(length.next_multiple_of(4).max(16)..).unwrap_or_default();
        }
    }
    Ok(())
}

/// The expressions of a rule: address, protocol and port compared, then translated.
fn rule(from: SocketAddrV4, to: SocketAddrV4) -> Vec<u8> {
    // A part of a header (1 network, 2 transport) into the first register.
    let load = |header: u32, at: u32, length: u32| {
        expression(
            "payload",
            &[number(1, 1), number(2, header), number(3, at), number(4, length)].concat(),
        )
    };
    let data = |bytes: &[u8]| attribute(1, bytes);
    let is = |bytes: &[u8]| expression("cmp", &[number(1, 1), number(2, 0), nested(3, &data(bytes))].concat());
    let set =
        |register: u32, bytes: &[u8]| expression("immediate", &[number(1, register), nested(2, &data(bytes))].concat());
    [
        load(1, 16, 4),
        is(&from.ip().octets()),
        // The protocol (`NFT_META_L4PROTO`).
        expression("meta", &[number(1, 1), number(2, 16)].concat()),
        is(&[TCP]),
        load(2, 2, 2),
        is(&from.port().to_be_bytes()),
        set(1, &to.ip().octets()),
        set(2, &to.port().to_be_bytes()),
        // Destination (`NFT_NAT_DNAT`), IPv4, address and port out of the registers.
        expression(
            "nat",
            &[number(1, 1), number(2, u32::from(IPV4)), number(3, 1), number(5, 2)].concat(),
        ),
    ]
    .concat()
}

fn expression(name: &str, content: &[u8]) -> Vec<u8> {
    let name = attribute(1, &[name.as_bytes(), b"\0"].concat());
    nested(1, &[name, nested(2, content)].concat())
}

/// A message of netfilter's, with its header (`struct nlmsghdr`, `struct nfgenmsg`).
fn message(kind: u16, flags: u16, sequence: u32, family: u8, resource: u16, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(20 + content.len()).unwrap_or(u32::MAX);
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend(sequence.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend([family, 0]);
    message.extend(resource.to_be_bytes());
    message.extend(content);
    message
}

/// An attribute, padded to four bytes.
fn attribute(kind: u16, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + content.len()).unwrap_or(u16::MAX);
    let mut attribute = length.to_ne_bytes().to_vec();
    attribute.extend(kind.to_ne_bytes());
    attribute.extend(content);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

fn nested(kind: u16, content: &[u8]) -> Vec<u8> {
    attribute(kind | NESTED, content)
}

fn number(kind: u16, number: u32) -> Vec<u8> {
    attribute(kind, &number.to_be_bytes())
}
