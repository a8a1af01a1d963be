//! How a cell comes about: a program runs directly and through an edge, at the same time.

use futures::future::join_all;
use tokio::process::Command;

use super::broker::{Sandbox, direct};
use crate::program::said;
use crate::table::Cell;

/// What a client is tried for that knows both protocols of groups.
pub const FEATURES: [&str; 8] = [
    "group",
    "group-848",
    "rebalance",
    "rebalance-848",
    "transactions",
    "codecs",
    "headers",
    "admin",
];

/// The cells of a client whose program takes the broker's address, a feature and what its names begin with.
///
/// The names are the same both times: behind the edge they are others.
pub async fn cells(client: &str, short: &str, features: &[&str], program: impl Fn() -> Command) -> Vec<Cell> {
    let broker = direct().await;
    join_all(features.iter().map(async |&feature| {
        let sandbox = Sandbox::new().await;
        // None begins with another: programs list what begins with theirs.
        let names = format!("{short}-{feature}_");
        let run = |address: &str| {
            let mut command = program();
            command.args([address, feature, &names]);
            async move { said(&mut command).await }
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
