//! Metrics: what services send to the metrics agent (DogStatsD).

mod event;
mod gauge;
mod has;
mod rises;
mod sent;
mod service_check;
mod source;
#[cfg(test)]
mod testing;
mod told;

use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::step::StepDefinition;

/// The sentences about them.
pub fn definitions() -> Vec<StepDefinition> {
    vec![
        rises::rises(),
        gauge::gauge(),
        has::has(),
        event::event(),
        service_check::service_check(),
    ]
}

/// Where no service has the agent's address, or not the one that is meant, nothing can ever be sent to it.
fn check_agent(mesh: &Mesh, values: &[Value]) -> Result<(), String> {
    let meant = values.iter().find_map(|value| match value {
        Value::Name { name, .. } => Some(name),
        _ => None,
    });
    let mut services = mesh
        .services
        .iter()
        .filter(|(name, _)| meant.is_none_or(|meant| meant == *name));
    if services.any(|(_, service)| service.dependencies().contains(&"statsd")) {
        return Ok(());
    }
    let (who, whom) = match meant {
        Some(service) => (service.as_str(), "it"),
        None => ("no service of the mesh", "one"),
    };
    let has = if meant.is_some() { "has no" } else { "has the" };
    Err(format!(
        "{who} {has} address of a metrics agent; hint: give {whom} `${{edge.statsd.host}}` and `${{edge.statsd.port}}` in its environment"
    ))
}
