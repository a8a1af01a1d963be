//! Faults on edges: rules on the proxies between a service and what it depends on.

pub(crate) mod answer;
pub(crate) mod cut;
pub(crate) mod refusal;

use momus_engine::failure::Failure;
use momus_engine::injection::Strikes;
use momus_engine::mesh::Mesh;
use momus_engine::parameter::Value;
use momus_engine::step::StepResult;
use momus_engine::world::World;
use momus_proxies::edge::Edge;
use momus_proxies::edges::Edges;
use momus_proxies::rule::Rule;

/// The built-in edge that is UDP: services send to its stand-in without a proxy in between.
const WITHOUT_PROXY: &str = "statsd";

/// The two names of a sentence about an edge, in its order; empty ones where it has no two.
fn ends(values: &[Value]) -> (&str, &str) {
    let mut names = values.iter().filter_map(|value| match value {
        Value::Name { name, .. } => Some(name.as_str()),
        _ => None,
    });
    (names.next().unwrap_or_default(), names.next().unwrap_or_default())
}

/// Whom a name of the mesh has an edge to; nobody where it is no service.
fn dependencies<'m>(mesh: &'m Mesh, name: &str) -> Vec<&'m str> {
    let service = mesh.services.get(name);
    service.map(|service| service.dependencies()).unwrap_or_default()
}

/// Tells while planning that there is no edge from the one end to the other, and which there are.
fn leads(mesh: &Mesh, (from, to): (&str, &str)) -> Result<(), String> {
    let has = dependencies(mesh, from);
    if has.contains(&to) {
        return has_proxy(from, to);
    }
    let hint = if dependencies(mesh, to).contains(&from) {
        format!("the edge between them leads from {to} to {from}")
    } else {
        format!("it {}", depends_on(&has))
    };
    Err(format!("{from} does not depend on {to}; hint: {hint}"))
}

/// Tells while planning that there is no edge between the two, in neither direction, and which there are.
fn is_between(mesh: &Mesh, (one, other): (&str, &str)) -> Result<(), String> {
    let (of_one, of_other) = (dependencies(mesh, one), dependencies(mesh, other));
    if of_one.contains(&other) {
        return has_proxy(one, other);
    }
    if of_other.contains(&one) {
        return Ok(());
    }
    let mut hint = format!("{one} {}", depends_on(&of_one));
    if other != one && mesh.services.contains_key(other) {
        hint = format!("{hint}; {other} {}", depends_on(&of_other));
    }
    Err(format!("there is no edge between {one} and {other}; hint: {hint}"))
}

fn has_proxy(from: &str, to: &str) -> Result<(), String> {
    if to != WITHOUT_PROXY {
        return Ok(());
    }
    Err(format!("what {from} sends to {to} is UDP, and no proxy carries it"))
}

fn depends_on(names: &[&str]) -> String {
    if names.is_empty() {
        return "depends on nothing".into();
    }
    format!("depends on {}", names.join(", "))
}

/// Injects a fault that is a rule on each edge that there is of `ends` (caller and dependency), and must strike so often.
fn inject(
    world: &mut World,
    fault: String,
    (at_least, if_reached): (u64, bool),
    ends: &[(&str, &str)],
    rule: impl Fn(&Edge, Strikes) -> Rule,
) -> StepResult {
    let sandbox = world.sandbox()?;
    let edges = sandbox.extensions().get::<Edges>();
    let edges = ends
        .iter()
        .filter_map(|(from, to)| edges?.get(from, to))
        .collect::<Vec<_>>();
    if edges.is_empty() {
        return Err(Failure::unknown(format!("the sandbox has no edge for the {fault}")));
    }
    let injection = world.injections.inject(&world.timeline, fault, at_least, |strikes| {
        let rules: Vec<Rule> = edges.iter().map(|edge| rule(edge, strikes.clone())).collect();
        Some(Box::new(move || {
            drop(rules);
            Box::pin(std::future::ready(Ok(())))
        }))
    });
    injection.if_reached = if_reached;
    Ok(())
}
