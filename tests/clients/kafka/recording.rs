//! Frames recorded for the property tests of the edge (`tests/clients/recorded`): with `RECORD=1` each test of a client writes
//! a file of its own name anew, with what passed before its plain edges and behind them.
//!
//! A file holds, of each API and version and for both sides of the edge, the largest request of a modest size with its answer:
//! the length of the sandbox's prefix (0 before the edge) and the prefix, the request's frame, the answer's frame or four zeros.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

/// How large a request is with its answer, in bytes, at most.
const MODEST: usize = 1000;
/// How much of one direction of a connection is kept, in bytes.
const KEPT: usize = 8 << 20;

/// The frames of a test, by its name: of each side, key and version of an API.
type Recorded = BTreeMap<String, BTreeMap<(bool, i16, i16), Vec<u8>>>;

static RECORDED: Mutex<Recorded> = Mutex::new(BTreeMap::new());

/// What was said on one connection, each side's.
#[derive(Clone, Default)]
pub struct Talk {
    asked: Arc<Mutex<Vec<u8>>>,
    answered: Arc<Mutex<Vec<u8>>>,
}

/// What was said on connections.
#[derive(Clone, Default)]
pub struct Talks(Arc<Mutex<Vec<Talk>>>);

/// Whether frames are to be recorded.
pub fn is_on() -> bool {
    std::env::var_os("RECORD").is_some()
}

impl Talks {
    /// A new connection's.
    pub fn begin(&self) -> Talk {
        let talk = Talk::default();
        let mut talks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        talks.push(talk.clone());
        talk
    }

    /// Adds the frames to what this test recorded so far; behind the edge names begin with this prefix. The folder of the run
    /// is this machine's: it stands in no file.
    pub fn record(&self, prefix: &str, run_folder: &Path) {
        let current = std::thread::current();
        let Some((_, test)) = current.name().and_then(|name| name.rsplit_once("::")) else {
            return;
        };
        let mut all = RECORDED.lock().unwrap_or_else(PoisonError::into_inner);
        let of_test = all.entry(test.to_owned()).or_default();
        for talk in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            talk.record(prefix, run_folder, of_test);
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/recorded");
        std::fs::create_dir_all(&folder).unwrap();
        let bytes: Vec<u8> = of_test.values().flatten().copied().collect();
        std::fs::write(folder.join(format!("{test}.frames")), bytes).unwrap();
    }
}

impl Talk {
    /// What reads one direction's bytes, and keeps them: what the client asks, or what it is answered.
    pub fn keep<R>(&self, reader: R, is_answer: bool) -> Kept<R> {
        let bytes = if is_answer { &self.answered } else { &self.asked };
        Kept {
            reader,
            bytes: Arc::clone(bytes),
        }
    }

    fn record(&self, prefix: &str, run_folder: &Path, recorded: &mut BTreeMap<(bool, i16, i16), Vec<u8>>) {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        // A broker answers in order.
        let mut answers = frames(&answered).peekable();
        for request in frames(&asked).filter(|frame| frame.len() >= 12) {
            let half = |at: usize| i16::from_be_bytes([request[at], request[at + 1]]);
            let answer = answers.next_if(|answer| number(answer, 4) == number(request, 8));
            let answer = answer.unwrap_or(&[0; 4]);
            let head = [&[u8::try_from(prefix.len()).unwrap()], prefix.as_bytes()].concat();
            let whole = [&head[..], request, answer].concat();
            let kept = recorded.entry((prefix.is_empty(), half(4), half(6))).or_default();
            if whole.len() <= MODEST && whole.len() > kept.len() {
                *kept = without(run_folder, whole);
            }
        }
    }
}

/// Frames with another path of the same length in the place of a folder's.
fn without(folder: &Path, mut bytes: Vec<u8>) -> Vec<u8> {
    let path = folder.as_os_str().as_encoded_bytes();
    let other = format!("/{}", "r".repeat(path.len() - 1));
    for at in 0..bytes.len() {
        if bytes[at..].starts_with(path) {
            bytes[at..at + path.len()].copy_from_slice(other.as_bytes());
        }
    }
    bytes
}

fn number(frame: &[u8], at: usize) -> Option<[u8; 4]> {
    frame.get(at..at + 4).and_then(|bytes| bytes.try_into().ok())
}

/// The whole frames at the beginning of bytes.
fn frames(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        let (frame, behind) = rest.split_at_checked(4 + length)?;
        rest = behind;
        Some(frame)
    })
}

/// A reader whose bytes are kept.
pub struct Kept<R> {
    reader: R,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Kept<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.reader).poll_read(context, buffer);
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.len() < KEPT {
            bytes.extend_from_slice(&buffer.filled()[before..]);
        }
        read
    }
}
