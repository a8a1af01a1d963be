//! Messages are decoded only where the lengths in them can be true. The decoder of an array makes room for as many elements
//! as it claims before it reads the first, and a claim of two billion ends the process. An element may take a hundred times
//! more room than a byte: a claim of more than [`FEW`] elements is true only where [`EACH`] bytes are there for each.

use std::collections::BTreeSet;

use bytes::{Buf, Bytes, TryGetError};
use kafka_protocol::protocol::Decodable;
use kafka_protocol::protocol::buf::ByteBuf;

/// A length that no decoder takes: one below that of null.
const NO_LENGTH: i32 = -2;

/// More than the tags of the fields that any message has.
const NO_TAG: u32 = 1000;

/// How many elements any array may claim.
const FEW: usize = 16_384;

/// How many bytes there must be for each element of an array that claims more, be they its own or what follows it. Less have
/// only elements that are nothing but a number, of which a list of so many (of one topic's partitions) is nobody's.
const EACH: usize = 16;

/// Decodes a message; what follows it stays in `body`.
pub(crate) fn decode<M: Decodable>(body: &mut Bytes, version: i16) -> Result<M, String> {
    let mut probe = Probe::of(body, None);
    let tried = M::decode(&mut probe, version).map(drop);
    let texts = probe.end()?;
    tried.map_err(|error| error.to_string())?;
    if let Some(texts) = texts {
        M::decode(&mut Probe::of(body, Some(texts)), version).map_err(|error| error.to_string())?;
    }
    M::decode(body, version).map_err(|error| error.to_string())
}

/// What a message is read from for a try, of which nothing is kept: numbers beyond what is still there are given smaller. As
/// a length such a number cannot be true, and the try fails as it must; as anything else it does not matter.
///
/// A number that can be the length of a text but of no array is a text's where the text is read next, and is given as that of
/// an empty one until then. One of variable size that is none's is an array's. One of four bytes may be no length at all: then
/// the message is tried again, with what are texts known, and a number that cannot be true in place of all others.
struct Probe {
    rest: Bytes,
    claim: Claim,
    /// The number read last, while it may yet be a text's length.
    doubt: Option<Doubt>,
    /// How much was left behind the lengths that are texts', as far as they are found out or known from before.
    texts: BTreeSet<usize>,
    are_known: bool,
    /// Some number may be an array's length, or none.
    is_doubtful: bool,
    /// An array claims too much.
    too_much: Option<String>,
}

/// A number that may be a text's length.
struct Doubt {
    number: usize,
    is_variable: bool,
}

/// The bytes of a variable length that is given in place of one that cannot be true.
#[derive(Default)]
struct Claim {
    bytes: [u8; 5],
    /// Which of them are still to be given.
    left: std::ops::Range<usize>,
}

impl Claim {
    fn of(mut number: u32) -> Self {
        let (mut bytes, mut count) = ([0; 5], 0);
        while let [low, _, _, _] = number.to_le_bytes()
            && count < bytes.len()
        {
            number >>= 7;
            bytes[count] = if number == 0 { low & 0x7f } else { low | 0x80 };
            count += 1;
            if number == 0 {
                break;
            }
        }
        Self { bytes, left: 0..count }
    }
}

impl Probe {
    fn of(body: &Bytes, texts: Option<BTreeSet<usize>>) -> Self {
        Self {
            rest: body.clone(),
            claim: Claim::default(),
            doubt: None,
            are_known: texts.is_some(),
            texts: texts.unwrap_or_default(),
            is_doubtful: false,
            too_much: None,
        }
    }

    /// Where the texts are, if the message is to be tried again.
    fn end(mut self) -> Result<Option<BTreeSet<usize>>, String> {
        self.no_text();
        match self.too_much {
            Some(why) => Err(why),
            None => Ok(self.is_doubtful.then_some(self.texts)),
        }
    }

    /// The number read last is no text's length.
    fn no_text(&mut self) {
        match self.doubt.take() {
            None => {}
            Some(Doubt { is_variable: false, .. }) => self.is_doubtful = true,
            Some(Doubt { number, .. }) => self.claims_too_much(number),
        }
    }

    fn claims_too_much(&mut self, number: usize) {
        let left = self.rest.len();
        let why = || format!("it claims {number} elements, of which {left} bytes are left");
        self.too_much.get_or_insert_with(why);
    }

    /// Whether an array may have so many elements, with so much behind its length.
    fn is_room(number: usize, behind: usize) -> bool {
        number <= FEW.max(behind / EACH)
    }

    /// The number of variable length that begins here, and its length in bytes.
    fn variable(&self) -> (u32, usize) {
        let (mut number, mut count) = (0, 0);
        for byte in self.rest.iter().take(5) {
            number |= u32::from(byte & 0x7f) << (count * 7);
            count += 1;
            if *byte < 0x80 {
                break;
            }
        }
        (number, count)
    }
}

impl Buf for Probe {
    fn remaining(&self) -> usize {
        self.rest.len() + self.claim.left.len()
    }

    fn chunk(&self) -> &[u8] {
        match &self.claim.bytes[self.claim.left.clone()] {
            [] => &self.rest,
            claim => claim,
        }
    }

    fn advance(&mut self, count: usize) {
        self.no_text();
        let of_claim = count.min(self.claim.left.len());
        self.claim.left.start += of_claim;
        self.rest.advance(count - of_claim);
    }

    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        let is_long = self.claim.left.is_empty() && self.rest.first().is_some_and(|byte| *byte >= 0x80);
        if !is_long {
            return take(self).map(u8::from_be_bytes);
        }
        let (number, count) = self.variable();
        let left = self.rest.len() - count;
        let behind = u32::try_from(left).unwrap_or(u32::MAX - 2);
        let is_text = self.are_known && self.texts.contains(&left);
        if is_text || Self::is_room(number as usize, left) {
            return take(self).map(u8::from_be_bytes);
        }
        self.rest.advance(count);
        if left + 2 <= FEW {
            // There is room for as many as there are bytes.
            self.claim = Claim::of(behind.saturating_add(2).max(NO_TAG));
            return take(self).map(u8::from_be_bytes);
        }
        self.claim = Claim::of(1);
        let given = take(self).map(u8::from_be_bytes);
        self.doubt = Some(Doubt {
            number: number as usize,
            is_variable: true,
        });
        given
    }

    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        let number = take(self).map(i32::from_be_bytes)?;
        let Ok(length) = usize::try_from(number) else {
            return Ok(number);
        };
        let left = self.remaining();
        if length > left {
            return Ok(NO_LENGTH);
        }
        if Self::is_room(length, left) || self.texts.contains(&left) {
            return Ok(number);
        }
        if self.are_known {
            return Ok(NO_LENGTH);
        }
        self.doubt = Some(Doubt {
            number: length,
            is_variable: false,
        });
        Ok(0)
    }
}

fn take<const N: usize>(probe: &mut Probe) -> Result<[u8; N], TryGetError> {
    let mut bytes = [0; N];
    probe.try_copy_to_slice(&mut bytes)?;
    Ok(bytes)
}

impl ByteBuf for Probe {
    fn peek_bytes(&mut self, range: std::ops::Range<usize>) -> Bytes {
        self.rest.slice(range)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        let Some(Doubt { number, is_variable }) = self.doubt.take() else {
            return self.rest.split_to(size);
        };
        self.texts.insert(self.rest.len());
        // Of variable size it is one more than the text takes, but that of a tagged field, which was given as 1.
        let length = number - usize::from(is_variable && size == 0);
        if length > self.rest.len() {
            self.claims_too_much(length);
            return Bytes::new();
        }
        self.rest.split_to(length)
    }
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, BytesMut};
    use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
    use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
    use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
    use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
    use kafka_protocol::messages::{DescribeConfigsRequest, FetchRequest, MetadataRequest, ProduceRequest};
    use kafka_protocol::protocol::Encodable;

    use super::*;

    #[test]
    fn an_array_that_claims_more_than_is_there_is_refused_without_room_for_it() {
        for (version, claim) in [
            (4, &[0x7f, 0xff, 0xff, 0xff, 0, 0][..]),
            (4, &[0, 0, 0, 3, 0, 0][..]),
            (12, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0][..]),
            (12, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..]),
            (12, &[0xff][..]),
        ] {
            let decoded = decode::<MetadataRequest>(&mut Bytes::copy_from_slice(claim), version);
            assert!(decoded.is_err(), "{claim:?}: {decoded:?}");
        }
    }

    /// A few megabytes of the cheapest elements, for which an array had room for more than ten times as much.
    #[test]
    fn an_array_that_would_unfold_to_many_times_its_bytes_is_refused_without_room_for_it() {
        const MANY: usize = 500_000;
        const EACH: usize = size_of::<DescribeConfigsResource>();
        let cheap = DescribeConfigsResource::default().with_configuration_keys(None);
        for version in [1, 4] {
            let request = DescribeConfigsRequest::default().with_resources(vec![cheap.clone(); MANY]);
            let mut body = BytesMut::new();
            request.encode(&mut body, version).unwrap();
            let mut body = body.freeze();
            assert!(MANY * EACH > 10 * body.len(), "they would not have taken much");
            let read = DescribeConfigsRequest::decode(&mut Probe::of(&body, None), version);
            let room = read.map_or(0, |read| read.resources.capacity()) * EACH;
            assert!(room < body.len(), "{room} bytes were made room for");
            assert!(decode::<DescribeConfigsRequest>(&mut body, version).is_err());
        }
    }

    #[test]
    fn as_many_elements_as_there_are_bytes_for_are_read_and_texts_of_any_length() {
        for version in 3..=13 {
            let records = |length: usize| Some(Bytes::from(vec![7; length]));
            let partition = |length| PartitionProduceData::default().with_records(records(length));
            let lengths = [5000, 0, 100_000, 127, 70_000];
            let partitions: Vec<_> = lengths.map(partition).into_iter().cycle().take(8000).collect();
            let topics = vec![TopicProduceData::default().with_partition_data(partitions); 1];
            let produce = ProduceRequest::default()
                .with_timeout_ms(30_000)
                .with_topic_data(topics);
            let mut body = BytesMut::new();
            produce.encode(&mut body, version).unwrap();
            assert_eq!(
                decode::<ProduceRequest>(&mut body.freeze(), version),
                Ok(produce),
                "{version}"
            );
        }
    }

    #[test]
    fn a_number_that_could_be_an_arrays_length_but_is_none_does_not_matter() {
        for version in [4, 11, 12] {
            let partitions = vec![FetchPartition::default().with_partition_max_bytes(60_000); 3000];
            let topics = vec![FetchTopic::default().with_partitions(partitions)];
            let fetch = FetchRequest::default().with_max_bytes(50_000).with_topics(topics);
            let mut body = BytesMut::new();
            fetch.encode(&mut body, version).unwrap();
            assert_eq!(
                decode::<FetchRequest>(&mut body.freeze(), version),
                Ok(fetch),
                "{version}"
            );
        }
    }

    #[test]
    fn large_numbers_that_are_no_lengths_and_large_tags_pass() {
        let mut tagged = MetadataRequest::default().with_topics(Some(vec![MetadataRequestTopic::default()]));
        tagged.unknown_tagged_fields.insert(10_000, Bytes::from_static(b"x"));
        let mut bytes = BytesMut::new();
        tagged.encode(&mut bytes, 12).unwrap();
        assert_eq!(decode::<MetadataRequest>(&mut bytes.freeze(), 12), Ok(tagged));
        let mut body = BytesMut::new();
        let produce = ProduceRequest::default().with_timeout_ms(i32::MAX);
        produce.encode(&mut body, 9).unwrap();
        body.put_slice(b"rest");
        let mut body = body.freeze();
        assert_eq!(decode::<ProduceRequest>(&mut body, 9), Ok(produce));
        assert_eq!(body, b"rest"[..]);
    }
}
