//! What of a session stands on the timeline: each statement with what became of it.

use std::sync::Arc;
use std::time::Instant;

use momus_engine::event::Happening;

use super::super::asked::Asked;
use super::super::parameters;
use super::super::statement::Statement;
use super::super::text::{self, Told};
use super::{Pending, Session, State};
use crate::reads::hash_of;

/// A statement that was run.
pub(super) struct Run {
    pub statement: Statement,
    /// Which one of its text it is, from 0.
    pub part: usize,
    /// The hash of what it asked.
    pub question: u64,
    /// The parameters, as they came, where they are kept.
    pub parameters: Arc<[u8]>,
    pub since: Instant,
}

impl Run {
    /// One whose text was never seen.
    pub fn unseen(name: u64) -> Self {
        Self::of(Statement::unseen(name), Instant::now())
    }

    fn of(statement: Statement, since: Instant) -> Self {
        Self {
            question: statement.hash,
            statement,
            part: 0,
            parameters: Arc::default(),
            since,
        }
    }
}

/// What became of a statement.
pub(super) struct Ended {
    pub rows: Option<u64>,
    pub sqlstate: Option<String>,
}

/// What a statement is called whose text was never seen: one of a cursor, or prepared by SQL's own `PREPARE`.
const UNSEEN: &str = "(a statement that SQL prepared)";

impl Session {
    /// What was run of what was asked first; an Execute is over with it.
    pub(super) fn run(state: &mut State) -> Run {
        let mut run = Run::unseen(0);
        match state.asked.front_mut() {
            Some(Pending {
                asked: Asked::Query { statement, answered },
                since,
            }) => {
                run.statement = statement.clone();
                run.part = usize::try_from(*answered).unwrap_or(usize::MAX);
                run.question = hash_of((statement.hash, *answered));
                run.since = std::mem::replace(since, Instant::now());
                *answered += 1;
            }
            Some(Pending {
                asked: Asked::Execute { portal },
                since,
            }) => {
                run = Run::unseen(*portal);
                run.since = *since;
                if let Some(portal) = state.portals.get_mut(portal) {
                    portal.runs += 1;
                    run.question = hash_of((portal.statement.hash, portal.parameters, portal.runs));
                    run.statement = portal.statement.clone();
                    run.parameters = Arc::clone(&portal.kept);
                }
                state.asked.pop_front();
            }
            _ => {}
        }
        run
    }

    /// Records a statement that was run.
    pub(super) fn tell(&self, run: &Run, ended: Ended) {
        let Run { statement, part, .. } = run;
        let statements = text::statements(statement.hash, &statement.text, self.shows_values);
        let told = statements.get(*part).cloned().unwrap_or_else(|| Told {
            text: UNSEEN.to_owned(),
            tables: None,
        });
        let parameters = self.shows_values.then(|| parameters::values(&run.parameters));
        self.wire.timeline.record(Happening::Statement {
            caller: self.wire.caller.clone(),
            datastore: self.datastore.clone(),
            text: told.text,
            tables: told.tables,
            parameters,
            rows: ended.rows,
            sqlstate: ended.sqlstate,
            took: run.since.elapsed(),
        });
    }

    /// Records the statement that the ErrorResponse is about which was heard, if it is about one.
    pub(super) fn tell_failed(&self, state: &State) {
        let Some(Pending { asked, since }) = state.asked.front() else {
            return;
        };
        let known = |name| {
            let statement = state.statements.get(&name).cloned();
            statement.unwrap_or_else(|| Statement::unseen(name))
        };
        let run = match asked {
            Asked::Query { statement, answered } => Run {
                part: usize::try_from(*answered).unwrap_or(usize::MAX),
                ..Run::of(statement.clone(), *since)
            },
            Asked::Parse { statement, .. } => Run::of(statement.clone(), *since),
            Asked::Bind { statement, kept, .. } => Run {
                parameters: Arc::clone(kept),
                ..Run::of(known(*statement), *since)
            },
            Asked::Execute { portal } => match state.portals.get(portal) {
                Some(portal) => Run {
                    parameters: Arc::clone(&portal.kept),
                    ..Run::of(portal.statement.clone(), *since)
                },
                None => Run::of(Statement::unseen(*portal), *since),
            },
            Asked::Sync => Run::of(Statement::commit(), *since),
            Asked::Describe | Asked::Close { .. } | Asked::Call => return,
        };
        let rows = None;
        let sqlstate = sqlstate(&state.hearing.content);
        self.tell(&run, Ended { rows, sqlstate });
    }
}

/// The SQLSTATE among the fields of an ErrorResponse ("Error and Notice Message Fields").
fn sqlstate(content: &[u8]) -> Option<String> {
    let mut fields = content.split(|byte| *byte == 0);
    let code = fields.find_map(|field| field.strip_prefix(b"C"))?;
    (code.len() == 5).then(|| String::from_utf8_lossy(code).into_owned())
}
