//! Calls for the tests of what is between them.

use std::time::Duration;

use momus_engine::event::Happening;
use momus_engine::timeline::Timeline;
use serde_json::{Value as Json, json};

use super::call::Call;
use super::spaced::Spaced;
use crate::testing::Scenario;

/// The bank is called with this body, now.
pub fn call(timeline: &Timeline, body: Json) {
    timeline.record(Happening::PartnerCall {
        partner: "bank".into(),
        method: "POST".into(),
        path: "/charges".into(),
        headers: Vec::new(),
        status: 201,
        body,
    });
}

/// The same, in a scenario.
pub fn record(scenario: &Scenario, body: Json) {
    call(&scenario.world.timeline, body);
}

/// Calls to the bank at these times, in milliseconds.
pub fn calls(times: &[u64]) -> Spaced<'static> {
    let scenario = Scenario::begin();
    times.iter().for_each(|_| record(&scenario, json!({})));
    let mut calls = Call::all(&scenario.world.timeline, "bank");
    for (call, time) in calls.iter_mut().zip(times) {
        call.at = Duration::from_millis(*time);
    }
    Spaced {
        partner: "bank",
        calls,
        others: 0,
    }
}
