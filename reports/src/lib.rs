//! What a run tells people and machines: each reporter reads the run's events and nothing else.

pub mod again;
pub mod cucumber_json;
mod explanation;
mod feature_files;
pub mod folder;
pub mod formats;
pub mod github;
pub mod happening_line;
pub mod junit;
mod report_file;
pub mod reporter;
pub mod reports;
pub mod rerun;
mod scenarios;
mod tail;
pub mod terminal;
pub mod timeline;

#[cfg(test)]
mod sample;
