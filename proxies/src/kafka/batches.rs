//! Record batches by their headers; the records themselves are not looked into
//! (message format 2: <https://kafka.apache.org/documentation/#recordbatch>).

use bytes::Bytes;
use kafka_protocol::messages::fetch_response::AbortedTransaction;

/// The header of a batch, or an older message as a batch of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The offset of its first record.
    pub base: i64,
    /// The offset behind its last record.
    pub end: i64,
    /// How many records it holds; after compaction there may be none.
    pub count: i64,
    /// The producer's id; -1 where there is none.
    pub producer: i64,
    /// Whether it belongs to a transaction.
    pub is_transactional: bool,
    /// Whether it is the marker that ends a transaction.
    pub is_control: bool,
}

const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;

/// The whole batches at the beginning of these bytes; a fetch may end within one.
pub(crate) fn batches(records: Option<&Bytes>) -> impl Iterator<Item = Batch> {
    let mut rest = records.map_or(&[][..], |records| &records[..]);
    std::iter::from_fn(move || {
        let length = usize::try_from(i32::from_be_bytes(field(rest, 8)?)).ok()?;
        let (batch, behind) = rest.split_at_checked(12 + length)?;
        rest = behind;
        header(batch)
    })
}

/// The layout: base offset at 0, length 8, leader's epoch 12, magic 16, checksum 17, attributes 21, last offset's delta 23,
/// times 27 and 35, producer's id 43, its epoch 51, base sequence 53, record count 57.
fn header(batch: &[u8]) -> Option<Batch> {
    let base = i64::from_be_bytes(field(batch, 0)?);
    if *batch.get(16)? != 2 {
        return Some(Batch {
            base,
            end: base.saturating_add(1),
            count: 1,
            producer: -1,
            is_transactional: false,
            is_control: false,
        });
    }
    let attributes = i16::from_be_bytes(field(batch, 21)?);
    Some(Batch {
        base,
        end: base.saturating_add(i64::from(i32::from_be_bytes(field(batch, 23)?)) + 1),
        count: i64::from(i32::from_be_bytes(field(batch, 57)?)),
        producer: i64::from_be_bytes(field(batch, 43)?),
        is_transactional: attributes & TRANSACTIONAL != 0,
        is_control: attributes & CONTROL != 0,
    })
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// How many records a partition's batches hold.
pub(crate) fn record_count(records: Option<&Bytes>) -> i64 {
    batches(records).map(|batch| batch.count).fold(0, i64::saturating_add)
}

/// What an answer to Fetch told of a partition's log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// The offset from which on it told everything.
    pub from: i64,
    /// The offset up to which it told everything.
    pub to: i64,
    /// The offset behind the last record, of whatever transaction.
    pub data: Option<i64>,
    /// The offset behind the last record that is of no transaction, or of one that is known to be committed.
    pub stable: Option<i64>,
    /// The producers whose transactions ended there, and the offsets of the markers.
    pub markers: Vec<(i64, i64)>,
}

impl Fetched {
    /// Reads the batches that a fetch from this offset brought (none: from the first batch on). `aborted` are the aborted
    /// transactions among them, which only readers of committed records are told.
    pub fn read(from: Option<i64>, records: Option<&Bytes>, aborted: Option<&[AbortedTransaction]>) -> Option<Self> {
        let mut batches = batches(records).peekable();
        let first = batches.peek()?.base;
        let mut fetched = Self {
            from: from.map_or(first, |from| from.min(first)),
            ..Self::default()
        };
        for batch in batches {
            fetched.to = batch.end;
            if batch.is_control {
                fetched.markers.push((batch.producer, batch.base));
            } else if batch.count > 0 {
                fetched.data = Some(batch.end);
                let is_settled = match aborted {
                    _ if !batch.is_transactional => true,
                    Some(aborted) => !fetched.is_aborted(&batch, aborted),
                    None => false,
                };
                if is_settled {
                    fetched.stable = Some(batch.end);
                }
            }
        }
        Some(fetched)
    }

    /// Whether a batch is of an aborted transaction: one of its producer that began before it and has no marker between.
    fn is_aborted(&self, batch: &Batch, aborted: &[AbortedTransaction]) -> bool {
        let mut own = aborted.iter().filter(|each| each.producer_id.0 == batch.producer);
        own.any(|each| {
            let has_ended = |(producer, at): &(i64, i64)| *producer == batch.producer && *at >= each.first_offset;
            each.first_offset <= batch.base && !self.markers.iter().any(has_ended)
        })
    }
}

/// A batch as a broker writes it, for tests.
#[cfg(test)]
pub(crate) fn batch(base: i64, count: i32, producer: i64, attributes: i16) -> Vec<u8> {
    let mut bytes = vec![0; 61];
    bytes[..8].copy_from_slice(&base.to_be_bytes());
    bytes[8..12].copy_from_slice(&49_i32.to_be_bytes());
    bytes[16] = 2;
    bytes[21..23].copy_from_slice(&attributes.to_be_bytes());
    bytes[23..27].copy_from_slice(&(count - 1).to_be_bytes());
    bytes[43..51].copy_from_slice(&producer.to_be_bytes());
    bytes[57..61].copy_from_slice(&count.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKER: i16 = TRANSACTIONAL | CONTROL;

    fn bytes(batches: &[Vec<u8>]) -> Bytes {
        Bytes::from(batches.concat())
    }

    #[test]
    fn records_are_counted_over_batches_by_their_headers() {
        let two = bytes(&[batch(0, 3, -1, 0), batch(3, 4, -1, 0)]);
        assert_eq!(record_count(Some(&two)), 7);
        assert_eq!(record_count(None), 0);
        assert_eq!(record_count(Some(&Bytes::from(vec![0; 11]))), 0);
    }

    #[test]
    fn a_batch_that_is_cut_off_is_not_counted() {
        let mut two = bytes(&[batch(0, 3, -1, 0), batch(3, 4, -1, 0)]);
        two.truncate(two.len() - 1);
        assert_eq!(batches(Some(&two)).count(), 1);
        assert_eq!(Fetched::read(Some(0), Some(&two), None).unwrap().to, 3);
    }

    #[test]
    fn an_older_message_is_a_batch_of_its_own() {
        let mut message = batch(7, 3, -1, 0);
        message[16] = 1;
        let read: Vec<Batch> = batches(Some(&bytes(&[message]))).collect();
        assert_eq!((read[0].base, read[0].end, read[0].count), (7, 8, 1));
    }

    #[test]
    fn markers_and_aborted_records_are_no_data_for_who_reads_committed_ones() {
        let records = bytes(&[
            batch(2, 2, 7, TRANSACTIONAL),
            batch(4, 1, 7, MARKER),
            batch(5, 3, 7, TRANSACTIONAL),
            batch(8, 1, 7, MARKER),
            batch(9, 1, 7, TRANSACTIONAL),
            batch(10, 1, 7, MARKER),
        ]);
        let aborted = |first: &[i64]| {
            let each = |first: &i64| {
                AbortedTransaction::default()
                    .with_producer_id(7.into())
                    .with_first_offset(*first)
            };
            let aborted: Vec<_> = first.iter().map(each).collect();
            let read = Fetched::read(Some(1), Some(&records), Some(&aborted)).unwrap();
            (read.from, read.to, read.data, read.stable)
        };
        assert_eq!(aborted(&[]), (1, 11, Some(10), Some(10)));
        assert_eq!(aborted(&[9]), (1, 11, Some(10), Some(8)));
        assert_eq!(aborted(&[5, 9]), (1, 11, Some(10), Some(4)));
        assert_eq!(aborted(&[2, 5, 9]), (1, 11, Some(10), None));
    }

    #[test]
    fn who_reads_everything_is_not_told_what_becomes_of_a_transaction() {
        let records = bytes(&[
            batch(0, 2, -1, 0),
            batch(2, 2, 7, TRANSACTIONAL),
            batch(4, 1, 7, MARKER),
        ]);
        let read = Fetched::read(None, Some(&records), None).unwrap();
        assert_eq!((read.from, read.to), (0, 5));
        assert_eq!((read.data, read.stable, read.markers), (Some(4), Some(2), vec![(7, 4)]));
    }
}
