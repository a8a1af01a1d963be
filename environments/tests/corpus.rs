//! The fuzz target of DogStatsD's datagrams over its corpus (`fuzz/`).

use std::path::Path;

use momus_environments::standins::statsd::datagram::parse;

#[test]
fn every_line_of_the_corpus_is_read_or_says_why_not() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/statsd");
    let (mut read, mut malformed) = (0, 0);
    for entry in corpus.read_dir().unwrap() {
        let datagram = std::fs::read(entry.unwrap().path()).unwrap();
        let lines = datagram.split(|byte| *byte == b'\n');
        let count = lines.filter(|line| !line.is_empty() && *line != b"\r").count();
        let messages = parse(&datagram);
        assert_eq!(messages.len(), count, "{}", String::from_utf8_lossy(&datagram));
        read += messages.iter().filter(|(_, message)| message.is_ok()).count();
        malformed += messages.iter().filter(|(_, message)| message.is_err()).count();
    }
    assert!(read > 3 && malformed > 1, "{read} and {malformed}");
}
