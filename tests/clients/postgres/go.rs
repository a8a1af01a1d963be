//! Go's pgx.

use tokio::process::Command;

use super::cells::shown;
use super::ground::Way;
use crate::tools;

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
];

#[tokio::test]
async fn pgx() {
    let program = tokio::task::spawn_blocking(|| tools::go("postgres")).await.unwrap();
    let says = async |feature: &str, way: &Way<'_>| {
        let mut command = Command::new(&program);
        command.args([&way.url, feature]);
        way.said(command).await
    };
    shown("pgx 5.13.0", "pgx", FEATURES, says).await;
}
