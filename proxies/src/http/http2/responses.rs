//! What the server sends: its answers, recorded as they pass, and between them what is written in its place.

use super::block::{Block, Blocks, Malformed};
use super::fields::{Fields, TABLE, literal, size_update, size_updates};
use super::frame::{self, ACK, Data, END_HEADERS, END_STREAM, Frames, Head, Kind, Part};
use super::settings;
use super::streams::{Injection, Streams};
use crate::http::exchange::Over;
use crate::relay::BUFFER;

/// The server's direction.
pub struct Responses<'e> {
    streams: &'e Streams,
    frames: Frames,
    data: Data,
    payload: Vec<u8>,
    blocks: Blocks,
    fields: Fields,
    begun: bool,
    /// The size of the server's dynamic table, as the client knows it.
    table: u32,
    /// The size that the client allowed it last and the server knows of.
    allowed: u32,
}

impl<'e> Responses<'e> {
    pub fn new(streams: &'e Streams) -> Self {
        Self {
            streams,
            frames: Frames::default(),
            data: Data::default(),
            payload: Vec::new(),
            blocks: Blocks::default(),
            fields: Fields::new(),
            begun: false,
            table: TABLE,
            allowed: streams.known_by_server(),
        }
    }

    /// Takes what came; `out` is what passes, with what is written in the server's place wherever that may be. What is over
    /// once this has passed is kept in `over`. Where it is malformed, all the rest passes as it came.
    pub fn take(&mut self, mut rest: &[u8], out: &mut Vec<u8>, over: &mut Vec<Over>) -> Result<(), Malformed> {
        self.inject(out, over);
        while let Some(part) = self.frames.next(&mut rest) {
            let taken = match part {
                Part::Head(head) => {
                    out.extend_from_slice(&head.bytes);
                    self.begins(head)
                }
                Part::Payload { head, bytes, last } => {
                    out.extend_from_slice(bytes);
                    self.comes(head, bytes, last, over)
                }
            };
            if taken.is_err() {
                out.extend_from_slice(rest);
                return taken;
            }
            self.inject(out, over);
        }
        Ok(())
    }

    /// What has come and not passed.
    pub fn rest(&self) -> &[u8] {
        self.frames.begun()
    }

    /// Whether something may be written in the server's place now.
    pub fn injects(&self) -> bool {
        self.begun && self.frames.is_between() && !self.blocks.under_way()
    }

    /// Writes what is to be written in the server's place, where that may be now.
    pub fn inject(&mut self, out: &mut Vec<u8>, over: &mut Vec<Over>) {
        if !self.injects() {
            return;
        }
        for injection in self.streams.injections() {
            match injection {
                Injection::Credit { stream, bytes } => {
                    frame::write(Kind::WindowUpdate, 0, stream, &bytes.to_be_bytes(), out);
                }
                Injection::Continue { stream } => self.head(stream, 100, out),
                Injection::Answer {
                    stream,
                    status,
                    over: it,
                } => {
                    self.head(stream, status, out);
                    over.push(*it);
                }
            }
        }
    }

    /// Writes the head of an answer, which ends with it where it is no interim one.
    pub fn head(&mut self, stream: u32, status: u16, out: &mut Vec<u8>) {
        let mut block = Vec::new();
        if self.allowed < self.table {
            // Whoever made the table smaller must hear so in the next block (RFC 7541, section 4.2).
            size_update(self.allowed, &mut block);
            self.table = self.allowed;
        }
        literal(b":status", status.to_string().as_bytes(), &mut block);
        if !matches!(status, 100..200 | 204 | 304) {
            literal(b"content-length", b"0", &mut block);
        }
        let ends = if (100..200).contains(&status) { 0 } else { END_STREAM };
        frame::write(Kind::Headers, END_HEADERS | ends, stream, &block, out);
    }

    fn begins(&mut self, head: Head) -> Result<(), Malformed> {
        let long = head.kind.is_read_whole() && self.blocks.length() + head.length as usize > BUFFER;
        let settings = head.kind == Kind::Settings && !head.has(ACK);
        if long || !self.blocks.allows(head) || !(self.begun || settings) {
            return Err(Malformed);
        }
        self.begun = true;
        self.payload.clear();
        if head.kind == Kind::Data {
            self.data.begin(head);
        }
        Ok(())
    }

    fn comes(&mut self, head: Head, bytes: &[u8], last: bool, over: &mut Vec<Over>) -> Result<(), Malformed> {
        if head.kind == Kind::Data {
            self.streams.hear(head.stream, self.data.content(bytes));
        } else if head.kind.is_read_whole() {
            self.payload.extend_from_slice(bytes);
        }
        if !last {
            return Ok(());
        }
        match head.kind {
            Kind::Data if head.has(END_STREAM) => over.extend(self.streams.finish(head.stream)),
            Kind::Reset => over.extend(self.streams.reset(head.stream)),
            Kind::GoAway => {
                if let Some(&[a, b, c, d]) = self.payload.first_chunk() {
                    let last = u32::from_be_bytes([a & 0x7f, b, c, d]);
                    over.extend(self.streams.goes_away_after(last));
                }
            }
            Kind::Settings if head.has(ACK) => {
                if let Some(size) = self.streams.server_acknowledges() {
                    self.allowed = size;
                }
            }
            Kind::Settings => {
                if let Some(size) = settings::table(&self.payload) {
                    self.streams.server_allows(size);
                }
            }
            Kind::Headers | Kind::PushPromise | Kind::Continuation => {
                if let Some(block) = self.blocks.take(head, &self.payload)? {
                    self.block(&block, over)?;
                }
            }
            Kind::Data | Kind::WindowUpdate | Kind::Other(_) => {}
        }
        Ok(())
    }

    /// A header block is there in full.
    fn block(&mut self, block: &Block, over: &mut Vec<Over>) -> Result<(), Malformed> {
        self.fields.allow(self.streams.allowed_by_client());
        let fields = self.fields.decode(&block.fragment)?;
        if let Some((_, size)) = size_updates(&block.fragment) {
            self.table = size;
        }
        if block.promised {
            return Ok(());
        }
        for (name, value) in &fields {
            let number = || {
                std::str::from_utf8(value)
                    .ok()
                    .and_then(|value| value.parse::<u16>().ok())
            };
            match (name.as_slice(), number()) {
                (b":status", Some(status)) if status >= 200 => self.streams.answer(block.stream, status),
                (b"grpc-status", Some(code)) => self.streams.grpc_status(block.stream, code),
                _ => {}
            }
        }
        if block.ends {
            over.extend(self.streams.finish(block.stream));
        }
        Ok(())
    }
}
