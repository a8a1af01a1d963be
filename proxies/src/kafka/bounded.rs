//! Messages are decoded only where the lengths in them can be true. The decoder of an array makes room for as many elements
//! as it claims before it reads the first, and a claim of two billion ends the process.

use bytes::{Buf, Bytes, TryGetError};
use kafka_protocol::protocol::Decodable;
use kafka_protocol::protocol::buf::ByteBuf;

/// A length that no decoder takes: one below that of null.
const NO_LENGTH: i32 = -2;

/// More than the tags of the fields that any message has.
const NO_TAG: u32 = 1000;

/// Decodes a message; what follows it stays in `body`.
pub(crate) fn decode<M: Decodable>(body: &mut Bytes, version: i16) -> Result<M, String> {
    let probe = &mut Probe {
        rest: body.clone(),
        claim: Claim::default(),
    };
    M::decode(probe, version).map_err(|error| error.to_string())?;
    M::decode(body, version).map_err(|error| error.to_string())
}

/// What a message is read from for a try, of which nothing is kept: numbers beyond what is still there are given smaller. As
/// a length such a number cannot be true, and the try fails as it must; as anything else it does not matter.
struct Probe {
    rest: Bytes,
    claim: Claim,
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
        let of_claim = count.min(self.claim.left.len());
        self.claim.left.start += of_claim;
        self.rest.advance(count - of_claim);
    }

    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        let is_long = self.claim.left.is_empty() && self.rest.first().is_some_and(|byte| *byte >= 0x80);
        if is_long {
            let (number, count) = self.variable();
            let behind = u32::try_from(self.rest.len() - count).unwrap_or(u32::MAX - 2);
            if number > behind.saturating_add(1) {
                self.rest.advance(count);
                self.claim = Claim::of(behind.saturating_add(2).max(NO_TAG));
            }
        }
        let [byte] = take(self)?;
        Ok(byte)
    }

    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        let number = take(self).map(i32::from_be_bytes)?;
        let can_be = usize::try_from(number).is_ok_and(|number| number <= self.remaining());
        Ok(if can_be || number < 0 { number } else { NO_LENGTH })
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
        self.rest.split_to(size)
    }
}

#[cfg(test)]
mod tests {
    use bytes::{BufMut, BytesMut};
    use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
    use kafka_protocol::messages::{MetadataRequest, ProduceRequest};
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
