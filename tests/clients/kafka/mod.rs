//! The Kafka edge, shown with clients that nobody here wrote against the real broker.

mod broker;
mod cells;
mod python;
mod tap;
