//! What an exchange means to whoever asks whether the sandbox is quiet.

use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use momus_engine::activity::{Probe, Telemetry, UnderWay};

use super::head::Request;
use crate::reads::hash_of;
use crate::wire::Wire;

/// What the requests on an edge are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Calls to a service or partner: each is an effect when it begins and when it is answered.
    Calls,
    /// Objects of a bucket: what is no GET or HEAD is an effect; these are where they are answered otherwise than last time.
    Objects,
    /// Log lines: nothing, unless the scenario counts them. Whoever takes them in tells each line.
    Logs,
}

/// An exchange while it lasts. Dropped when it is over: when its answer has gone to the caller, or will not.
pub(super) struct Meaning {
    wire: Arc<Wire>,
    line: String,
    trace: Option<String>,
    ends: Ends,
    /// What answered, once it has.
    status: Option<u16>,
    /// What gRPC says of the answer.
    grpc_status: Option<u16>,
    under_way: Option<UnderWay>,
    /// The dependency is looked at, for the test client.
    _probe: Option<Probe>,
}

/// What the end of an exchange means.
enum Ends {
    /// Nothing.
    Nothing,
    /// The test client drove.
    Driven,
    /// An effect. A call that changes nothing by itself may be one that a service makes for a probe.
    Effect { safe: bool },
    /// An effect where it was answered otherwise than last time.
    Read { question: u64, answer: DefaultHasher },
}

impl Meaning {
    /// An exchange begins: its request's head is there, and was under way while it came.
    pub fn begin(wire: &Arc<Wire>, purpose: Purpose, request: &Request, coming: Option<UnderWay>) -> Self {
        let activity = wire.activity();
        let (method, path) = (request.method.as_str(), request.path.as_str());
        let safe = matches!(method, "GET" | "HEAD");
        let probed = activity.is_probe(request.trace.as_deref());
        let ends = match purpose {
            _ if probed => Ends::Nothing,
            Purpose::Logs => Ends::Nothing,
            Purpose::Objects if safe && wire.is_clients() => Ends::Nothing,
            Purpose::Calls | Purpose::Objects if wire.is_clients() => Ends::Driven,
            Purpose::Objects if safe => {
                let range = request.headers.iter().find(|(name, _)| name == "range");
                Ends::Read {
                    question: hash_of((method, path, range)),
                    answer: DefaultHasher::new(),
                }
            }
            Purpose::Objects => Ends::Effect { safe: false },
            Purpose::Calls => Ends::Effect { safe },
        };
        let line = [method, " ", path].concat();
        let counted = match purpose {
            Purpose::Logs => activity.is_counted(Telemetry::Logs),
            Purpose::Calls | Purpose::Objects => !matches!(ends, Ends::Nothing),
        };
        let under_way = (counted && !probed).then(|| {
            let what = wire.line(&line);
            match coming {
                Some(under_way) => {
                    under_way.say(what);
                    under_way
                }
                None => activity.begins(what),
            }
        });
        let for_probe = probed || (safe && request.trace.is_none() && activity.may_be_for_probe(&wire.caller));
        let probe = (for_probe && purpose == Purpose::Calls)
            .then(|| activity.probe(request.trace.as_deref(), &wire.dependency));
        let meaning = Self {
            wire: Arc::clone(wire),
            line,
            trace: request.trace.clone(),
            ends,
            status: None,
            grpc_status: None,
            under_way,
            _probe: probe,
        };
        if let (Ends::Effect { safe }, Purpose::Calls) = (&meaning.ends, purpose) {
            meaning.effect(*safe, &meaning.line);
        }
        meaning
    }

    /// A part of the answer's body came.
    pub fn hear(&mut self, part: &[u8]) {
        if let Ends::Read { answer, .. } = &mut self.ends {
            answer.write(part);
        }
    }

    /// It was answered in full.
    pub fn is_answered(&mut self, status: u16, grpc_status: Option<u16>) {
        (self.status, self.grpc_status) = (Some(status), grpc_status);
    }

    fn effect(&self, safe: bool, what: &str) {
        if safe && self.trace.is_none() {
            self.wire
                .activity()
                .effect_or_probe(&self.wire.caller, self.wire.line(what));
        } else {
            self.wire.effect(what);
        }
    }
}

impl Drop for Meaning {
    fn drop(&mut self) {
        let what = match (self.status, self.grpc_status) {
            (Some(status), None) => [&self.line, " ", &status.to_string()].concat(),
            (Some(status), Some(code)) => format!("{} {status} (grpc-status {code})", self.line),
            (None, _) => [&self.line, " without an answer"].concat(),
        };
        match (&self.ends, self.status) {
            (Ends::Nothing, _) => {}
            (Ends::Driven, _) => self.wire.activity().stirs(self.wire.line(&what)),
            (Ends::Effect { safe }, _) => self.effect(*safe, &what),
            (Ends::Read { question, answer }, Some(status)) => {
                self.wire.read(*question, hash_of((status, answer.finish())), &what);
            }
            (Ends::Read { .. }, None) => self.wire.effect(&what),
        }
        // What is under way is over only now.
        self.under_way = None;
    }
}
