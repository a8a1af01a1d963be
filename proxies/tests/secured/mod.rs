//! A server and a client that speak TLS, with certificates of their own.

mod trust;

use std::net::SocketAddr;
use std::sync::Arc;

use momus_engine::timeline::Timeline;
use momus_proxies::edge::{Edge, Protocol, Upstream};
use momus_proxies::tls::{Authority, Roots, TlsUpstream};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::client::TlsStream as Client;
use tokio_rustls::server::TlsStream as Server;

use self::trust::{connector, names, roots_of};

/// A server that speaks TLS, and an edge before it that does.
pub struct Secured {
    pub edge: Edge,
    listener: TcpListener,
    config: ServerConfig,
    roots: RootCertStore,
}

impl Secured {
    pub async fn new(protocol: Protocol, timeline: Timeline) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let authority = Authority::new().unwrap();
        let mut roots = roots_of(&authority);
        roots.add(certificate.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Upstream::Tls(TlsUpstream {
            address: listener.local_addr().unwrap(),
            name: "localhost".into(),
            roots: Roots::Only(certificate.to_vec()),
        });
        let identity = authority.identity(&[]).unwrap();
        let edge = Edge::listen_tls("shop", "billing", upstream, protocol, &identity, timeline);
        Self {
            edge: edge.await.unwrap(),
            listener,
            config,
            roots,
        }
    }

    /// Where the server listens, and where the edge does.
    pub fn ways(&self) -> [SocketAddr; 2] {
        [self.listener.local_addr().unwrap(), self.edge.address()]
    }

    pub async fn accept(&self, protocols: &[&str]) -> std::io::Result<Server<TcpStream>> {
        let mut config = self.config.clone();
        config.alpn_protocols = names(protocols);
        let (stream, _) = self.listener.accept().await?;
        TlsAcceptor::from(Arc::new(config)).accept(stream).await
    }

    pub async fn connect(&self, to: SocketAddr, protocols: &[&str]) -> std::io::Result<Client<TcpStream>> {
        let stream = TcpStream::connect(to).await?;
        let name = ServerName::try_from("localhost").unwrap();
        connector(self.roots.clone(), protocols).connect(name, stream).await
    }
}
