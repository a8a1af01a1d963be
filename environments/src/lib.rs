//! Environments: where the services of a mesh run, and what stands around them.

pub mod cache;
pub mod guardian;
pub(crate) mod in_process;
pub mod process;
pub mod s3;
pub mod servers;
pub mod standins;
