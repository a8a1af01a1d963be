//! What a run tells people and machines: each reporter reads the run's events and nothing else.

pub mod happening_line;
pub mod reporter;
pub mod timeline;

#[cfg(test)]
mod sample;
