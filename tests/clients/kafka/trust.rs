//! The CA of the edges at which TLS ends, and how clients are handed it: as a run hands it to its services.

use std::path::PathBuf;

use momus_environments::process::trust::{java_store, variables};
use momus_proxies::tls::{Authority, Identity};
use tempfile::TempDir;
use tokio::process::Command;

/// A CA, whose certificate stands in a folder of its own.
pub struct Trust {
    authority: Authority,
    folder: TempDir,
}

impl Trust {
    pub fn new() -> Self {
        let (authority, folder) = (Authority::new().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        let store = java_store(authority.der()).unwrap();
        std::fs::write(folder.path().join("ca.p12"), store).unwrap();
        Self { authority, folder }
    }

    /// What an edge shows to its callers.
    pub fn identity(&self) -> Identity {
        self.authority.identity(&["kafka".to_owned()]).unwrap()
    }

    /// Tells a program to speak TLS, and whom to trust.
    pub fn tell(&self, command: &mut Command) {
        let file = |name: &str| -> PathBuf { self.folder.path().join(name) };
        command.envs(variables(&file("ca.pem"), &file("ca.p12")));
        command.env("SECURITY_PROTOCOL", "SSL");
    }
}
