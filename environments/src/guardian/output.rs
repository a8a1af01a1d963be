//! What a child writes: its lines as they come, and the last of them for an error message.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::unix::pipe::Receiver,
    sync::watch,
};

/// The reading ends of a child's pipes. They must be read, or the child blocks when a pipe is full.
#[derive(Debug)]
pub struct Output {
    /// What the child writes to its standard output.
    pub stdout: Lines,
    /// What the child writes to its standard error.
    pub stderr: Lines,
}

impl Output {
    /// Reads both streams to their ends in tasks of their own and keeps the last lines.
    #[must_use]
    pub fn into_tail(self) -> Tail {
        let tail = Tail::default();
        for mut lines in [self.stdout, self.stderr] {
            let open = tail.0.open();
            tokio::spawn(async move {
                while let Some(line) = lines.next().await {
                    open.0.push(line);
                }
            });
        }
        tail
    }
}

/// A line longer than this is handed out in pieces, in bytes.
const LONGEST_LINE: usize = 1 << 20;

/// A stream of text as lines, without their ends. Bytes that are not UTF-8 become U+FFFD.
#[derive(Debug)]
pub struct Lines {
    reader: BufReader<Receiver>,
    line: Vec<u8>,
}

impl Lines {
    pub(super) fn new(receiver: Receiver) -> Self {
        Self {
            reader: BufReader::new(receiver),
            line: Vec::new(),
        }
    }

    /// The next line; `None` at the end. Cancelling it loses nothing.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            let available = self.reader.fill_buf().await.unwrap_or_default();
            if available.is_empty() {
                return (!self.line.is_empty()).then(|| self.take());
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            self.line
                .extend_from_slice(&available[..end.unwrap_or(available.len())]);
            let used = end.map_or(available.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() || self.line.len() >= LONGEST_LINE {
                return Some(self.take());
            }
        }
    }

    fn take(&mut self) -> String {
        let line = std::mem::take(&mut self.line);
        String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(&line)).into_owned()
    }
}

/// The last lines of an output, shared with the tasks that read it.
#[derive(Clone, Debug, Default)]
pub struct Tail(Arc<Kept>);

#[derive(Debug, Default)]
struct Kept {
    lines: Mutex<VecDeque<String>>,
    /// How many streams are still being read.
    open: watch::Sender<usize>,
}

/// A stream being read into a tail, until this is dropped.
struct Open(Arc<Kept>);

impl Kept {
    fn open(self: &Arc<Self>) -> Open {
        self.open.send_modify(|open| *open += 1);
        Open(Arc::clone(self))
    }

    fn push(&self, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == Tail::LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

impl Tail {
    /// How many lines are kept.
    pub const LINES: usize = 40;

    /// Waits until all that was written is read: a child's exit is known before its last lines are. Gives up after a second, for a
    /// process that left the child's group may hold the pipe.
    pub async fn complete(&self) {
        let mut open = self.0.open.subscribe();
        let _ = tokio::time::timeout(Duration::from_secs(1), open.wait_for(|open| *open == 0)).await;
    }
}

/// All lines kept, one a line.
impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        f.write_str(&lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn lines_are_handed_out_without_their_ends_and_the_last_needs_none() {
        let (read, mut write) = std::io::pipe().unwrap();
        write.write_all(b"one\r\n\ntw\xff\nthree").unwrap();
        drop(write);
        let mut lines = Lines::new(Receiver::from_owned_fd(read.into()).unwrap());
        let mut seen = Vec::new();
        while let Some(line) = lines.next().await {
            seen.push(line);
        }
        assert_eq!(seen, ["one", "", "tw\u{fffd}", "three"]);
    }

    #[test]
    fn a_tail_keeps_the_last_lines() {
        let tail = Tail::default();
        for number in 0..=Tail::LINES {
            tail.0.push(number.to_string());
        }
        assert!(tail.to_string().starts_with("1\n2\n"));
        assert!(tail.to_string().ends_with("\n40"));
    }
}
