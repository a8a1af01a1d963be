//! What a run tells people and machines: each reporter reads the run's events and nothing else.

pub mod again;
pub mod cucumber_json;
mod explanation;
mod feature_files;
pub mod happening_line;
pub mod junit;
pub mod reporter;
pub mod rerun;
mod scenarios;
mod tail;
pub mod terminal;
pub mod timeline;

#[cfg(test)]
mod sample;
