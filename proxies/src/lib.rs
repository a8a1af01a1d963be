//! Edges: what stands between a caller and its dependency, records what passes and breaks it on demand.

mod dialer;
mod door;
pub mod edge;
pub mod edges;
#[cfg(feature = "fuzzing")]
pub mod fuzz;
#[cfg(all(test, not(feature = "fuzzing")))]
mod fuzz;
mod gate;
mod greeting;
pub mod http;
pub mod kafka;
mod postgres;
mod reads;
mod relay;
pub mod rule;
mod socket;
#[cfg(any(test, feature = "fuzzing"))]
mod talk;
pub mod tls;
mod upstream;
mod wire;
