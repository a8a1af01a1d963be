//! Environments: where the services of a mesh run, and what stands around them.

pub mod cache;
pub mod guardian;
pub(crate) mod loopback;
pub mod process;
pub mod s3;
pub mod servers;
pub mod standins;
