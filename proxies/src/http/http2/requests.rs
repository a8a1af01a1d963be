//! What the client sends: its requests, recorded as they pass, or answered by a rule and kept from the upstream.

use std::collections::HashSet;

use tokio::sync::watch;

use super::block::{Block, Blocks, Malformed};
use super::fields::{Field, Fields, literal, size_update, size_updates};
use super::frame::{self, ACK, Data, END_HEADERS, END_STREAM, Frames, Head, Kind, PAYLOAD, PRIORITY, Part};
use super::streams::SWITCHED;
use super::{STREAMS, settings};
use crate::http::body::Body;
use crate::http::exchange::Answered;
use crate::http::exchanges::Exchanges;
use crate::http::head::{Request, trace};
use crate::relay::BUFFER;
use crate::rule::Rules;

/// The client's direction. A header block passes whole, for a rule may answer its request.
///
/// Once a rule has answered one, the upstream's dynamic table lacks what that said: from then on each block passes anew, said
/// without a table.
pub struct Requests<'e> {
    exchanges: &'e Exchanges,
    rules: watch::Receiver<Rules>,
    frames: Frames,
    data: Data,
    payload: Vec<u8>,
    blocks: Blocks,
    /// The frames of the header block under way, as they came.
    held: Vec<u8>,
    fields: Fields,
    begun: bool,
    /// The newest stream.
    newest: u32,
    /// The streams that a rule answers.
    struck: HashSet<u32>,
    /// The sizes that the client gave its dynamic table, the smallest and the last, of which the upstream does not know.
    table: Option<(u32, u32)>,
}

impl<'e> Requests<'e> {
    pub fn new(exchanges: &'e Exchanges, rules: watch::Receiver<Rules>) -> Self {
        Self {
            exchanges,
            rules,
            frames: Frames::default(),
            data: Data::default(),
            payload: Vec::new(),
            blocks: Blocks::default(),
            held: Vec::new(),
            fields: Fields::new(),
            begun: false,
            newest: if exchanges.streams().are_switched_to() {
                SWITCHED
            } else {
                0
            },
            struck: HashSet::new(),
            table: None,
        }
    }

    /// Whether what passes is no longer what came.
    pub fn rewrites(&self) -> bool {
        !self.struck.is_empty()
    }

    /// Takes what came; `out` is what passes. Where it is malformed, all the rest passes as it came.
    pub fn take(&mut self, mut rest: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        while let Some(part) = self.frames.next(&mut rest) {
            let taken = match part {
                Part::Head(head) => self.begins(head, out),
                Part::Payload { head, bytes, last } => self.comes(head, bytes, last, out),
            };
            if taken.is_err() {
                out.append(&mut self.held);
                out.extend_from_slice(rest);
                return taken;
            }
        }
        Ok(())
    }

    /// What is held and has not passed, when nothing more comes or is understood.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.held);
        rest.extend_from_slice(self.frames.begun());
        rest
    }

    fn begins(&mut self, head: Head, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let long = head.kind.is_read_whole() && self.held.len() + head.length as usize > BUFFER;
        let settings = head.kind == Kind::Settings && !head.has(ACK);
        let opens = head.kind == Kind::Headers;
        let stray = opens && head.stream.is_multiple_of(2) || head.kind == Kind::PushPromise;
        if long || stray || !self.blocks.allows(head) || !(self.begun || settings) {
            self.held.extend_from_slice(&head.bytes);
            return Err(Malformed);
        }
        self.begun = true;
        self.payload.clear();
        match head.kind {
            Kind::Headers | Kind::Continuation => {
                if opens && head.stream > self.newest {
                    self.exchanges.begins();
                }
                self.held.extend_from_slice(&head.bytes);
            }
            kind => {
                if kind == Kind::Data {
                    self.data.begin(head);
                }
                if !self.struck.contains(&head.stream) {
                    out.extend_from_slice(&head.bytes);
                }
            }
        }
        Ok(())
    }

    fn comes(&mut self, head: Head, bytes: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let streams = self.exchanges.streams();
        let struck = self.struck.contains(&head.stream);
        let is_block = matches!(head.kind, Kind::Headers | Kind::Continuation);
        if is_block {
            self.held.extend_from_slice(bytes);
        } else if !struck {
            out.extend_from_slice(bytes);
        }
        if head.kind.is_read_whole() {
            self.payload.extend_from_slice(bytes);
        }
        if struck && head.kind == Kind::Data {
            streams.receive(head.stream, self.data.content(bytes));
            streams.took(head.stream, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            if last && head.has(END_STREAM) {
                self.received(head.stream);
            }
        }
        if !last {
            return Ok(());
        }
        match head.kind {
            Kind::Settings if !head.has(ACK) => streams.client_announces(settings::table(&self.payload)),
            Kind::Reset => {
                streams.takes_no_more(head.stream);
                drop(streams.reset(head.stream));
            }
            _ if is_block => {
                if let Some(block) = self.blocks.take(head, &self.payload)? {
                    self.block(&block, out)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A header block is there in full.
    fn block(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let streams = self.exchanges.streams();
        self.fields.allow(streams.allowed_by_server());
        let fields = self.fields.decode(&block.fragment)?;
        if block.stream > self.newest {
            if streams.count() >= STREAMS {
                return Err(Malformed);
            }
            self.newest = block.stream;
            self.opens(block, &fields);
        }
        let struck = self.struck.contains(&block.stream);
        if struck && block.ends {
            self.received(block.stream);
        }
        if !self.rewrites() {
            out.append(&mut self.held);
            return Ok(());
        }
        self.held.clear();
        if let Some((smallest, last)) = size_updates(&block.fragment) {
            let before = self.table.map_or(smallest, |(before, _)| before);
            self.table = Some((before.min(smallest), last));
        }
        if !struck {
            self.pass(block, &fields, out);
        }
        Ok(())
    }

    /// A request opens a stream.
    fn opens(&mut self, block: &Block, fields: &[Field]) {
        let coming = self.exchanges.has_come();
        let Some(request) = request(fields, block.ends) else {
            return;
        };
        // A rule strikes under the lock, so that it never does once it is healed.
        let answered = self
            .rules
            .borrow()
            .answer(&request.method, &request.path)
            .map(Answered::new);
        if answered.is_some() {
            self.struck.insert(block.stream);
        }
        self.exchanges.streams().begin(block.stream, request, answered, coming);
    }

    /// The body has come of a request that a rule answers.
    fn received(&self, stream: u32) {
        let streams = self.exchanges.streams();
        streams.takes_no_more(stream);
        streams.received(stream, true);
    }

    /// Says a block anew.
    fn pass(&mut self, block: &Block, fields: &[Field], out: &mut Vec<u8>) {
        let mut said = block.priority.clone();
        if let Some((smallest, last)) = self.table.take() {
            if smallest < last {
                size_update(smallest, &mut said);
            }
            size_update(last, &mut said);
        }
        for (name, value) in fields {
            literal(name, value, &mut said);
        }
        let mut flags = if block.ends { END_STREAM } else { 0 };
        if !block.priority.is_empty() {
            flags |= PRIORITY;
        }
        let mut kind = Kind::Headers;
        let mut rest = said.as_slice();
        loop {
            let (payload, after) = rest.split_at(rest.len().min(PAYLOAD));
            rest = after;
            if rest.is_empty() {
                frame::write(kind, flags | END_HEADERS, block.stream, payload, out);
                return;
            }
            frame::write(kind, flags, block.stream, payload, out);
            (kind, flags) = (Kind::Continuation, 0);
        }
    }
}

/// The request that these fields are; none where it is malformed (RFC 9113, section 8.3.1).
fn request(fields: &[Field], ends: bool) -> Option<Request> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let value = |name: &[u8]| {
        fields
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| text(value))
    };
    let authority = value(b":authority");
    let is_plain = |name: &[u8]| !name.starts_with(b":");
    let host = match &authority {
        Some(authority) if value(b"host").is_none() => Some(("host".to_owned(), authority.clone())),
        Some(_) | None => None,
    };
    let plain = fields.iter().filter(|(name, _)| is_plain(name));
    Some(Request {
        method: value(b":method")?,
        path: value(b":path").or(authority)?,
        headers: host
            .into_iter()
            .chain(plain.map(|(name, value)| (text(name), text(value))))
            .collect(),
        trace: value(b"traceparent").as_deref().and_then(trace),
        body: if ends { Body::Empty } else { Body::UntilEnd },
        expects: value(b"expect").is_some_and(|expect| expect.eq_ignore_ascii_case("100-continue")),
        last: false,
    })
}
