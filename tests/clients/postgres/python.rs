//! Python's psycopg: libpq.

use tokio::process::Command;

use super::cells::shown;
use super::ground::Way;
use crate::tools::{programs, python};

const FEATURES: &[&str] = &[
    "startup",
    "encryption",
    "password",
    "simple",
    "extended",
    "prepared",
    "pipeline",
    "copy",
    "notify",
    "cancel",
    "transactions",
    "errors",
    "large",
    "cursor",
    "replication",
];

#[tokio::test]
async fn psycopg() {
    tokio::task::spawn_blocking(python).await.unwrap();
    let says = async |feature: &str, way: &Way<'_>| {
        let mut command = Command::new(python());
        command.arg(programs().join("python/postgres.py"));
        command.args([&way.url, feature]);
        way.said(command).await
    };
    shown("psycopg 3.3.9", "psycopg", FEATURES, says).await;
}
