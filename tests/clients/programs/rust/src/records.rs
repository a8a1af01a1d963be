//! Records: their codecs, headers and tombstones.

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders, OwnedMessage};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use sha2::{Digest, Sha256};

use crate::place::{New, Place, Result, read};

/// A reader of partition 0 that no group assigns it.
pub fn reader(place: &Place, topic: &str, group: &str, more: &[(&str, &str)]) -> Result<BaseConsumer> {
    let reader = place.consumer(&place.name(group), "classic", more)?;
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition_offset(topic, 0, Offset::Beginning)?;
    reader.assign(&wanted)?;
    Ok(reader)
}

fn text(bytes: Option<&[u8]>) -> String {
    bytes.map_or_else(|| "nothing".to_owned(), |bytes| format!("'{}'", bytes.escape_ascii()))
}

pub fn show(messages: &[OwnedMessage]) {
    for message in messages {
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        let headers: Vec<_> = headers
            .map(|header| format!("{}={}", header.key, text(header.value)))
            .collect();
        let (place, key, value) = (message.topic(), text(message.key()), text(message.payload()));
        println!(
            "{place} {} {} {key} {value} {headers:?}",
            message.partition(),
            message.offset()
        );
    }
}

pub async fn codecs(place: &Place) -> Result {
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = place.name(codec);
        place.create(&topic, 1, &[]).await?;
        let texts: Vec<_> = (0..100)
            .map(|n| (format!("k{n}"), format!("{n} ").repeat(300)))
            .collect();
        let records: Vec<_> = texts.iter().map(|(key, value)| New::plain(0, key, value)).collect();
        place
            .produce(&topic, &records, &[("compression.type", codec), ("linger.ms", "50")])
            .await?;
        let mut digest = Sha256::new();
        let messages = read(&reader(place, &topic, "g", &[])?, 100)?;
        for message in &messages {
            digest.update(message.key().unwrap_or_default());
            digest.update(message.payload().unwrap_or_default());
        }
        println!("{codec} {} {:x}", messages.len(), digest.finalize());
    }
    Ok(())
}

pub async fn headers(place: &Place) -> Result {
    let topic = place.name("orders");
    place.create(&topic, 1, &[("cleanup.policy", "compact")]).await?;
    let said = |headers: &[(&str, Option<&[u8]>)]| {
        let all = headers.iter().map(|&(key, value)| Header { key, value });
        Some(all.fold(OwnedHeaders::new(), |headers, header| headers.insert(header)))
    };
    let traced = [
        ("trace", Some(&b"\x00\xff"[..])),
        ("trace", Some(b"again")),
        ("none", None),
    ];
    let records = [
        New {
            headers: said(&traced),
            ..New::plain(0, "a", "1")
        },
        New {
            value: None,
            ..New::plain(0, "a", "")
        },
        New {
            headers: said(&[("empty", Some(b""))]),
            ..New::plain(0, "b", "")
        },
    ];
    place.produce(&topic, &records, &[]).await?;
    show(&read(&reader(place, &topic, "g", &[])?, 3)?);
    Ok(())
}
