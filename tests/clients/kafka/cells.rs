//! How a cell comes about: a program runs directly, through an edge, and through one at which TLS ends, all at the same
//! time and with the same names. So two sandboxes whose names are equal do the same at once, too.

use futures::future::join_all;
use tokio::process::Command;

use super::broker::{Sandbox, direct};
use crate::program::said;
use crate::table::Cell;
use crate::trust::Trust;

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
/// The names are the same each time: behind an edge they are others.
pub async fn cells(client: &str, short: &str, features: &[&str], program: impl Fn() -> Command) -> Vec<Cell> {
    let (broker, trust) = (direct().await, Trust::new());
    join_all(features.iter().map(async |&feature| {
        let (plain, within) = (Sandbox::new(None).await, Sandbox::new(Some(&trust)).await);
        // None begins with another: programs list what begins with theirs.
        let names = format!("{short}-{feature}_");
        let run = |address: &str, trust: Option<&Trust>| {
            let mut command = program();
            command.args([address, feature, &names]);
            if let Some(trust) = trust {
                speak_tls(&mut command, trust);
            }
            async move { said(&mut command).await }
        };
        let (direct, edge, tls) = tokio::join!(
            run(&broker, None),
            run(&plain.address(), None),
            run(&within.address(), Some(&trust))
        );
        Cell {
            client: client.to_owned(),
            feature: feature.to_owned(),
            direct: Some(direct),
            proxied: plain.settled(edge).await,
            tls: Some(within.settled(tls).await),
            wire: plain.wire(),
        }
    }))
    .await
}

/// Tells a program to speak TLS, and whom to trust.
pub fn speak_tls(command: &mut Command, trust: &Trust) {
    trust.tell(command);
    command.env("SECURITY_PROTOCOL", "SSL");
}

/// What a program says of several features, each behind a line `== FEATURE`, or `== FEATURE failed`.
pub fn sections(said: &str) -> Vec<(String, Result<String, String>)> {
    let parts = said.split("== ").skip(1).map(|part| {
        let (head, text) = part.split_once('\n').unwrap_or((part, ""));
        match head.strip_suffix(" failed") {
            Some(feature) => (feature.to_owned(), Err(text.to_owned())),
            None => (head.to_owned(), Ok(text.to_owned())),
        }
    });
    parts.collect()
}

/// What was said of one feature by a program that was told of many.
pub fn of(feature: &str, said: &Result<String, String>) -> Result<String, String> {
    let all = said.as_ref().map_err(String::clone)?;
    let mut parts = sections(all).into_iter();
    let found = parts.find(|(name, _)| name == feature);
    found.map_or_else(|| Err(format!("it did not come to it: {all}")), |(_, said)| said)
}
