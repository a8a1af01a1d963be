//! Edges: what stands between a caller and its dependency, records what passes and breaks it on demand.

pub mod edge;
mod gate;
pub mod http;
mod postgres;
mod relay;
pub mod rule;
