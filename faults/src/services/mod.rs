//! Faults of services' processes, and what ends them.

pub(crate) mod kill;
pub(crate) mod pause;
pub(crate) mod ready;
pub(crate) mod restart;
pub(crate) mod start;

use momus_engine::parameter::Value;

/// The service of a sentence about one.
fn service(values: &[Value]) -> &str {
    match values {
        [Value::Name { name, .. }, ..] => name,
        _ => "",
    }
}
