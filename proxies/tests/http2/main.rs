//! HTTP/2 with prior knowledge through an HTTP edge, between peers that nobody here wrote.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod peers;
mod record;
mod rules;
mod upgrade;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
