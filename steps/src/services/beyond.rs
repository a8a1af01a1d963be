//! Whether any service reaches for what none of its edges leads to.

use std::net::SocketAddr;

use momus_engine::event::Happening;
use momus_engine::eventually::{Look, Verdict};
use momus_engine::mesh::{Mesh, Source};
use momus_engine::parameter::Value;
use momus_engine::step;
use momus_engine::step::BlockShape;
use momus_engine::timing::Timing;
use momus_engine::world::World;

step! {
    /// Expects that no service, from its start until the mesh is quiet, connects or sends a datagram to an address that none
    /// of its edges leads to, nor asks for the name of such.
    ///
    /// It needs walls around services (`momus run` has them where the system allows namespaces): whatever a program dials
    /// inside, in whatever language, is an edge's, or is refused and stands on the timeline. What it dials on `localhost` is its
    /// own, and does not count.
    ///
    /// ```gherkin
    /// When I send POST "/orders" to shop
    /// Then no service reaches beyond its edges
    /// ```
    "no service reaches beyond its edges", BlockShape::Nothing, check: check_processes, drives: false, walls: true;
    pub fn beyond(world; _block) {
        let expected = "a service reaches beyond its edges";
        let look = || async {
            let tries = tries(world);
            Ok(Look {
                verdict: if tries.is_empty() { Verdict::NotYet } else { Verdict::Held },
                seen: match tries.is_empty() {
                    true => "no service has tried to".to_owned(),
                    false => tries.join("\n"),
                },
                distance: u64::from(tries.is_empty()),
            })
        };
        world.expect(Timing::Never { within: None }, expected, look).await
    }
}

/// The tries so far, each once, in their order.
fn tries(world: &World) -> Vec<String> {
    let mut tries = Vec::new();
    for event in world.timeline.snapshot() {
        let Happening::Beyond { service, to, what } = event.happening else {
            continue;
        };
        let own = to.parse().is_ok_and(|address: SocketAddr| address.ip().is_loopback());
        let told = format!("{service} → {to}  {what}");
        if !own && !tries.contains(&told) {
            tries.push(told);
        }
    }
    tries
}

/// Where nothing is started there is nothing to tell of.
fn check_processes(mesh: &Mesh, _values: &[Value]) -> Result<(), String> {
    let mut services = mesh.services.values();
    match services.any(|service| matches!(service.source, Source::Command(_))) {
        true => Ok(()),
        false => Err(
            "no service of the mesh is started by Momus; hint: only around those with a `command` are there walls"
                .into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use momus_engine::step::Block;

    use super::*;
    use crate::testing::{Scenario, steady};

    const SENTENCE: &str = "no service reaches beyond its edges";

    fn tried(scenario: &Scenario, to: &str) {
        scenario.world.timeline.record(Happening::Beyond {
            service: "shop".into(),
            to: to.into(),
            what: "refused: no edge of it leads there".into(),
        });
    }

    #[tokio::test]
    async fn a_try_fails_it_and_what_is_the_services_own_does_not() {
        let mut scenario = Scenario::begin();
        let activity = scenario.world.timeline.activity();
        activity.settles_in(Some(Duration::from_millis(1)));
        tried(&scenario, "127.0.0.1:6379");
        tried(&scenario, "[::1]:6379");
        scenario.passes(SENTENCE, Block::Nothing).await;
        tried(&scenario, "192.0.2.1:443");
        tried(&scenario, "192.0.2.1:443");
        tried(&scenario, "api.example.com");
        insta::assert_snapshot!(steady(&scenario.fails(SENTENCE, Block::Nothing).await), @r"
        Failed: it came to hold, after TIME
        expected:
          never: a service reaches beyond its edges
        seen:
          shop → 192.0.2.1:443  refused: no edge of it leads there
          shop → api.example.com  refused: no edge of it leads there
        ");
    }

    #[test]
    fn a_mesh_of_which_nothing_is_started_is_told_while_planning() {
        let mesh = |service: &str| {
            Mesh::parse(
                &format!("mesh: m\nservices: {{ shop: {service} }}"),
                Path::new("/m/mesh.yaml"),
            )
            .unwrap()
        };
        assert_eq!(check_processes(&mesh("{ command: [shop] }"), &[]), Ok(()));
        assert!(check_processes(&mesh("{ url: 'http://localhost:1' }"), &[]).is_err());
    }
}
