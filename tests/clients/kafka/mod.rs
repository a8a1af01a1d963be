//! The Kafka edge, shown with clients that nobody here wrote against the real broker.

mod broker;
mod cells;
mod go;
mod java;
mod node;
mod python;
mod recording;
mod rust;
mod strangers;
mod tap;
