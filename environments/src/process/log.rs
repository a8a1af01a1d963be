//! What a service writes: to its log file, onto the timeline, and the last lines for messages.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use momus_engine::mesh::{LogFormat, Service};
use momus_engine::timeline::Timeline;
use regex::Regex;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

use super::ports::says_taken;
use super::telemetry;
use crate::guardian::{Lines, Output};
use crate::standins::log_line;

/// How many of a service's last lines a message shows.
const SHOWN: usize = 20;
/// How long what an ended process wrote may take to be read; somebody else may hold the pipe.
const SETTLES: Duration = Duration::from_secs(1);

/// What one process of a service writes. Clones are the same.
#[derive(Clone)]
pub(super) struct Log {
    shared: Arc<Shared>,
}

struct Shared {
    service: String,
    format: Option<LogFormat>,
    pattern: Option<Regex>,
    /// Where its lines go; nowhere between two sandboxes.
    goes_to: tokio::sync::Mutex<Option<(Timeline, File)>>,
    written: Mutex<Written>,
    /// How many of its streams are read at this moment.
    open: watch::Sender<usize>,
}

#[derive(Default)]
struct Written {
    last: VecDeque<String>,
    port_taken: bool,
}

impl Log {
    /// Begins to read what a process of this service writes, and to write it behind what stands in `file`.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(super) async fn begin(
        (name, service): (&str, &Service),
        timeline: Timeline,
        output: Output,
        file: &Path,
    ) -> std::io::Result<Self> {
        let shared = Shared {
            service: name.to_owned(),
            format: service.logs,
            pattern: service.log_pattern.clone(),
            goes_to: tokio::sync::Mutex::new(Some((timeline, open(file).await?))),
            written: Mutex::default(),
            open: watch::Sender::new(2),
        };
        let log = Self {
            shared: Arc::new(shared),
        };
        for lines in [output.stdout, output.stderr] {
            let log = log.clone();
            tokio::spawn(async move {
                log.read(lines).await;
                log.shared.open.send_modify(|open| *open -= 1);
            });
        }
        Ok(log)
    }

    /// From now on its lines go nowhere.
    pub(super) async fn leave(&self) {
        *self.shared.goes_to.lock().await = None;
    }

    /// From now on its lines go to this timeline and behind what stands in `file`.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(super) async fn go_to(&self, timeline: Timeline, file: &Path) -> std::io::Result<()> {
        *self.shared.goes_to.lock().await = Some((timeline, open(file).await?));
        Ok(())
    }

    /// Reads a stream to its end: each line goes to the log file, the timeline and the last lines.
    async fn read(&self, mut lines: Lines) {
        let shared = &*self.shared;
        while let Some(line) = lines.next().await {
            self.written().add(&line);
            let read = match (shared.format, &shared.pattern) {
                (Some(LogFormat::Ecs | LogFormat::Json), _) => log_line::parse(&line),
                (_, Some(pattern)) => log_line::like(pattern, &line),
                (Some(LogFormat::Plain) | None, None) => log_line::plain(&line),
            };
            if let Some((timeline, file)) = &mut *shared.goes_to.lock().await {
                telemetry::log(timeline, &shared.service, &read);
                // A full disk loses the log, not the run.
                drop(file.write_all(format!("{line}\n").as_bytes()).await);
            }
        }
        if let Some((_, file)) = &mut *shared.goes_to.lock().await {
            drop(file.flush().await);
        }
    }

    /// Waits until all that an ended process wrote is read.
    pub(super) async fn settled(&self) {
        let mut open = self.shared.open.subscribe();
        drop(tokio::time::timeout(SETTLES, open.wait_for(|open| *open == 0)).await);
    }

    /// The last lines that it wrote.
    pub(super) fn last_lines(&self) -> Vec<String> {
        self.written().last.iter().cloned().collect()
    }

    /// Whether it said that a port is taken.
    pub(super) fn says_port_taken(&self) -> bool {
        self.written().port_taken
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.shared.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn open(file: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(file).await
}

impl Written {
    fn add(&mut self, line: &str) {
        if self.last.len() == SHOWN {
            self.last.pop_front();
        }
        self.last.push_back(line.to_owned());
        self.port_taken |= says_taken(line);
    }
}
