//! What stands in, inside this process, for what a mesh talks to beyond itself: third parties, the
//! metrics agent and the log store. One instance a sandbox; its state is its own.

use std::sync::Arc;

mod body;
pub mod log_line;
pub mod logs;
pub mod partner;
pub mod statsd;

/// Is told each thing that a stand-in receives, at once and in the order of arrival on a
/// connection. It must not block: it runs where the answer is made.
pub type Listener<T> = Arc<dyn Fn(T) + Send + Sync>;
