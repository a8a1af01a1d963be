//! The CA of a run, whose keys live in memory alone.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a certificate: {0}")]
pub struct AuthorityError(String);

impl AuthorityError {
    fn of(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// A certificate authority of its own. Whoever trusts it trusts the edges whose certificates it makes; it ends, and its key
/// with it, when this is dropped.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// A CA of a new key.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new() -> Result<Self, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = called("Momus CA of this run");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(AuthorityError::of)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(AuthorityError::of)?;
        Ok(Self { issuer })
    }

    /// Its certificate, in PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Its certificate, in DER.
    pub fn der(&self) -> &[u8] {
        self.issuer.der()
    }

    /// A certificate for `localhost`, the loopback addresses and these names and addresses, with a key of its own; the first
    /// is its subject.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn identity(&self, names: &[String]) -> Result<Identity, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = called(names.first().map_or("localhost", String::as_str));
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for host in ["localhost"].into_iter().chain(names.iter().map(String::as_str)) {
            params.subject_alt_names.push(match host.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(host.try_into().map_err(AuthorityError::of)?),
            });
        }
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        params.subject_alt_names.extend(loopback.map(SanType::IpAddress));
        let key = KeyPair::generate().map_err(AuthorityError::of)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(AuthorityError::of)?;
        let chain = vec![certificate.der().clone()];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(AuthorityError::of)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(AuthorityError::of)?;
        Ok(Identity(config))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

fn called(name: &str) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}

/// What an edge shows to its caller: a certificate, and its key.
#[derive(Clone, Debug)]
pub struct Identity(ServerConfig);

impl Identity {
    /// As a server shows it that speaks this protocol (ALPN, RFC 7301), if it has a name; a caller that asks for none is served
    /// all the same.
    pub(crate) fn server(&self, protocol: Option<&[u8]>) -> Arc<ServerConfig> {
        let mut config = self.0.clone();
        config.alpn_protocols = protocol.map(<[u8]>::to_vec).into_iter().collect();
        Arc::new(config)
    }
}
