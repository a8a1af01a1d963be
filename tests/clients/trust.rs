//! The CA of the edges at which TLS ends, and how clients are handed it: as a run hands it to its services.

use std::path::PathBuf;

use momus_environments::process::trust::{java_store, variables};
use momus_proxies::tls::{Authority, Identity};
use tempfile::TempDir;
use tokio::process::Command;

/// A CA, whose certificate stands in a folder of its own, beside one of a stranger.
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
        let stranger = Authority::new().unwrap();
        std::fs::write(folder.path().join("stranger.pem"), stranger.pem()).unwrap();
        Self { authority, folder }
    }

    /// What an edge to this dependency shows to its callers.
    pub fn identity(&self, dependency: &str) -> Identity {
        self.authority.identity(&[dependency.to_owned()]).unwrap()
    }

    /// The file of its certificate.
    pub fn pem(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Tells a program whom to trust.
    pub fn tell(&self, command: &mut Command) {
        command.envs(variables(&self.pem(), &self.folder.path().join("ca.p12")));
    }
}
