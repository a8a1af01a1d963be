//! The engine: the contracts of a run and the run itself. It knows no concrete step, fault, platform or report.

pub mod activity;
pub mod count;
pub mod draw;
pub mod event;
pub mod eventually;
pub mod extensions;
pub mod failure;
pub mod injection;
pub mod masks;
pub mod matching;
pub mod mesh;
pub mod outcome;
pub mod parameter;
pub mod phrase;
pub mod plan;
pub mod run;
pub mod sandbox;
pub mod scopes;
pub mod step;
pub mod tags;
pub mod template;
pub mod timeline;
pub mod timing;
pub mod values;
pub mod vocabulary;
pub mod world;
