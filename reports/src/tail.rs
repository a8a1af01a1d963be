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
    lines: VecDeque<Line>,
    ended: bool,
}

struct Line {
    text: String,
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
                self.lines.retain(|line| line.open != Some(*exchange) && !said_again(line));
            }
            _ => {}
        }
        if self.lines.len() == LONGEST {
            self.lines.pop_front();
        }
        let text = in_one_line(event);
        self.lines.push_back(Line { text, open, asked });
    }

    /// The lines, oldest first.
    pub(crate) fn lines(self) -> Vec<String> {
        self.lines.into_iter().map(|line| line.text).collect()
    }
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
        tail.lines()
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
