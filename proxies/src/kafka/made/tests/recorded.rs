//! Frames of real clients and a real broker (`tests/clients/recorded`, written by `tests/clients/kafka/recording.rs`), beside
//! those that are made up.

use std::collections::BTreeSet;
use std::path::Path;

use kafka_protocol::messages::ApiKey;

use super::*;
use crate::kafka::api::ids;

/// A request and its answer, if it has one, with what stands before the sandbox's names in them.
struct Recorded {
    client: String,
    prefix: String,
    request: Bytes,
    answer: Option<Bytes>,
}

impl Recorded {
    /// All of one file.
    fn read(path: &Path) -> Vec<Self> {
        let client = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let (mut rest, mut all) = (Bytes::from(std::fs::read(path).unwrap()), Vec::new());
        while !rest.is_empty() {
            let length = usize::from(rest.split_to(1)[0]);
            let prefix = String::from_utf8(rest.split_to(length).to_vec()).unwrap();
            let mut frame = || {
                let length = u32::from_be_bytes(*rest.first_chunk().unwrap());
                rest.split_to(4 + length as usize)
            };
            let (request, answer) = (frame(), frame());
            all.push(Self {
                client: client.clone(),
                prefix,
                request,
                answer: Some(answer).filter(|answer| answer.len() > 4),
            });
        }
        all
    }

    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/clients/recorded");
        let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.extension().is_some_and(|it| it == "frames"))
            .flat_map(|path| Self::read(&path))
            .collect()
    }

    /// Whether there is something of others in the answer, which the sandbox does not get.
    fn has_others(&self, answer: &Read) -> bool {
        let texts = texts(&answer.text).into_iter();
        let mut names = texts.filter(|(kind, _, text)| *kind == Kind::Name && !text.is_empty());
        names.any(|(_, _, name)| !name.starts_with(&self.prefix))
    }
}

#[test]
fn what_real_clients_and_a_real_broker_say_keeps_every_byte_that_is_no_name() {
    let (mut calls, mut answers, mut clients) = (BTreeSet::new(), 0, BTreeSet::new());
    for recorded in Recorded::all() {
        let (key, version, _) = ids(&recorded.request).unwrap();
        let Some(handler) = HANDLERS.iter().find(|handler| handler.key == key) else {
            assert!(matches!(key, 17 | 18 | 36), "{} {version}", name(key));
            continue;
        };
        if !(handler.versions.min..=handler.versions.max).contains(&version) {
            continue;
        }
        let place = format!(
            "{} {version} of {} behind `{}`",
            name(key),
            recorded.client,
            recorded.prefix
        );
        assert_eq!(
            request_is_kept(handler, version, recorded.request.clone()),
            Ok(()),
            "{place}"
        );
        calls.insert((key, version));
        clients.insert(recorded.client.clone());
        let Some(answer) = recorded.answer.clone() else {
            continue;
        };
        if recorded.has_others(&(handler.layout.read_answer)(&answer, version)) {
            continue;
        }
        let kept = answer_is_kept(handler, version, (recorded.request.clone(), answer), &recorded.prefix);
        assert_eq!(kept, Ok(()), "{place}");
        answers += 1;
    }
    let lacking: Vec<_> = [
        ApiKey::Produce,
        ApiKey::Fetch,
        ApiKey::JoinGroup,
        ApiKey::SyncGroup,
        ApiKey::TxnOffsetCommit,
    ]
    .into_iter()
    .filter(|key| !calls.iter().any(|(seen, _)| *seen == *key as i16))
    .collect();
    assert!(lacking.is_empty(), "{lacking:?}");
    assert!(
        clients.len() >= 6 && calls.len() > 60 && answers > 200,
        "{clients:?} {} {answers}",
        calls.len()
    );
}
