//! Environments: where the services of a mesh run, and what stands around them.

pub mod cache;
pub mod guardian;
pub mod process;
pub(crate) mod loopback;
pub mod s3;
pub mod standins;
pub mod servers;
