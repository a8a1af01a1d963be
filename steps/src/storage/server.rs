//! A store for the tests of these sentences: S3 in process, over a folder.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use momus_engine::sandbox::Endpoint;
use momus_proxies::edge::{Protocol, Purpose, Upstream};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::testing::Scenario;

/// The bucket `receipts`, which somebody else writes.
pub(crate) struct Receipts(TempDir);

/// A scenario with an empty bucket that the test client reaches over an edge.
pub(super) async fn scenario() -> (Scenario, Receipts) {
    let mut scenario = Scenario::begin();
    let receipts = serve(&mut scenario).await;
    (scenario, receipts)
}

/// Has the test client find an empty bucket behind an edge.
pub(crate) async fn serve(scenario: &mut Scenario) -> Receipts {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("receipts")).expect("it is ours");
    let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).expect("the folder is there"));
    service.set_auth(SimpleAuth::from_single("momus", "a secret of the run"));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let http = auto::Builder::new(TokioExecutor::new());
                // A client that breaks off ends its own connection and nothing else.
                drop(http.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    let edge = scenario
        .edge("receipts", Upstream::Tcp(address), Protocol::Http(Purpose::Objects))
        .await
        .address();
    let endpoint = Endpoint {
        address: format!("http://{edge}"),
        url: format!("http://{edge}"),
        user: Some("momus".into()),
        password: Some("a secret of the run".into()),
        database: Some("receipts".into()),
        ..Endpoint::default()
    };
    scenario.endpoint("receipts", endpoint);
    Receipts(folder)
}

impl Receipts {
    /// Writes an object whole, as S3 does: nobody sees half of it.
    pub fn put(&self, name: &str, content: &[u8]) {
        let path = self.0.path().join("receipts").join(name);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("it is ours");
        let written = self.0.path().join("written");
        std::fs::write(&written, content).expect("it is ours");
        std::fs::rename(written, path).expect("it is one file system");
    }

    pub fn delete(&self, name: &str) {
        std::fs::remove_file(self.0.path().join("receipts").join(name)).expect("it is there");
    }
}
