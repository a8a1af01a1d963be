//! No text of any event tells a secret.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::event::FaultPhase;
use crate::masks::SecretPlace;
use crate::outcome::{Outcome, Summary};
use crate::timeline::Clock;

const SECRET: &str = "open-sesame-7";

fn masks() -> Masks {
    let places = ["header x-api-key", "$.card.number"].map(|place| SecretPlace::parse(place).unwrap());
    Masks::new([SECRET.to_owned()], places).unwrap()
}

/// Each event that has texts, with the secret in every one of them.
fn every_kind() -> Vec<Happening> {
    let (text, took) = (|| format!("a {SECRET} b"), Duration::from_millis(1));
    let headers = || vec![(text(), text()), ("accept".into(), text())];
    let body = || json!({text(): [text(), {"x": text()}, 7, null]});
    let mut failure = *Failure::expectation(text(), text(), text())
        .hint(text())
        .output([text()]);
    failure.nearest = Some(text());
    let place = ScenarioPlace {
        file: text(),
        line: 1,
        feature: text(),
        rule: Some(text()),
        name: text(),
        tags: vec![text()],
        is_example_row: false,
    };
    let frame = Frame {
        file: text(),
        line: 1,
        text: text(),
    };
    let step = StepPlace {
        file: Some(text()),
        line: 1,
        text: text(),
        within: vec![frame],
    };
    let exited = ServiceState::Exited {
        status: text(),
        told: false,
    };
    #[rustfmt::skip]
    let kinds = vec![
        Happening::RunStarted { version: "1".into(), seed: 1, mesh: Some(text()), scenarios: 1 },
        Happening::Notice { text: text() },
        Happening::FileError { file: text(), line: Some(1), message: text(), hint: Some(text()) },
        Happening::Progress { text: text() },
        Happening::ServerReady { server: text(), version: text(), took },
        Happening::ScenarioStarted { place: Arc::new(place), attempt: 1 },
        Happening::SandboxReady { parts: vec![(text(), took)] },
        Happening::SandboxClaimed { waited: took },
        Happening::StepStarted { step: 0, place: Arc::new(step) },
        Happening::StepFinished { step: 0, outcome: Outcome::Failed, took, failure: Some(failure.clone()) },
        Happening::Request { exchange: 1, caller: text(), dependency: text(), method: text(), path: text() },
        Happening::Response { exchange: 1, caller: text(), dependency: text(), method: text(), path: text(), status: None, grpc_status: None, took },
        Happening::Connection { caller: text(), dependency: text(), what: text() },
        Happening::Beyond { service: text(), to: text(), what: text() },
        Happening::KafkaCall { caller: text(), broker: text(), api: text(), about: text(), error: None },
        Happening::DatabaseSession { caller: text(), datastore: text(), role: text() },
        Happening::Statement {
            caller: text(),
            datastore: text(),
            text: text(),
            tables: Some([text()].into()),
            parameters: Some(vec![Some(text()), None]),
            rows: Some(1),
            sqlstate: None,
            took,
        },
        Happening::Record { topic: text(), partition: 0, offset: 0, key: Some(text()), headers: headers(), value: body() },
        Happening::Rows { datastore: text(), table: text(), rows: 1 },
        Happening::Objects { bucket: text(), names: vec![text()] },
        Happening::PartnerCall { partner: text(), method: text(), path: text(), headers: headers(), status: 200, body: body() },
        Happening::Log { service: text(), level: Some(text()), message: text(), document: Some(body()) },
        Happening::Metric { service: text(), name: text(), kind: text(), value: text(), rate: 1.0, tags: vec![text()] },
        Happening::AgentEvent { service: text(), title: text(), text: text(), fields: headers(), tags: vec![text()] },
        Happening::ServiceCheck { service: text(), name: text(), status: text(), message: Some(text()), host: Some(text()), tags: vec![text()] },
        Happening::Service { service: text(), state: exited },
        Happening::Fault { fault: text(), phase: FaultPhase::Struck },
        Happening::Expectation { expected: text(), seen: text(), held: false, looks: 1 },
        Happening::ScenarioFinished { outcome: Outcome::Failed, will_be_retried: false, took, failure: Some(failure), logs: None, learned: Arc::default() },
        Happening::RunFinished { summary: Summary::default() },
    ];
    kinds
}

fn masked(happenings: Vec<Happening>, learned: &mut Learned) -> Vec<Event> {
    let clock = Clock::start();
    let events = happenings
        .into_iter()
        .map(|happening| clock.event(Some(0), None, None, happening));
    let mut events: Vec<Event> = events.collect();
    masks().events(&mut events, learned);
    events
}

#[test]
fn no_text_of_any_event_tells_a_secret() {
    for event in masked(every_kind(), &mut Learned::default()) {
        let json = serde_json::to_string(&event).unwrap();
        assert!(!json.contains(SECRET), "{json}");
        let debug = format!("{event:?}");
        assert!(!debug.contains(SECRET), "{debug}");
    }
}

fn call(headers: &[(&str, &str)], body: Json) -> Happening {
    Happening::PartnerCall {
        partner: "bank".into(),
        method: "POST".into(),
        path: "/charges".into(),
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        status: 200,
        body,
    }
}

#[test]
fn what_stands_at_secret_places_is_masked_there_and_elsewhere_in_the_scenario() {
    let headers = [
        ("authorization", "Bearer t0ken-1"),
        ("X-Api-Key", "k"),
        ("accept", "text/plain"),
    ];
    let log = Happening::Log {
        service: "shop".into(),
        level: None,
        message: "charging 4111222233334444 with t0ken-1, k and c00kie-value".into(),
        document: None,
    };
    let mut learned = Learned::default();
    learned.message(&masks(), [("Set-Cookie", "id=c00kie-value; Path=/")], None);
    let body = json!({"card": {"number": 4_111_222_233_334_444_u64}, "copy": "4111222233334444"});
    let events = masked(vec![log, call(&headers, body)], &mut learned);
    let Happening::Log { message, .. } = &events[0].happening else {
        panic!("{:?}", events[0])
    };
    assert_eq!(message, "charging *** with ***, k and ***");
    let Happening::PartnerCall { headers, body, .. } = &events[1].happening else {
        panic!("{:?}", events[1])
    };
    let values: Vec<&str> = headers.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(values, ["***", "***", "text/plain"]);
    assert_eq!(*body, json!({"card": {"number": "***"}, "copy": "***"}));
    assert_eq!(masks().with(&learned).text("t0ken-1 is the token"), "*** is the token");
}

#[test]
fn a_number_that_is_a_secret_is_masked() {
    let masks = Masks::new(["123456".to_owned()], []).unwrap();
    let mut events = [Clock::start().event(None, None, None, call(&[], json!({"pin": 123_456, "amount": 12})))];
    masks.events(&mut events, &mut Learned::default());
    let Happening::PartnerCall { body, .. } = &events[0].happening else {
        panic!("{:?}", events[0])
    };
    assert_eq!(*body, json!({"pin": "***", "amount": 12}));
}
