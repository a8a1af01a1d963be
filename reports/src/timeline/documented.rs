//! `TIMELINE.md` tells every kind of event and every field of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use momus_engine::event::{FaultPhase, Frame, Happening, ServiceState, StepPlace};
use momus_engine::failure::Failure;
use momus_engine::outcome::{Outcome, Summary};
use serde_json::{Map, Value as Json};

use crate::sample;

const DOCUMENT: &str = include_str!("../../TIMELINE.md");

/// Fields whose objects have keys of the user's choosing.
const FREE: [&str; 4] = ["parts", "value", "body", "document"];

/// Each kind once, with all that it can tell.
fn every_kind() -> Vec<Happening> {
    let mut failure = Failure::expectation("m", "e", "s").hint("h").output(["o".into()]);
    failure.nearest = Some("n".into());
    failure.looks = Some(2);
    let (text, took) = (String::new, Duration::from_millis(1));
    vec![
        Happening::RunStarted {
            version: text(),
            seed: 1,
            mesh: Some(text()),
            scenarios: 1,
        },
        Happening::Notice { text: text() },
        Happening::FileError {
            file: text(),
            line: Some(1),
            message: text(),
            hint: Some(text()),
        },
        Happening::Progress { text: text() },
        Happening::ServerReady {
            server: text(),
            version: text(),
            took,
        },
        Happening::ScenarioStarted {
            place: sample::place("a.feature", 1, Some("r"), "n").into(),
            attempt: 1,
        },
        Happening::SandboxReady {
            parts: vec![("services".into(), took)],
        },
        Happening::SandboxClaimed { waited: took },
        Happening::StepStarted {
            step: 0,
            place: Arc::new(StepPlace {
                file: Some(text()),
                line: 1,
                text: text(),
                within: vec![Frame {
                    file: text(),
                    line: 1,
                    text: text(),
                }],
            }),
        },
        Happening::StepFinished {
            step: 0,
            outcome: Outcome::Failed,
            took,
            failure: Some(*failure.clone()),
        },
        Happening::Request {
            exchange: 1,
            caller: text(),
            dependency: text(),
            method: text(),
            path: text(),
        },
        Happening::Response {
            exchange: 1,
            caller: text(),
            dependency: text(),
            method: text(),
            path: text(),
            status: Some(200),
            grpc_status: Some(5),
            took,
        },
        Happening::Connection {
            caller: text(),
            dependency: text(),
            what: text(),
        },
        Happening::Beyond {
            service: text(),
            to: text(),
            what: text(),
        },
        Happening::KafkaCall {
            caller: text(),
            broker: text(),
            api: text(),
            about: text(),
            error: Some(3),
        },
        Happening::DatabaseSession {
            caller: text(),
            datastore: text(),
            role: text(),
        },
        Happening::Statement {
            caller: text(),
            datastore: text(),
            text: text(),
            tables: Some([text()].into()),
            parameters: Some(vec![Some(text()), None]),
            rows: Some(1),
            sqlstate: Some(text()),
            took,
        },
        Happening::Record {
            topic: text(),
            partition: 0,
            offset: 0,
            key: Some(text()),
            headers: Vec::new(),
            value: Json::Null,
        },
        Happening::Rows {
            datastore: text(),
            table: text(),
            rows: 1,
        },
        Happening::Objects {
            bucket: text(),
            names: Vec::new(),
        },
        Happening::PartnerCall {
            partner: text(),
            method: text(),
            path: text(),
            headers: Vec::new(),
            status: 200,
            body: Json::Null,
        },
        Happening::Log {
            service: text(),
            level: Some(text()),
            message: text(),
            document: Some(Json::Null),
        },
        Happening::Metric {
            service: text(),
            name: text(),
            kind: text(),
            value: text(),
            rate: 1.0,
            tags: Vec::new(),
        },
        Happening::AgentEvent {
            service: text(),
            title: text(),
            text: text(),
            fields: Vec::new(),
            tags: Vec::new(),
        },
        Happening::ServiceCheck {
            service: text(),
            name: text(),
            status: text(),
            message: Some(text()),
            host: Some(text()),
            tags: Vec::new(),
        },
        Happening::Service {
            service: text(),
            state: ServiceState::Exited {
                status: text(),
                told: true,
            },
        },
        Happening::Fault {
            fault: text(),
            phase: FaultPhase::Struck,
        },
        Happening::Expectation {
            expected: text(),
            seen: text(),
            held: true,
            looks: 1,
        },
        Happening::ScenarioFinished {
            outcome: Outcome::Failed,
            will_be_retried: false,
            took,
            failure: Some(*failure),
            logs: None,
            learned: Arc::default(),
        },
        Happening::RunFinished {
            summary: Summary::default(),
        },
    ]
}

/// Where each kind stands in [`every_kind`]: whoever adds a kind is led here by the compiler, and then to the document
/// by the tests below.
fn number(happening: &Happening) -> usize {
    match happening {
        Happening::RunStarted { .. } => 0,
        Happening::Notice { .. } => 1,
        Happening::FileError { .. } => 2,
        Happening::Progress { .. } => 3,
        Happening::ServerReady { .. } => 4,
        Happening::ScenarioStarted { .. } => 5,
        Happening::SandboxReady { .. } => 6,
        Happening::SandboxClaimed { .. } => 7,
        Happening::StepStarted { .. } => 8,
        Happening::StepFinished { .. } => 9,
        Happening::Request { .. } => 10,
        Happening::Response { .. } => 11,
        Happening::Connection { .. } => 12,
        Happening::Beyond { .. } => 13,
        Happening::KafkaCall { .. } => 14,
        Happening::DatabaseSession { .. } => 15,
        Happening::Statement { .. } => 16,
        Happening::Record { .. } => 17,
        Happening::Rows { .. } => 18,
        Happening::Objects { .. } => 19,
        Happening::PartnerCall { .. } => 20,
        Happening::Log { .. } => 21,
        Happening::Metric { .. } => 22,
        Happening::AgentEvent { .. } => 23,
        Happening::ServiceCheck { .. } => 24,
        Happening::Service { .. } => 25,
        Happening::Fault { .. } => 26,
        Happening::Expectation { .. } => 27,
        Happening::ScenarioFinished { .. } => 28,
        Happening::RunFinished { .. } => 29,
    }
}

/// A state of a service that has a field which others have not.
fn not_reusable() -> Happening {
    Happening::Service {
        service: "x".into(),
        state: ServiceState::NotReusable { why: "x".into() },
    }
}

/// How many kinds [`number`] knows.
const KINDS: usize = 30;

/// The document's tables by their heading: each row's first name, with the names in its other cells.
fn tables() -> BTreeMap<&'static str, BTreeMap<&'static str, BTreeSet<&'static str>>> {
    let mut tables = BTreeMap::<_, BTreeMap<_, _>>::new();
    for section in DOCUMENT.split("\n## ").skip(1) {
        let (heading, text) = section.split_once('\n').unwrap();
        let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
        let rows = rows.map(|row| {
            let (name, rest) = row.split_once('`').unwrap();
            (name, rest.split('`').skip(1).step_by(2).collect())
        });
        tables.insert(heading.trim_matches('`'), rows.collect());
    }
    tables
}

fn serialised(happening: Happening) -> Map<String, Json> {
    let mut event = sample::event(1, Some(0), happening);
    event.sandbox = Some("s".into());
    event.trace = Some("t".into());
    match serde_json::to_value(event).unwrap() {
        Json::Object(fields) => fields,
        other => panic!("{other}"),
    }
}

#[test]
fn every_kind_stands_in_the_document_with_all_its_fields_and_no_other() {
    let tables = tables();
    let common: BTreeSet<_> = tables["Every line"].keys().copied().collect();
    let (mut kinds, mut inners) = (BTreeSet::new(), BTreeMap::<String, BTreeSet<String>>::new());
    for happening in every_kind().into_iter().chain([not_reusable()]) {
        let fields = serialised(happening);
        let kind = fields["event"].as_str().unwrap();
        let told = tables["Kinds"]
            .get(kind)
            .unwrap_or_else(|| panic!("`{kind}` is not in TIMELINE.md"));
        let own: BTreeSet<_> = fields
            .keys()
            .map(String::as_str)
            .filter(|field| !common.contains(field))
            .collect();
        assert_eq!(own, *told, "the fields of `{kind}` and those that TIMELINE.md tells");
        assert!(common.iter().all(|field| fields.contains_key(*field)), "{fields:?}");
        for (field, value) in fields.iter().filter(|(field, _)| !FREE.contains(&field.as_str())) {
            if let Json::Object(inner) = value {
                let seen = inners.entry(field.clone()).or_default();
                seen.extend(inner.keys().cloned());
            }
        }
        kinds.insert(kind.to_owned());
    }
    for (field, seen) in inners {
        let told: BTreeSet<_> = tables[field.as_str()].keys().map(|&inner| inner.to_owned()).collect();
        assert_eq!(seen, told, "the fields of `{field}` and those that TIMELINE.md tells");
    }
    let told: BTreeSet<_> = tables["Kinds"].keys().map(|kind| (*kind).to_owned()).collect();
    assert_eq!(kinds, told, "kinds that TIMELINE.md tells");
}

#[test]
fn no_kind_is_left_out() {
    let numbers: Vec<_> = every_kind().iter().map(number).collect();
    assert_eq!(numbers, (0..KINDS).collect::<Vec<_>>());
}
