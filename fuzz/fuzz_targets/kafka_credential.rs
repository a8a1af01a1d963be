//! `kafka_credential` of `proxies/src/fuzz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| momus_proxies::fuzz::kafka_credential(data));
