//! The engine: the contracts of a run and the run itself. It knows no concrete step, fault, platform or report.

pub mod count;
pub mod event;
pub mod eventually;
pub mod failure;
pub mod injection;
pub mod matching;
pub mod mesh;
pub mod outcome;
pub mod parameter;
pub mod template;
pub mod timeline;
pub mod timing;
