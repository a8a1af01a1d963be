//! Datagrams of DogStatsD: each line is read, or says why not.
#![no_main]

use momus_environments::standins::statsd::datagram::parse;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let lines = data.split(|byte| *byte == b'\n');
    let count = lines.filter(|line| !line.is_empty() && *line != b"\r").count();
    assert_eq!(parse(data).len(), count);
});
