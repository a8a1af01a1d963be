//! The test client's own requests by which things may enter a ledger of the mesh.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use momus_engine::mesh::{Mesh, Site};
use momus_engine::timeline::Timeline;
use momus_engine::world::World;
use serde_json::Value as Json;

/// What the test client has sent of what ledgers begin with, in the order of sending; a cheap handle.
#[derive(Clone, Default)]
pub(crate) struct Sent {
    requests: Arc<Mutex<Vec<SentRequest>>>,
}

/// A request, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SentRequest {
    pub service: String,
    pub method: String,
    /// Path and query.
    pub path: String,
    pub body: Option<String>,
    /// When it was sent, since the run began.
    pub from: Duration,
    /// Its answer; without one it may have come to something or to nothing.
    pub answer: Option<Answer>,
    /// Whether an answer can still come.
    pub under_way: bool,
}

/// An answer, whole.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// When it was there, since the run began.
    pub at: Duration,
    pub status: u16,
    pub body: Json,
}

/// A request under way, until this is dropped.
pub(crate) struct Open {
    sent: Sent,
    timeline: Timeline,
    number: usize,
}

impl Sent {
    /// What the test client has sent so far in this scenario.
    pub fn of(world: &mut World) -> Self {
        world.state.get_or_default::<Self>().clone()
    }

    /// A request is sent now. It is noted where a ledger of the mesh begins with such requests.
    pub fn begins(
        &self,
        mesh: Option<&Mesh>,
        timeline: &Timeline,
        (service, method, path): (&str, &str, &str),
        body: Option<&str>,
    ) -> Option<Open> {
        let ledgers = mesh.into_iter().flat_map(|mesh| mesh.ledgers.values());
        let mut firsts = ledgers.filter_map(|ledger| ledger.first());
        firsts.find(|(_, stage)| is_of(&stage.site, service, method, path))?;
        let mut requests = self.requests();
        requests.push(SentRequest {
            service: service.to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            body: body.map(str::to_owned),
            from: timeline.elapsed(),
            answer: None,
            under_way: true,
        });
        Some(Open {
            sent: self.clone(),
            timeline: timeline.clone(),
            number: requests.len() - 1,
        })
    }

    /// The requests that a stage is about.
    pub(super) fn about(&self, site: &Site) -> Vec<SentRequest> {
        let requests = self.requests();
        let about = requests
            .iter()
            .filter(|request| is_of(site, &request.service, &request.method, &request.path));
        about.cloned().collect()
    }

    fn requests(&self) -> MutexGuard<'_, Vec<SentRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The whole answer came.
    pub fn answered(self, status: u16, body: Json) {
        let at = self.timeline.elapsed();
        if let Some(request) = self.sent.requests().get_mut(self.number) {
            request.answer = Some(Answer { at, status, body });
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(request) = self.sent.requests().get_mut(self.number) {
            request.under_way = false;
        }
    }
}

/// Whether a site is about such requests. A segment of its path in braces stands for any; a query does not count.
fn is_of(site: &Site, service: &str, method: &str, path: &str) -> bool {
    let Site::Request {
        method: wanted,
        path: template,
        of,
        ..
    } = site
    else {
        return false;
    };
    let path = path.split('?').next().unwrap_or_default();
    let any = |segment: &str| segment.starts_with('{') && segment.ends_with('}');
    let (given, wanted_path) = (path.split('/'), template.split('/'));
    of.iter().any(|of| of.value == service)
        && wanted == method
        && given.clone().count() == wanted_path.clone().count()
        && given
            .zip(wanted_path)
            .all(|(given, wanted)| any(wanted) || given == wanted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{Scenario, foreign};

    #[test]
    fn a_request_that_no_ledger_begins_with_is_not_noted() {
        let mesh = foreign();
        let (sent, timeline) = (Sent::default(), Scenario::begin().world.timeline);
        let begins = |line| sent.begins(Some(&mesh), &timeline, line, None);
        assert!(begins(("shop", "POST", "/orders?dry=true")).is_some());
        for line in [
            ("shop", "GET", "/orders"),
            ("shop", "POST", "/orders/7"),
            ("billing", "POST", "/orders"),
        ] {
            assert!(begins(line).is_none(), "{line:?}");
        }
        assert!(
            sent.begins(None, &timeline, ("shop", "POST", "/orders"), None)
                .is_none()
        );
    }

    #[test]
    fn a_segment_in_braces_is_any() {
        let mut mesh = (*foreign()).clone();
        let orders = mesh.ledgers.get_mut("orders").expect("it is declared");
        let placed = orders.stages.get_mut("placed").expect("it is declared");
        if let Site::Request { path, .. } = &mut placed.site {
            *path = "/orders/{id}/lines".to_owned();
        }
        let is = |path| is_of(&placed.site, "shop", "POST", path);
        assert!(is("/orders/7/lines") && !is("/orders/7") && !is("/orders/7/notes"));
    }

    #[test]
    fn a_request_without_an_answer_stays_without_one() {
        let mesh = foreign();
        let (sent, timeline) = (Sent::default(), Scenario::begin().world.timeline);
        let site = &mesh.ledgers["orders"].stages["placed"].site;
        let open = || sent.begins(Some(&mesh), &timeline, ("shop", "POST", "/orders"), Some("{}"));
        let (answered, dropped, _under_way) = (open(), open(), open());
        answered.expect("it is noted").answered(202, json!({"id": 7}));
        drop(dropped);
        let seen: Vec<_> = sent
            .about(site)
            .into_iter()
            .map(|request| (request.answer.map(|answer| answer.status), request.under_way))
            .collect();
        assert_eq!(seen, [(Some(202), false), (None, false), (None, true)]);
    }
}
