//! Python's psycopg: libpq.

use tokio::process::Command;

use super::cells::cells;
use super::ground::Way;
use crate::table::{judge, must_say};
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
    let cells = cells("psycopg 3.3.9", FEATURES, says).await;
    judge("PostgreSQL", &cells);
    must_say("psycopg", &cells);
}
