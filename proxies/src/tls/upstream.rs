//! TLS towards an upstream that speaks it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::{Connect, TlsConnector};

use crate::socket::Begun;

/// An upstream that speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsUpstream {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whom its certificate must be of: a host name or an IP address.
    pub name: String,
    /// Who must have signed it.
    pub roots: Roots,
}

/// The authorities that an upstream's certificate may be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// Those that this machine trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` of the runner name others.
    System,
    /// This one alone: a certificate in DER.
    Only(Vec<u8>),
}

/// Agrees on TLS with an upstream that is connected to, and on one of these protocols (ALPN, RFC 7301) if there are any.
///
/// # Errors
/// When the upstream's name is none, or this machine's authorities cannot be read.
pub(crate) fn agree(stream: TcpStream, upstream: &TlsUpstream, protocols: Vec<Vec<u8>>) -> io::Result<Connect<Begun>> {
    let name = ServerName::try_from(upstream.name.clone()).map_err(io::Error::other)?;
    let mut config = config(&upstream.roots)?;
    if !protocols.is_empty() {
        Arc::make_mut(&mut config).alpn_protocols = protocols;
    }
    Ok(TlsConnector::from(config).connect(name, stream.into()))
}

fn config(roots: &Roots) -> io::Result<Arc<ClientConfig>> {
    // Reading the system's takes tens of milliseconds.
    static SYSTEM: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    match roots {
        Roots::System => {
            if let Some(config) = SYSTEM.get() {
                return Ok(Arc::clone(config));
            }
            let config = trusting(rustls_native_certs::load_native_certs().certs)?;
            Ok(Arc::clone(SYSTEM.get_or_init(|| config)))
        }
        Roots::Only(root) => trusting(vec![CertificateDer::from(root.clone())]),
    }
}

fn trusting(certificates: Vec<CertificateDer<'static>>) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
