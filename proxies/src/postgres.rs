//! The beginning of a PostgreSQL session: which database it is led to (protocol 3, section "Start-up" of
//! PostgreSQL's "Message Flow" and "Message Formats").

use std::collections::BTreeMap;
use std::io;

use momus_engine::event::Happening;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use crate::edge::Wire;
use crate::gate::Gate;

const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;

/// PostgreSQL's own limit of a startup packet, in bytes (`MAX_STARTUP_PACKET_LENGTH`).
const LARGEST: usize = 10_000;

/// Reads the caller's first messages, declines encryption (`N`: the edge could not read what follows), and passes
/// the StartupMessage on with its database replaced by the sandbox's clone; a CancelRequest passes as it is.
///
/// # Errors
/// Of either end, or when what comes is no startup packet.
pub(crate) async fn start(
    wire: &Wire,
    clones: &BTreeMap<String, String>,
    reader: &mut (impl AsyncRead + Unpin),
    to_client: &mut (impl AsyncWrite + Unpin),
    to_upstream: &mut (impl AsyncWrite + Unpin),
    gate: &mut Gate,
) -> io::Result<()> {
    loop {
        let length = match reader.read_u32().await {
            // The caller only looked whether somebody listens; its FIN is passed on by the relay.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            length => length?,
        };
        let body = usize::try_from(length).unwrap_or(usize::MAX).saturating_sub(4);
        if !(4..=LARGEST).contains(&body) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "no PostgreSQL startup packet",
            ));
        }
        let mut packet = vec![0; body];
        reader.read_exact(&mut packet).await?;
        gate.pass().await;
        match code(&packet) {
            SSL_REQUEST | GSSENC_REQUEST => gate.write(to_client, b"N").await?,
            CANCEL_REQUEST => return gate.write(to_upstream, &framed(&packet)).await,
            _ => {
                let (packet, role) = redirect(&packet, clones);
                let (caller, datastore) = (wire.caller.clone(), wire.dependency.clone());
                wire.timeline.record(Happening::DatabaseSession {
                    caller,
                    datastore,
                    role,
                });
                return gate.write(to_upstream, &framed(&packet)).await;
            }
        }
    }
}

/// The request code or protocol version that a startup packet begins with.
fn code(packet: &[u8]) -> u32 {
    packet
        .first_chunk()
        .map(|code| u32::from_be_bytes(*code))
        .unwrap_or_default()
}

/// The packet behind its length, which counts itself.
fn framed(packet: &[u8]) -> Vec<u8> {
    let length = u32::try_from(packet.len() + 4).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), packet].concat()
}

/// A StartupMessage with the clone in its database's place, and the role that it names.
///
/// Without a `database` the server takes the role's name for it, and so does this. A database without a clone stays
/// as it is.
fn redirect(packet: &[u8], clones: &BTreeMap<String, String>) -> (Vec<u8>, String) {
    let (version, parameters) = packet.split_at(packet.len().min(4));
    let mut strings = parameters.split(|byte| *byte == 0);
    let mut pairs = Vec::new();
    while let (Some(name @ [_, ..]), Some(value)) = (strings.next(), strings.next()) {
        pairs.push((name, value.to_vec()));
    }
    let role = pairs
        .iter()
        .find(|(name, _)| *name == b"user")
        .map(|(_, role)| role.clone())
        .unwrap_or_default();
    if !pairs.iter().any(|(name, _)| *name == b"database") {
        pairs.push((b"database", role.clone()));
    }
    let mut redirected = version.to_vec();
    for (name, value) in pairs {
        let clone = std::str::from_utf8(&value)
            .ok()
            .filter(|_| name == b"database")
            .and_then(|name| clones.get(name));
        let value = clone.map_or(value.as_slice(), |clone| clone.as_bytes());
        for string in [name, value] {
            redirected.extend_from_slice(string);
            redirected.push(0);
        }
    }
    redirected.push(0);
    (redirected, String::from_utf8_lossy(&role).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn startup(parameters: &str) -> Vec<u8> {
        [&196_608_u32.to_be_bytes(), parameters.as_bytes()].concat()
    }

    fn clones() -> BTreeMap<String, String> {
        BTreeMap::from([("billing".to_owned(), "billing_s1".to_owned())])
    }

    #[test]
    fn a_startup_leads_to_the_clone_and_keeps_everything_else() {
        let (packet, role) = redirect(
            &startup("user\0app\0database\0billing\0options\0\0x\0billing\0\0"),
            &clones(),
        );
        assert_eq!(
            packet,
            startup("user\0app\0database\0billing_s1\0options\0\0x\0billing\0\0")
        );
        assert_eq!(role, "app");
    }

    #[test]
    fn a_startup_without_a_database_means_the_one_named_like_its_role() {
        assert_eq!(
            redirect(&startup("user\0billing\0\0"), &clones()).0,
            startup("user\0billing\0database\0billing_s1\0\0")
        );
    }

    #[test]
    fn a_database_without_a_clone_stays() {
        let other = startup("user\0app\0database\0other\0\0");
        assert_eq!(redirect(&other, &clones()).0, other);
    }
}
