//! The stand-ins of a sandbox are reached by its edges alone: this process listens nowhere else. It is a program of its own, for
//! nothing else may listen in it.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod listening;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use listening::tcp_ports;
use momus_engine::mesh::Mesh;
use momus_engine::plan::Plan;
use momus_engine::run::Teller;
use momus_engine::sandbox::{CLIENT, Environment};
use momus_engine::timeline::{Clock, Timeline};
use momus_environments::cache::Cache;
use momus_environments::guardian::Launcher;
use momus_environments::process::{Options, ProcessEnvironment};

const MESH: &str = "mesh: doors
services:
  shop: { command: [sleep, '600'], depends_on: [receipts, bank, logs] }
buckets: { receipts: { owner: shop } }
partners: { bank: { rules: bank.yaml } }
";
const BANK: &str = "routes: [{ method: GET, path: /rates, answers: [{ answer: { status: 200, json: { rate: 7 } } }] }]";

fn environment(folder: &Path) -> (ProcessEnvironment, Plan) {
    std::fs::write(folder.join("bank.yaml"), BANK).unwrap();
    let mesh = Mesh::parse(MESH, &folder.join("mesh.yaml")).unwrap_or_else(|errors| panic!("{errors:?}"));
    let mesh = Arc::new(mesh);
    let options = Options {
        launcher: Launcher {
            program: env!("CARGO_BIN_EXE_momus-guardian").into(),
            arguments: Vec::new(),
        },
        cache: Cache::of_user().unwrap(),
        broker: None,
        ci: false,
        // Where a service's edges are ports of this machine's.
        walls: false,
        ready_limit: Duration::from_secs(30),
    };
    let plan = Plan {
        scenarios: Vec::new(),
        mesh: Some(Arc::clone(&mesh)),
        variables: Arc::default(),
    };
    (ProcessEnvironment::new(mesh, options), plan)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stand_ins_take_only_what_comes_through_an_edge() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = tempfile::tempdir().unwrap();
    let (environment, plan) = environment(folder.path());
    let clock = Clock::start();
    let (teller, _events) = Teller::new(clock);
    environment.prepare(&plan, &teller).await.unwrap();
    let sandbox = environment.sandbox(Timeline::new(clock, 0, "s0"), &[]).await.unwrap();
    let own = [(CLIENT, "shop"), (CLIENT, "receipts"), (CLIENT, "bank")];
    let edges = [("shop", "receipts"), ("shop", "bank"), ("shop", "logs")];
    let ends = own.into_iter().chain(edges);
    let doors: BTreeSet<u16> = ends
        .map(|(caller, dependency)| sandbox.endpoint(caller, dependency).unwrap().port)
        .collect();
    assert_eq!(doors.len(), 6);
    assert_eq!(tcp_ports(i32::try_from(std::process::id()).unwrap()), doors);

    let status = async |caller: &str, dependency: &str, path: &str| {
        let endpoint = sandbox.endpoint(caller, dependency).unwrap();
        let url = format!("http://{}:{}{path}", endpoint.host, endpoint.port);
        reqwest::get(url).await.unwrap().status().as_u16()
    };
    assert_eq!(status("shop", "bank", "/rates").await, 200);
    assert_eq!(status("shop", "logs", "/").await, 200);
    assert_eq!(status("shop", "receipts", "/receipts/unsigned").await, 403);
    sandbox.close().await.unwrap();
    environment.close().await.unwrap();
}
