//! Datagrams of DogStatsD: each line is read, or says why not. The parser alone is built, not the whole of its crate.
#![no_main]

#[path = "../../environments/src/standins/statsd/datagram.rs"]
pub mod datagram;
#[path = "../../environments/src/standins/statsd/message.rs"]
pub mod message;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let lines = data.split(|byte| *byte == b'\n');
    let count = lines.filter(|line| !line.is_empty() && *line != b"\r").count();
    assert_eq!(datagram::parse(data).len(), count);
});
