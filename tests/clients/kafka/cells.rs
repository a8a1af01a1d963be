//! How a cell comes about: a program runs directly and through an edge, at the same time.

use std::process::Stdio;
use std::time::Duration;

use futures::future::join_all;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::broker::{Sandbox, direct};
use crate::table::Cell;

/// How long a program may take, on a loaded machine.
const LIMIT: Duration = Duration::from_secs(120);

/// How many programs run at once.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// What a program says; an error with all that it wrote when it fails or does not end.
pub async fn said(mut command: Command) -> Result<String, String> {
    let _turn = AT_ONCE.acquire().await.unwrap();
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = match timeout(LIMIT, command.output()).await {
        Ok(output) => output.map_err(|error| format!("{command:?}: {error}"))?,
        Err(_) => return Err(format!("it did not end within {LIMIT:?}")),
    };
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    match output.status.success() {
        true => Ok(out.into_owned()),
        false => Err(format!("{}\n{out}{err}", output.status)),
    }
}

/// The cells of a client whose program takes the broker's address, a feature and what its names begin with.
///
/// The names are the same both times: behind the edge they are others.
pub async fn cells(client: &str, short: &str, features: &[&str], program: impl Fn() -> Command) -> Vec<Cell> {
    let broker = direct().await;
    join_all(features.iter().map(async |&feature| {
        let sandbox = Sandbox::new().await;
        let names = format!("{short}-{feature}");
        let run = |address: &str| {
            let mut command = program();
            command.args([address, feature, &names]);
            said(command)
        };
        let (direct, proxied) = tokio::join!(run(&broker), run(&sandbox.address()));
        Cell {
            client: client.to_owned(),
            feature: feature.to_owned(),
            direct,
            proxied: sandbox.check(proxied),
            wire: sandbox.wire(),
        }
    }))
    .await
}
