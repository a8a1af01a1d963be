//! The CA of the run, and how services are told of it.

use std::path::{Path, PathBuf};

use momus_engine::failure::{Failure, StepError};
use momus_engine::mesh::{Mesh, Service};
use momus_proxies::tls::{Authority, Identity};
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry};

/// What Java's own trust store is locked with; there is nothing secret in this one either.
const PASSWORD: &str = "changeit";

/// The CA of one run. Its certificate stands in the run's folder; its key is in memory alone.
#[derive(Debug)]
pub(super) struct Trust {
    authority: Authority,
    /// The certificate, in PEM.
    pub(super) pem: PathBuf,
    /// The certificate in a trust store of Java's (PKCS 12).
    store: PathBuf,
}

impl Trust {
    /// Makes a CA, whose certificate stands in the folder.
    pub(super) async fn found(folder: &Path) -> Result<Self, StepError> {
        let authority = Authority::new().map_err(unmade)?;
        let (pem, store) = (folder.join("ca.pem"), folder.join("ca.p12"));
        let written = async {
            tokio::fs::write(&pem, authority.pem()).await?;
            let bytes = java_store(authority.der()).map_err(std::io::Error::other)?;
            tokio::fs::write(&store, bytes).await
        };
        written.await.map_err(unmade)?;
        Ok(Self { authority, pem, store })
    }

    /// What an edge shows to callers that know it by these names.
    pub(super) fn identity(&self, names: &[String]) -> Result<Identity, StepError> {
        self.authority.identity(names).map_err(unmade)
    }

    /// Its files.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        vec![self.pem.clone(), self.store.clone()]
    }

    /// The variables from which languages and libraries learn whom to trust, those aside that the service sets itself.
    pub(super) fn variables(&self, mesh: &Mesh, name: &str, service: &Service) -> Vec<(&'static str, String)> {
        if !mesh.trusts(name) {
            return Vec::new();
        }
        let variables = variables(&self.pem, &self.store);
        let own = |name: &str| service.environment.contains_key(name);
        variables.into_iter().filter(|(name, _)| !own(name)).collect()
    }
}

/// The variables from which languages and libraries learn whom to trust: a certificate's files in PEM and as Java reads it.
#[must_use]
pub fn variables(pem: &Path, store: &Path) -> [(&'static str, String); 7] {
    let (pem, store) = (pem.display().to_string(), store.display());
    let java = format!(
        "-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword={PASSWORD}"
    );
    [
        ("SSL_CERT_FILE", pem.clone()),
        ("CURL_CA_BUNDLE", pem.clone()),
        ("NODE_EXTRA_CA_CERTS", pem.clone()),
        ("REQUESTS_CA_BUNDLE", pem.clone()),
        ("AWS_CA_BUNDLE", pem.clone()),
        ("PGSSLROOTCERT", pem),
        ("JAVA_TOOL_OPTIONS", java),
    ]
}

/// A trust store as Java reads it (PKCS 12), of a certificate in DER.
///
/// # Errors
/// When it is no certificate.
pub fn java_store(certificate: &[u8]) -> Result<Vec<u8>, p12_keystore::error::Error> {
    let mut store = KeyStore::new();
    let certificate = Certificate::from_der(certificate)?;
    store.add_entry("momus", KeyStoreEntry::Certificate(certificate));
    let writer = store.writer(PASSWORD);
    writer.encryption_iterations(1_000).mac_iterations(1_000).write()
}

fn unmade(error: impl std::fmt::Display) -> StepError {
    Failure::unknown(format!("the CA of the run cannot be made: {error}"))
}
