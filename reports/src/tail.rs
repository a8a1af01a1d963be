//! The last things that happened in a scenario before it did not pass: what its services said and did.

use std::collections::VecDeque;

use momus_engine::event::{Event, Happening};
use momus_engine::sandbox::CLIENT;

use crate::happening_line::in_one_line;

/// How many happenings are kept.
const LONGEST: usize = 15;

/// The last happenings of a scenario, one line each.
///
/// It ends with the step that did not pass: what is torn down afterwards would push out what explains it.
#[derive(Default)]
pub(crate) struct Tail {
    /// What happened until the latest step ended.
    lines: VecDeque<Line>,
    /// What has happened since.
    since: VecDeque<Line>,
    ended: bool,
}

struct Line {
    event: Event,
    /// The exchange whose response has not been seen yet.
    open: Option<u64>,
    /// What the test client asked and was answered: asked again and answered the same, it tells nothing new.
    asked: Option<String>,
}

impl Tail {
    /// Takes the next event of the scenario.
    pub(crate) fn event(&mut self, event: &Event) {
        if self.ended {
            return;
        }
        let (mut open, mut asked) = (None, None);
        match &event.happening {
            // The report says these elsewhere.
            Happening::StepFinished { failure, .. } => {
                self.ended = failure.is_some();
                for line in std::mem::take(&mut self.since) {
                    push(&mut self.lines, line);
                }
                return;
            }
            Happening::Expectation { held: false, .. } => return,
            // What passes over a connection tells more; when it ends is noted some time later.
            Happening::Connection { what, .. } if matches!(what.as_str(), "opened" | "closed") => return,
            Happening::Request { exchange, .. } => open = Some(*exchange),
            // The response's line says all that the request's does.
            Happening::Response {
                exchange,
                caller,
                dependency,
                method,
                path,
                status,
                ..
            } => {
                asked = (caller == CLIENT).then(|| format!("{method} {dependency} {path} {status:?}"));
                let said_again = |line: &Line| asked.is_some() && line.asked == asked;
                let tells = |line: &Line| line.open != Some(*exchange) && !said_again(line);
                self.lines.retain(tells);
                self.since.retain(tells);
            }
            _ => {}
        }
        let event = event.clone();
        push(&mut self.since, Line { event, open, asked });
    }

    /// The lines, oldest first; of a scenario that passed, those until its last step ended.
    pub(crate) fn lines(self, passed: bool) -> Vec<String> {
        let Self { mut lines, since, .. } = self;
        for line in since.into_iter().filter(|_| !passed) {
            push(&mut lines, line);
        }
        lines.iter().map(|line| in_one_line(&line.event)).collect()
    }
}

fn push(lines: &mut VecDeque<Line>, line: Line) {
    if lines.len() == LONGEST {
        lines.pop_front();
    }
    lines.push_back(line);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use momus_engine::event::ServiceState;
    use momus_engine::failure::Failure;
    use momus_engine::outcome::Outcome;

    use super::*;
    use crate::sample::event;

    fn tail(happenings: Vec<Happening>) -> Vec<String> {
        let mut tail = Tail::default();
        for happening in happenings {
            tail.event(&event(0, Some(0), happening));
        }
        tail.lines(false)
    }

    #[test]
    fn what_is_asked_again_and_answered_the_same_stands_once() {
        let answered = |exchange: u64, status: u16| Happening::Response {
            exchange,
            caller: "client".into(),
            dependency: "receipts".into(),
            method: "GET".into(),
            path: "/receipts".into(),
            status: Some(status),
            grpc_status: None,
            took: Duration::from_millis(exchange),
        };
        assert_eq!(
            tail(vec![answered(1, 404), answered(2, 200), log("paid"), answered(3, 200)]),
            [
                "+0.000 s  client → receipts  GET /receipts 404 (1 ms)",
                "+0.000 s  shop  paid",
                "+0.000 s  client → receipts  GET /receipts 200 (3 ms)",
            ]
        );
    }

    fn log(message: &str) -> Happening {
        Happening::Log {
            service: "shop".into(),
            level: None,
            message: message.into(),
            document: None,
        }
    }

    #[test]
    fn the_last_happenings_are_kept() {
        let lines = tail((0..40).map(|number| log(&number.to_string())).collect());
        assert_eq!(lines.len(), LONGEST);
        assert_eq!(lines[0], "+0.000 s  shop  25");
        assert_eq!(lines[14], "+0.000 s  shop  39");
    }

    #[test]
    fn it_ends_with_the_step_that_did_not_pass() {
        let stopping = Happening::Service {
            service: "shop".into(),
            state: ServiceState::Stopping,
        };
        let failed = Happening::StepFinished {
            step: 0,
            outcome: Outcome::Failed,
            took: Duration::ZERO,
            failure: Some(*Failure::failed("no")),
        };
        assert_eq!(tail(vec![log("why"), failed, stopping]), ["+0.000 s  shop  why"]);
    }

    #[test]
    fn of_a_scenario_that_passed_nothing_behind_its_last_step_is_told() {
        let passed = Happening::StepFinished {
            step: 0,
            outcome: Outcome::Passed,
            took: Duration::ZERO,
            failure: None,
        };
        let mut tail = Tail::default();
        let torn_down = (0..40).map(|_| log("torn down"));
        for happening in [log("why"), passed].into_iter().chain(torn_down) {
            tail.event(&event(0, Some(0), happening));
        }
        assert_eq!(tail.lines(true), ["+0.000 s  shop  why"]);
    }

    #[test]
    fn a_request_is_shown_until_its_response_is() {
        let request = |exchange| Happening::Request {
            exchange,
            caller: "shop".into(),
            dependency: "billing".into(),
            method: "GET".into(),
            path: "/charges".into(),
        };
        let response = Happening::Response {
            exchange: 1,
            caller: "shop".into(),
            dependency: "billing".into(),
            method: "GET".into(),
            path: "/charges".into(),
            status: Some(200),
            grpc_status: None,
            took: Duration::from_millis(3),
        };
        assert_eq!(
            tail(vec![request(1), request(2), response]),
            [
                "+0.000 s  shop → billing  GET /charges",
                "+0.000 s  shop → billing  GET /charges 200 (3 ms)"
            ]
        );
    }
}
