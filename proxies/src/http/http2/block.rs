//! A header block while its frames come (RFC 9113, section 4.3).

use super::frame::{END_HEADERS, END_STREAM, Head, Kind, unpadded};

/// A header block, as far as it has come.
pub struct Block {
    pub stream: u32,
    /// The stream's last frame in this direction is the first of these.
    pub ends: bool,
    /// It is of a request that the server promises.
    pub promised: bool,
    /// The priority that came with it, as it came.
    pub priority: Vec<u8>,
    pub fragment: Vec<u8>,
}

/// The header block of one direction that is under way, if there is one.
#[derive(Default)]
pub struct Blocks(Option<Block>);

/// Frames that stand where they must not, or say what cannot be understood.
#[derive(Debug)]
pub struct Malformed;

impl Blocks {
    /// Whether a block is under way: then nothing but its next frame may come.
    pub fn under_way(&self) -> bool {
        self.0.is_some()
    }

    /// How long the block under way is.
    pub fn length(&self) -> usize {
        self.0.as_ref().map_or(0, |block| block.fragment.len())
    }

    /// Whether this frame may come now.
    pub fn allows(&self, head: Head) -> bool {
        match &self.0 {
            Some(block) => head.kind == Kind::Continuation && head.stream == block.stream,
            None => head.kind != Kind::Continuation,
        }
    }

    /// Takes a frame of a block; gives the block with its last.
    pub fn take(&mut self, head: Head, payload: &[u8]) -> Result<Option<Block>, Malformed> {
        match &mut self.0 {
            Some(block) => block.fragment.extend_from_slice(payload),
            None => {
                let (priority, mut fragment) = unpadded(head, payload).ok_or(Malformed)?;
                let promised = head.kind == Kind::PushPromise;
                if promised {
                    (_, fragment) = fragment.split_at_checked(4).ok_or(Malformed)?;
                }
                self.0 = Some(Block {
                    stream: head.stream,
                    ends: !promised && head.has(END_STREAM),
                    promised,
                    priority: priority.to_vec(),
                    fragment: fragment.to_vec(),
                });
            }
        }
        Ok(if head.has(END_HEADERS) { self.0.take() } else { None })
    }
}
