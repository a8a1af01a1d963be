//! Node's pg.

use tokio::process::Command;

use super::cells::shown;
use super::ground::Way;
use crate::tools::{node_path, programs};

const FEATURES: &[&str] = &[
    "startup",
    "encryption",
    "password",
    "simple",
    "extended",
    "prepared",
    "queue",
    "notify",
    "cancel",
    "transactions",
    "errors",
    "large",
    "cursor",
];

#[tokio::test]
async fn pg() {
    tokio::task::spawn_blocking(node_path).await.unwrap();
    let says = async |feature: &str, way: &Way<'_>| {
        let mut command = Command::new("node");
        command.env("NODE_PATH", node_path());
        command.arg(programs().join("node/postgres.js"));
        command.args([&way.url, feature]);
        way.said(command).await
    };
    shown("pg 8.23.1", "pg", FEATURES, says).await;
}
