//! How a cell comes about: a program runs directly, through an edge, and through one at which TLS ends, each time with a
//! database of its own.

use std::collections::BTreeSet;

use futures::future::join_all;

use super::ground::Way;
use crate::table::{Cell, Said, judge, must_say};
use crate::trust::Trust;

/// What tells how it is encrypted: it says something else, on purpose, where TLS ends at the edge.
const ENCRYPTION: &str = "encryption";

/// Shows a client that says what it does with a feature on its way to a database: each time the same, and what its snapshot
/// has it say.
pub async fn shown(client: &str, snapshot: &str, features: &[&str], says: impl AsyncFn(&str, &Way<'_>) -> Said) {
    let cells = cells(client, features, says).await;
    judge("PostgreSQL", &cells);
    must_say(snapshot, &cells);
}

/// The cells of a client that says what it does with a feature on its way to a database.
async fn cells(client: &str, features: &[&str], says: impl AsyncFn(&str, &Way<'_>) -> Said) -> Vec<Cell> {
    let trust = Trust::new();
    let all = features.iter().map(async |&feature| {
        let (direct, plain) = (Way::direct().await, Way::proxied().await);
        let within = Way::within(&trust).await;
        // One after the other: replication slots are the server's, and have the same name each time.
        let said = direct.ended(says(feature, &direct).await).await;
        let proxied = plain.ended(says(feature, &plain).await).await;
        let tls = within.ended(says(feature, &within).await).await;
        let cell = |feature: &str, direct, proxied, tls, way: &Way<'_>| Cell {
            client: client.to_owned(),
            feature: feature.to_owned(),
            direct,
            proxied,
            tls,
            wire: way.wire(),
        };
        match feature {
            ENCRYPTION => vec![
                cell(ENCRYPTION, Some(said), proxied, None, &plain),
                cell("encryption-tls", None, tls, None, &within),
            ],
            _ => {
                let tls = tls.and_then(|said| as_without(&plain, &within).map(|()| said));
                vec![cell(feature, Some(said), proxied, Some(tls), &plain)]
            }
        }
    });
    join_all(all).await.into_iter().flatten().collect()
}

/// Whether the same messages were seen behind an edge with TLS as before one without.
fn as_without(plain: &Way<'_>, within: &Way<'_>) -> Result<(), String> {
    let seen = |way: &Way<'_>| {
        let seen = way.wire().into_iter();
        let asked = ["SSLRequest", "GSSENCRequest"];
        seen.filter(|seen| !asked.contains(&seen.as_str()))
            .collect::<BTreeSet<_>>()
    };
    let (plain, within) = (seen(plain), seen(within));
    match plain == within {
        true => Ok(()),
        false => Err(format!("the wire shows {within:?}, without TLS {plain:?}")),
    }
}
