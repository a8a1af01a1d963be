//! What goes on in a session: statements under way, transactions open, and what was changed (PostgreSQL's "Message
//! Flow"). Both directions are read while they pass; nothing of them is kept but the texts of statements.
//!
//! What statements do unseen is not seen here either: a function that writes and is called by `SELECT` counts as a read,
//! and triggers that write although no row was updated or deleted stay hidden.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use momus_engine::activity::UnderWay;

use self::told::{Ended, Run};
use super::asked::{Asked, Message, Sent};
use super::frame::{Frames, NoMessage, Part};
use super::statement::Statement;
use super::tag::{Did, Rows, did};
use crate::reads::hash_of;
use crate::wire::Wire;

mod told;

/// The beginning of a server's message that is kept, in bytes: no tag of a CommandComplete is longer, nor is what stands
/// before the SQLSTATE in an ErrorResponse.
const LONGEST_TAG: usize = 128;
/// The status of a ReadyForQuery outside of a transaction.
const IDLE: u8 = b'I';

/// Why a connection cannot go on with what its caller sent.
const NO_CALLER: &str = "what the caller sent is no message of PostgreSQL's protocol";
/// Why a connection cannot go on with what its server answered.
const NO_SERVER: &str = "what the server answered is no message of PostgreSQL's protocol";

/// A session of a service at a datastore.
pub(super) struct Session {
    wire: Arc<Wire>,
    /// As the mesh names it.
    datastore: String,
    /// The values in statements stand on the timeline.
    shows_values: bool,
    state: Mutex<State>,
}

/// Something that a client asked.
#[derive(Clone)]
struct Pending {
    asked: Asked,
    /// Since when its answer is awaited.
    since: Instant,
}

#[derive(Default)]
struct State {
    sent: Frames,
    /// The message that the client is sending.
    sending: Option<(Message, Instant)>,
    heard: Frames,
    hearing: Heard,
    asked: VecDeque<Pending>,
    statements: HashMap<u64, Statement>,
    portals: HashMap<u64, Portal>,
    /// The server skips everything up to a Sync.
    skips: bool,
    /// The server takes the data of a copy, and nothing else.
    copies: bool,
    /// Something was changed that is not committed yet.
    wrote: bool,
    rows: Rows,
    answer: DefaultHasher,
    /// A statement or a transaction.
    open: Option<UnderWay>,
    /// It is over once what tells so has gone to the client.
    over: Option<UnderWay>,
    /// What passes is not understood any more.
    lost: bool,
    /// Why the connection cannot go on.
    broken: Option<&'static str>,
}

/// The connection cannot go on: something passed that is no PostgreSQL.
fn broken(state: &mut State, why: &'static str) {
    if !std::mem::replace(&mut state.lost, true) {
        state.broken = Some(why);
    }
}

fn broken_if(state: &mut State, taken: Result<(), NoMessage>, why: &'static str) {
    if taken.is_err() {
        broken(state, why);
    }
}

/// What of a server's message is needed.
#[derive(Default)]
struct Heard {
    kind: u8,
    /// The beginning of its content.
    content: Vec<u8>,
}

/// A statement with its parameters.
#[derive(Clone)]
struct Portal {
    statement: Statement,
    parameters: u64,
    kept: Arc<[u8]>,
    /// How often it was run: each time it goes on with its rows.
    runs: u32,
}

impl Session {
    /// A session at `datastore` whose StartupMessage is about to be passed on: it is under way until the server is ready.
    pub fn begin(wire: &Arc<Wire>, datastore: &str, shows_values: bool) -> Self {
        let state = State {
            open: wire.begins("a new session"),
            ..State::default()
        };
        Self {
            wire: Arc::clone(wire),
            datastore: datastore.to_owned(),
            shows_values,
            state: Mutex::new(state),
        }
    }

    /// The client sent something, which is not passed on yet.
    pub fn sends(&self, bytes: &[u8]) {
        let mut guard = self.state();
        let state = &mut *guard;
        let mut frames = std::mem::take(&mut state.sent);
        let taken = frames.take(bytes, |part| self.send(state, part));
        state.sent = frames;
        broken_if(state, taken, NO_CALLER);
    }

    /// The server sent something, which is not passed on yet. What this returns is dropped when it is.
    pub fn hears(&self, bytes: &[u8]) -> Option<UnderWay> {
        let mut guard = self.state();
        let state = &mut *guard;
        let mut frames = std::mem::take(&mut state.heard);
        let taken = frames.take(bytes, |part| self.hear(state, part));
        state.heard = frames;
        broken_if(state, taken, NO_SERVER);
        state.over.take()
    }

    /// Whether the connection can go on with what was last sent or heard.
    ///
    /// # Errors
    /// Something passed that is no PostgreSQL.
    pub fn goes_on(&self) -> io::Result<()> {
        let broken = self.state().broken;
        broken.map_or(Ok(()), |why| Err(io::Error::new(io::ErrorKind::InvalidData, why)))
    }

    fn lose(&self, state: &mut State, why: &str) {
        if !std::mem::replace(&mut state.lost, true) {
            self.wire.is_hidden(why);
        }
    }

    fn send(&self, state: &mut State, part: Part<'_>) {
        if state.lost {
            return;
        }
        match part {
            Part::Begins(kind) => match Message::begin(kind, self.shows_values) {
                Some(message) => {
                    if message.opens() && state.open.is_none() {
                        state.open = self.wire.begins("a statement");
                    }
                    state.sending = Some((message, Instant::now()));
                }
                None => broken(state, NO_CALLER),
            },
            Part::Content(content) => {
                if let Some((message, _)) = &mut state.sending {
                    message.content(content);
                }
            }
            Part::Ends => {
                let Some((message, since)) = state.sending.take() else {
                    return;
                };
                match message.end() {
                    Sent::Asked(asked) if asked == Asked::Sync && state.skips => {
                        state.skips = false;
                        state.asked.push_back(Pending { asked, since });
                    }
                    Sent::Asked(asked) if !state.skips && !state.copies => {
                        state.asked.push_back(Pending { asked, since });
                    }
                    Sent::Copied => state.copies = false,
                    Sent::Asked(_) | Sent::Other => {}
                }
            }
        }
    }

    fn hear(&self, state: &mut State, part: Part<'_>) {
        if state.lost {
            return;
        }
        match part {
            Part::Begins(kind) => {
                state.hearing.kind = kind;
                state.hearing.content.clear();
                if matches!(kind, b'D' | b'd') {
                    state.rows.number += 1;
                    state.answer.write_u8(kind);
                }
            }
            Part::Content(content) => match state.hearing.kind {
                b'D' | b'd' => state.answer.write(content),
                b'C' | b'Z' | b'E' => {
                    let kept = &mut state.hearing.content;
                    let room = LONGEST_TAG - kept.len();
                    kept.extend_from_slice(&content[..content.len().min(room)]);
                }
                _ => {}
            },
            Part::Ends => self.understand(state),
        }
    }

    fn understand(&self, state: &mut State) {
        let front = state.asked.front().map(|pending| pending.asked.clone());
        match (state.hearing.kind, front) {
            (b'1', Some(Asked::Parse { name, statement })) => {
                state.statements.insert(name, statement);
                state.asked.pop_front();
            }
            (
                b'2',
                Some(Asked::Bind {
                    portal,
                    statement,
                    parameters,
                    kept,
                }),
            ) => {
                let known = state.statements.get(&statement).cloned();
                let bound = Portal {
                    statement: known.unwrap_or_else(|| Statement::unseen(statement)),
                    parameters,
                    kept,
                    runs: 0,
                };
                state.portals.insert(portal, bound);
                state.asked.pop_front();
            }
            (b'3', Some(Asked::Close { portal, name })) => {
                if portal {
                    state.portals.remove(&name);
                } else {
                    state.statements.remove(&name);
                }
                state.asked.pop_front();
            }
            (b'T' | b'n', Some(Asked::Describe)) => drop(state.asked.pop_front()),
            (b'C' | b's' | b'I', _) => self.completed(state),
            (b'E', asked) => self.failed(state, asked),
            (b'G', _) => {
                // What the client sent before it knew is skipped.
                state.asked.truncate(1);
                state.copies = true;
            }
            (b'H', _) => state.rows.copied_out = true,
            (b'W', _) => self.lose(state, "is a replication"),
            (b'V', _) => self.effect(state, "a function call"),
            (b'Z', _) => self.ready(state),
            (b'A', _) => self.wire.effect("a notification"),
            (b'D' | b'd' | b'c' | b'T' | b'n' | b't' | b'S' | b'K' | b'R' | b'v' | b'N' | b'1' | b'2' | b'3', _) => {}
            _ => broken(state, NO_SERVER),
        }
    }

    /// A statement came to its end, or to as many rows as its client wants.
    fn completed(&self, state: &mut State) {
        let tag = std::mem::take(&mut state.hearing.content);
        let tag = std::str::from_utf8(&tag).unwrap_or_default().trim_end_matches('\0');
        let (rows, answer) = (std::mem::take(&mut state.rows), std::mem::take(&mut state.answer));
        state.copies = false;
        let run = Self::run(state);
        let Run {
            statement, question, ..
        } = &run;
        let (did, tag) = match state.hearing.kind {
            b'I' => (Did::Nothing, tag),
            b's' if statement.may_write_unsaid() => (Did::Wrote, "some rows"),
            b's' => (Did::Read, "some rows"),
            _ => (did(tag, statement, rows), tag),
        };
        let is_news = match did {
            Did::Read => {
                let answer = hash_of((rows.number, answer.finish()));
                self.wire.read(*question, answer, tag)
            }
            Did::Wrote => {
                self.effect(state, tag);
                true
            }
            Did::EndedTransaction if state.wrote => {
                self.wire.effect(tag);
                true
            }
            // What does nothing again and again is told once.
            Did::Nothing | Did::EndedTransaction => self.wire.answers_anew(hash_of((statement.hash, tag)), 0),
        };
        if is_news {
            let counted = tag.rsplit_once(' ').and_then(|(_, number)| number.parse().ok());
            let rows = if state.hearing.kind == b's' {
                Some(rows.number)
            } else {
                counted
            };
            self.tell(&run, Ended { rows, sqlstate: None });
        }
    }

    /// A statement failed: what its client does about that is still to come.
    fn failed(&self, state: &mut State, asked: Option<Asked>) {
        (state.rows, state.answer) = Default::default();
        state.copies = false;
        let wire = &self.wire;
        wire.activity().effect_or_probe(&wire.caller, wire.line("an error"));
        self.tell_failed(state);
        if asked.is_some_and(|asked| !asked.ends_ready()) {
            while state.asked.front().is_some_and(|pending| pending.asked != Asked::Sync) {
                state.asked.pop_front();
            }
            state.skips = state.asked.is_empty();
        }
    }

    /// The server is ready for what comes next, within a transaction or outside of any.
    fn ready(&self, state: &mut State) {
        (state.rows, state.answer) = Default::default();
        while let Some(pending) = state.asked.pop_front()
            && !pending.asked.ends_ready()
        {}
        if state.hearing.content.first() != Some(&IDLE) {
            let transaction = format!("a transaction of {} on {}", self.wire.caller, self.datastore);
            match &state.open {
                Some(open) => open.say(transaction),
                None => state.open = Some(self.wire.activity().begins(transaction)),
            }
            return;
        }
        state.portals.clear();
        if std::mem::take(&mut state.wrote) {
            self.wire.effect("COMMIT");
        }
        let sending = state.sending.as_ref().is_some_and(|(message, _)| message.opens());
        if state.asked.is_empty() && !sending {
            state.over = state.open.take();
        }
    }

    fn effect(&self, state: &mut State, what: &str) {
        state.wrote = true;
        self.wire.effect(what);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let open = self.state().open.take();
        if open.is_some() {
            self.wire.effect("the connection ended in the midst of something");
        }
    }
}

#[cfg(test)]
mod tests;
