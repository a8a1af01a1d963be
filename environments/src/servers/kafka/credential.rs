//! The credential that a broker asks of whoever connects: drawn for it, and told to it in a file that its user alone can read.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use momus_proxies::kafka::Credential;

const USER: &str = "momus";
/// The listeners that ask for it.
const LISTENERS: [&str; 2] = ["broker", "controller"];

/// A credential that nobody knows: a password of 256 random bits.
pub(super) fn draw() -> Credential {
    let bits: [u8; 32] = rand::random();
    let password: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
    Credential::new(USER, &password)
}

/// What has the broker ask for it on its listeners, and present it to itself.
pub(super) fn listeners(credential: &Credential) -> String {
    let (user, password) = (credential.user(), credential.password());
    let module = format!(
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"{user}\" password=\"{password}\" user_{user}=\"{password}\";"
    );
    let each = LISTENERS.map(|name| format!("listener.name.{name}.plain.sasl.jaas.config={module}\n"));
    each.concat()
}

/// Writes a file that nobody but its owner can read.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
