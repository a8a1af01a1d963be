//! The task that reads a topic, and what it has read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use momus_engine::timeline::Timeline;
use rdkafka::Offset;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use tokio::sync::{mpsc, watch};

use super::ends::Bounds;
use super::record::Record;
use super::tail::Silent;

/// For so long librdkafka's own thread may take to note another position.
const LONGEST_SEEK: Duration = Duration::from_secs(1);

/// What the reading task and the looks share.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Changes whenever something was read.
    pub news: watch::Sender<u64>,
}

/// What was read.
#[derive(Default)]
pub(super) struct State {
    /// The records, in the order in which they were read.
    pub records: Vec<Arc<Record>>,
    /// How far each partition was read.
    pub partitions: BTreeMap<i32, Position>,
    /// What the broker or the network said last, until something was read again.
    pub error: Option<String>,
}

/// How far a partition was read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Position {
    /// Everything before this offset was seen.
    next: i64,
    /// The broker said that nothing comes behind what was seen.
    at_end: bool,
    /// The end that was known when the position was set anew.
    asked: Option<i64>,
}

/// Reads a partition again from where it stands: the broker's answer tells that only control records lie behind it.
pub(super) struct Rewind {
    partition: i32,
    next: i64,
    end: i64,
}

impl Shared {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.news.send_modify(|count| *count += 1);
    }
}

impl State {
    /// What is still to be read to reach these ends, and whether the consumer believes that nothing is.
    pub fn behind(&self, bounds: &[Bounds]) -> Vec<(Rewind, bool)> {
        let behind = bounds.iter().filter_map(|bounds| {
            let position = self.partitions.get(&bounds.partition).copied().unwrap_or_default();
            let next = position.next.max(bounds.low);
            let rewind = Rewind {
                partition: bounds.partition,
                next,
                end: bounds.high,
            };
            (next < bounds.high).then_some((rewind, position.at_end))
        });
        behind.collect()
    }

    pub fn position(&mut self, partition: i32) -> &mut Position {
        self.partitions.entry(partition).or_default()
    }
}

/// What reads a topic, in a task of its own.
pub(super) struct Reader {
    pub topic: String,
    pub consumer: Arc<StreamConsumer<Silent>>,
    pub shared: Arc<Shared>,
    pub timeline: Timeline,
}

impl Reader {
    pub async fn read(self, mut rewinds: mpsc::UnboundedReceiver<Rewind>) {
        loop {
            tokio::select! {
                biased;
                Some(rewind) = rewinds.recv() => self.rewind(&rewind),
                message = self.consumer.recv() => self.take(message.map(|message| Record::of(&message))),
            }
            self.shared.tell();
        }
    }

    fn take(&self, read: KafkaResult<Record>) {
        let mut state = self.shared.state();
        match read {
            Ok(record) => {
                state.error = None;
                let position = state.position(record.partition);
                if record.offset < position.next {
                    return;
                }
                position.next = record.offset + 1;
                position.at_end = false;
                let happening = record.happening(&self.topic);
                state.records.push(Arc::new(record));
                // A look that the bell wakes must find the record, and takes the lock for it.
                self.timeline.record(happening);
            }
            Err(KafkaError::PartitionEOF(partition)) => {
                state.error = None;
                let position = state.position(partition);
                position.at_end = true;
                // What lies between is no record: the markers that end transactions, and what aborted ones wrote.
                if let Some(end) = position.asked.take() {
                    position.next = position.next.max(end);
                }
            }
            Err(error) => state.error = Some(error.to_string()),
        }
    }

    /// The broker's next answer for this partition was asked for after its end was known.
    fn rewind(&self, rewind: &Rewind) {
        {
            let mut state = self.shared.state();
            let position = state.position(rewind.partition);
            if position.next > rewind.next || position.asked == Some(rewind.end) {
                return;
            }
        }
        // Waits for librdkafka's own thread, not for the broker.
        let offset = Offset::Offset(rewind.next);
        let sought = self.consumer.seek(&self.topic, rewind.partition, offset, LONGEST_SEEK);
        let mut state = self.shared.state();
        match sought {
            Ok(()) => {
                let position = state.position(rewind.partition);
                position.at_end = false;
                position.asked = Some(rewind.end);
            }
            Err(error) => state.error = Some(error.to_string()),
        }
    }
}
