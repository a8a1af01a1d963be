//! A PostgreSQL edge: which database a session is led to (protocol 3, section "Start-up" of PostgreSQL's "Message Flow"
//! and "Message Formats"), and what goes on in it. From the start on, its bytes pass as they come.

mod asked;
mod frame;
mod parameters;
mod refusal;
pub(crate) mod security;
mod session;
mod statement;
mod tag;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use momus_engine::event::Happening;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use self::refusal::{Beyond, refusal};
use self::session::Session;
use crate::gate::Gate;
use crate::relay::{BUFFER, pump};
use crate::wire::Wire;

const CANCEL_REQUEST: u32 = 80_877_102;
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;
/// The major version of the protocol that is understood.
const VERSION: u32 = 3;

/// PostgreSQL's own limit of a startup packet, in bytes (`MAX_STARTUP_PACKET_LENGTH`).
const LARGEST: usize = 10_000;

/// The databases that an edge leads to.
#[derive(Debug, Clone, Default)]
pub struct Databases {
    /// The sandbox's clone by the name that callers know.
    pub clones: BTreeMap<String, String>,
    /// The databases in whose statements the values, their parameters among them, stand on the timeline.
    pub shown: BTreeSet<String>,
}

/// Carries a connection to its end: a FIN of either side is passed on.
///
/// # Errors
/// Of either end, when what begins it is no startup packet, or when something comes that is no message.
pub(crate) async fn carry(
    wire: &Arc<Wire>,
    databases: &Databases,
    (mut from_client, mut to_client): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    (mut from_server, mut to_server): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    mut gate: Gate,
) -> io::Result<()> {
    let started = start(
        wire,
        databases,
        &mut from_client,
        &mut to_client,
        &mut to_server,
        &mut gate,
    )
    .await?;
    match started {
        Started::Refused => return Ok(()),
        Started::Session(session) => tokio::try_join!(
            statements(&mut from_client, &mut to_server, gate.clone(), &session),
            answers(&mut from_server, &mut to_client, gate, &session)
        ),
        Started::Unread => tokio::try_join!(
            pump(&mut from_client, &mut to_server, gate.clone()),
            pump(&mut from_server, &mut to_client, gate)
        ),
    }
    .map(|((), ())| ())
}

/// Carries what the client sends.
async fn statements(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    mut gate: Gate,
    session: &Session,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = reader.read(&mut buffer).await;
        gate.pass().await;
        let bytes = &buffer[..read?];
        if bytes.is_empty() {
            return writer.shutdown().await;
        }
        session.sends(bytes);
        session.goes_on()?;
        gate.write(writer, bytes).await?;
    }
}

/// Carries what the server answers.
async fn answers(
    reader: &mut (impl AsyncRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    mut gate: Gate,
    session: &Session,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = reader.read(&mut buffer).await;
        gate.pass().await;
        let bytes = &buffer[..read?];
        if bytes.is_empty() {
            return writer.shutdown().await;
        }
        let over = session.hears(bytes);
        session.goes_on()?;
        gate.write(writer, bytes).await?;
        drop(over);
    }
}

/// What a connection has become of its first messages.
enum Started {
    /// A session in which something can be told.
    Session(Box<Session>),
    /// What passes is not read.
    Unread,
    /// It was answered, and is over.
    Refused,
}

/// Reads the caller's first messages, declines encryption (`N`: the edge could not read what follows), and passes
/// the StartupMessage on with its database replaced by the sandbox's clone; a CancelRequest passes as it is. A session
/// that names a database without a clone is refused: beyond the sandbox's own there is only what is others'.
async fn start(
    wire: &Arc<Wire>,
    Databases { clones, shown }: &Databases,
    reader: &mut (impl AsyncRead + Unpin),
    to_client: &mut (impl AsyncWrite + Unpin),
    to_upstream: &mut (impl AsyncWrite + Unpin),
    gate: &mut Gate,
) -> io::Result<Started> {
    loop {
        let length = match reader.read_u32().await {
            // The caller only looked whether somebody listens; its FIN is passed on by the relay.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Started::Unread),
            length => length?,
        };
        let body = usize::try_from(length).unwrap_or(usize::MAX).saturating_sub(4);
        if !(4..=LARGEST).contains(&body) {
            return Err(no_startup(format!("it claims {length} bytes")));
        }
        let mut packet = vec![0; body];
        reader.read_exact(&mut packet).await?;
        gate.pass().await;
        match code(&packet) {
            SSL_REQUEST | GSSENC_REQUEST => gate.write(to_client, b"N").await?,
            CANCEL_REQUEST => {
                gate.write(to_upstream, &framed(&packet)).await?;
                return Ok(Started::Unread);
            }
            version if version >> 16 != VERSION => {
                let (major, minor) = (version >> 16, version & 0xffff);
                return Err(no_startup(format!(
                    "it asks for version {major}.{minor} of the protocol"
                )));
            }
            _ => {
                let Startup {
                    packet,
                    role,
                    database,
                    replicates,
                    beyond,
                } = redirect(&packet, clones);
                let caller = wire.caller.clone();
                if let Some(beyond) = beyond {
                    let what = match &beyond {
                        Beyond::Database(name) => {
                            format!("refused: it names database `{name}`, to which {caller} has no edge")
                        }
                        Beyond::Server => "refused: physical replication is of the whole server".to_owned(),
                    };
                    wire.effect(&what);
                    wire.connection(what);
                    gate.write(to_client, &refusal(&caller, &beyond, clones.keys())).await?;
                    to_client.shutdown().await?;
                    return Ok(Started::Refused);
                }
                let session = if replicates {
                    wire.is_hidden("is a replication");
                    Started::Unread
                } else if wire.is_clients() {
                    Started::Unread
                } else {
                    Started::Session(Box::new(Session::begin(wire, &database, shown.contains(&database))))
                };
                wire.timeline.record(Happening::DatabaseSession {
                    caller,
                    datastore: database,
                    role,
                });
                gate.write(to_upstream, &framed(&packet)).await?;
                return Ok(session);
            }
        }
    }
}

/// The connection cannot begin, and why.
fn no_startup(why: String) -> io::Error {
    let text = format!("no startup packet of PostgreSQL's protocol 3: {why}");
    io::Error::new(io::ErrorKind::InvalidData, text)
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

/// A StartupMessage as it is passed on, and what it says.
#[derive(Debug, PartialEq, Eq)]
struct Startup {
    packet: Vec<u8>,
    role: String,
    /// As the caller knows it.
    database: String,
    replicates: bool,
    /// What it asks for that is not the sandbox's.
    beyond: Option<Beyond>,
}

/// Whether a word means false, as the server reads it (`parse_bool`): any beginning of one, however it is written.
fn is_no(value: &[u8]) -> bool {
    let value = value.to_ascii_lowercase();
    let begins = |word: &[u8], least: usize| value.len() >= least && word.starts_with(&value);
    begins(b"false", 1) || begins(b"no", 1) || begins(b"off", 2) || value == b"0"
}

/// A StartupMessage with the clone in its database's place.
///
/// Without a `database` the server takes the role's name for it, and so does this. A physical replication is of all databases.
fn redirect(packet: &[u8], clones: &BTreeMap<String, String>) -> Startup {
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
    // The last of several counts, as at the server.
    let replication = pairs.iter().rfind(|(name, _)| *name == b"replication");
    let replication = replication
        .map(|(_, value)| value.as_slice())
        .filter(|value| !is_no(value));
    let replicates = replication.is_some();
    let mut beyond = replication
        .filter(|value| *value != b"database")
        .map(|_| Beyond::Server);
    pairs.retain(|(name, value)| *name != b"database" || !value.is_empty());
    if !pairs.iter().any(|(name, _)| *name == b"database") {
        pairs.push((b"database", role.clone()));
    }
    let mut database = String::new();
    let mut redirected = version.to_vec();
    for (name, value) in pairs {
        let clone = std::str::from_utf8(&value)
            .ok()
            .filter(|_| name == b"database")
            .and_then(|name| clones.get(name));
        if name == b"database" {
            database = String::from_utf8_lossy(&value).into_owned();
            if clone.is_none() && beyond.is_none() {
                beyond = Some(Beyond::Database(database.clone()));
            }
        }
        let value = clone.map_or(value.as_slice(), |clone| clone.as_bytes());
        for string in [name, value] {
            redirected.extend_from_slice(string);
            redirected.push(0);
        }
    }
    redirected.push(0);
    Startup {
        packet: redirected,
        role: String::from_utf8_lossy(&role).into_owned(),
        database,
        replicates,
        beyond,
    }
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
        let redirected = redirect(
            &startup("user\0app\0database\0billing\0options\0\0x\0billing\0\0"),
            &clones(),
        );
        let expected = Startup {
            packet: startup("user\0app\0database\0billing_s1\0options\0\0x\0billing\0\0"),
            role: "app".into(),
            database: "billing".into(),
            replicates: false,
            beyond: None,
        };
        assert_eq!(redirected, expected);
    }

    #[test]
    fn a_replication_is_known() {
        for (says, replicates) in [
            ("", false),
            ("replication\0database\0", true),
            ("replication\0off\0", false),
            ("replication\0F\0", false),
            ("replication\0database\0replication\0of\0", false),
            ("replication\0on\0", true),
        ] {
            let packet = startup(&format!("user\0app\0{says}\0"));
            assert_eq!(redirect(&packet, &clones()).replicates, replicates, "{says:?}");
        }
    }

    #[test]
    fn a_startup_without_a_database_means_the_one_named_like_its_role() {
        assert_eq!(
            redirect(&startup("user\0billing\0\0"), &clones()).packet,
            startup("user\0billing\0database\0billing_s1\0\0")
        );
    }

    #[test]
    fn a_database_without_a_clone_and_the_whole_server_are_beyond() {
        let beyond = |parameters: &str| redirect(&startup(parameters), &clones()).beyond;
        let unknown = |parameters: &str| match beyond(parameters) {
            Some(Beyond::Database(name)) => Some(name),
            Some(Beyond::Server) | None => None,
        };
        assert_eq!(unknown("user\0app\0database\0other\0\0").as_deref(), Some("other"));
        assert_eq!(unknown("user\0app\0\0").as_deref(), Some("app"));
        let logical = "user\0app\0replication\0database\0database\0other\0\0";
        assert_eq!(unknown(logical).as_deref(), Some("other"));
        let hidden = "user\0app\0replication\0f\0database\0other\0\0";
        assert_eq!(unknown(hidden).as_deref(), Some("other"));
        let physical = beyond("user\0app\0replication\0true\0database\0billing\0\0");
        assert_eq!(physical, Some(Beyond::Server));
    }
}
