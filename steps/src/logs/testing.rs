//! What the tests of these sentences share.

use momus_engine::event::Happening;
use serde_json::Value as Json;

use crate::testing::Scenario;

/// A service logs a line: in ECS, or plain text.
pub(super) fn logs(scenario: &Scenario, service: &str, line: &str) {
    let document: Option<Json> = serde_json::from_str(line).ok();
    let text = |name: &str| Some(document.as_ref()?.get(name)?.as_str()?.to_owned());
    scenario.world.timeline.record(Happening::Log {
        service: service.to_owned(),
        level: text("log.level"),
        message: text("message").unwrap_or_else(|| line.to_owned()),
        document: document.clone(),
    });
}

/// A line in ECS.
pub(super) fn line(level: &str, message: &str) -> String {
    format!(r#"{{"log.level":"{level}","message":"{message}","log":{{"logger":"shop.till"}},"order":{{"id":7}}}}"#)
}
