//! What a run tells people and machines: each reporter reads the run's events and nothing else.

mod feature_line;
pub mod happening_line;
pub mod junit;
pub mod reporter;
pub mod rerun;
mod scenarios;
pub mod terminal;
pub mod timeline;

#[cfg(test)]
mod sample;
