//! Texts of the wire's record: what a call was about, in the sandbox's own names.

use bytes::Bytes;

/// `orders.v1 [partition 0, 2]`
pub(crate) fn partitions(topic: &str, partitions: impl IntoIterator<Item = i32>) -> String {
    let numbers: Vec<_> = partitions.into_iter().map(|number| number.to_string()).collect();
    format!("{topic} [partition {}]", numbers.join(", "))
}

/// The items behind each other, with commas.
pub(crate) fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let mut text = String::new();
    for item in items {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(item.as_ref());
    }
    text
}

/// How many records a partition's batches hold, by their headers (message format 2; each older message counts as one).
pub(crate) fn record_count(records: Option<&Bytes>) -> i64 {
    let (mut rest, mut count) = (records.map_or(&[][..], |records| &records[..]), 0);
    // Base offset 8 bytes, length 4, leader's epoch 4, magic 1, …, record count at 57.
    while let Some(length) = rest.get(8..12).and_then(|length| length.first_chunk()) {
        count += match (rest.get(16), rest.get(57..61).and_then(|count| count.first_chunk())) {
            (Some(2), Some(count)) => i64::from(i32::from_be_bytes(*count)),
            _ => 1,
        };
        let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or_default();
        rest = rest.get(12 + length..).unwrap_or_default();
    }
    count
}

/// The first error among codes, else 0.
pub(crate) fn first_error(codes: impl IntoIterator<Item = i16>) -> i16 {
    codes.into_iter().find(|code| *code != 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(count: i32) -> Vec<u8> {
        let mut bytes = vec![0; 61];
        bytes[8..12].copy_from_slice(&49_i32.to_be_bytes());
        bytes[16] = 2;
        bytes[57..61].copy_from_slice(&count.to_be_bytes());
        bytes
    }

    #[test]
    fn records_are_counted_over_batches_by_their_headers() {
        assert_eq!(record_count(Some(&Bytes::from([batch(3), batch(4)].concat()))), 7);
        assert_eq!(record_count(None), 0);
        assert_eq!(record_count(Some(&Bytes::from(vec![0; 11]))), 0);
    }

    #[test]
    fn a_topic_is_named_with_its_partitions() {
        assert_eq!(partitions("orders.v1", [0, 2]), "orders.v1 [partition 0, 2]");
        assert_eq!(list(["a", "b"]), "a, b");
    }
}
