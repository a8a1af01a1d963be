//! What callers speak TLS with.

use std::sync::Arc;

use momus_proxies::tls::Authority;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// Roots with the edges' CA among them alone.
pub fn roots_of(authority: &Authority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.der().to_vec())).unwrap();
    roots
}

/// A caller's that trusts these, and would speak these protocols.
pub fn connector(roots: RootCertStore, protocols: &[&str]) -> TlsConnector {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = names(protocols);
    TlsConnector::from(Arc::new(config))
}

/// Protocols as they are offered and chosen.
pub fn names(protocols: &[&str]) -> Vec<Vec<u8>> {
    protocols.iter().map(|name| name.as_bytes().to_vec()).collect()
}
