//! Metrics: what services send to the metrics agent (DogStatsD).

mod gauge;
mod has;
mod rises;
mod sent;
mod source;
#[cfg(test)]
mod testing;

use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::step::StepDefinition;

/// The sentences about them.
pub fn definitions() -> Vec<StepDefinition> {
    vec![rises::rises(), gauge::gauge(), has::has()]
}

/// Where no service has the agent's address, nothing can ever be sent to it.
fn check_agent(mesh: &Mesh, _values: &[Value]) -> Result<(), String> {
    let mut services = mesh.services.values();
    if services.any(|service| service.dependencies().contains(&"statsd")) {
        return Ok(());
    }
    Err("no service of the mesh has the address of a metrics agent; hint: give one `${edge.statsd.host}` and `${edge.statsd.port}` in its environment".into())
}
