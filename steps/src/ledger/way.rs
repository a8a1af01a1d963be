//! The way of things through the mesh: at which stages of their ledger they were seen, when and where.

use std::time::Duration;

use momus_engine::failure::StepError;
use momus_engine::mesh::Ledger;
use momus_engine::world::World;

use super::eye::Eye;
use super::sighting::Sighting;

/// So many sightings of one thing at one stage are told.
const TOLD: usize = 3;

/// The way of each of these things, a line each.
pub(super) async fn ways(world: &mut World, ledger: &Ledger, ids: &[String]) -> Vec<String> {
    let mut stages = Vec::new();
    for (name, stage) in &ledger.stages {
        let seen = match Eye::open(world, stage) {
            Ok(eye) => eye.look(&world.timeline).await.map(|seen| seen.sightings),
            Err(failure) => Err(failure),
        };
        stages.push((name.as_str(), seen));
    }
    ids.iter().map(|id| way(id, &stages)).collect()
}

fn way(id: &str, stages: &[(&str, Result<Vec<Sighting>, StepError>)]) -> String {
    let stages = stages.iter().map(|(name, seen)| match seen {
        Ok(sightings) => {
            let of_it = sightings.iter().filter(|sighting| sighting.id.as_deref() == Some(id));
            at_stage(name, &of_it.collect::<Vec<_>>())
        }
        Err(failure) => format!("perhaps {name} ({failure})"),
    });
    format!("{id}: {}", stages.collect::<Vec<_>>().join(", "))
}

fn at_stage(name: &str, sightings: &[&Sighting]) -> String {
    let told = |sighting: &&Sighting| {
        let at = sighting.at.map(|at| format!("{} ", since(at))).unwrap_or_default();
        format!("{at}({})", sighting.place)
    };
    match sightings {
        [] => format!("not {name}"),
        [one] if one.certain => format!("{name} {}", told(one)),
        [one] => format!("perhaps {name} {}", told(one)),
        several => {
            let mut all: Vec<String> = several.iter().take(TOLD).map(told).collect();
            if several.len() > TOLD {
                all.push(format!("{} more", several.len() - TOLD));
            }
            format!("{name} {} times: {}", several.len(), all.join(" and "))
        }
    }
}

/// A time as the reports tell it.
pub(crate) fn since(at: Duration) -> String {
    format!("+{:.3} s", at.as_secs_f64())
}
