//! What a classic group's members tell each other through the broker: subscriptions and assignments of the consumer
//! protocol (`ConsumerProtocolSubscription.json`, `ConsumerProtocolAssignment.json`), behind a version of two bytes.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ConsumerProtocolAssignment, ConsumerProtocolSubscription};
use kafka_protocol::protocol::{Decodable, Encodable, Message};

use super::bounded;
use super::names::{Name, Names};

/// The protocol type whose metadata are understood; another's (such as `connect`) are carried as they are.
pub(crate) const CONSUMER: &str = "consumer";

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToBroker,
    ToClient,
}

impl Way {
    fn name(self, names: &Names, name: &mut impl Name) {
        match self {
            Self::ToBroker => names.put(name),
            // A name without the prefix was put there by another, and shows nothing but itself.
            Self::ToClient => {
                let _ = names.take(name);
            }
        }
    }
}

/// Renames the topics of a member's subscription. What cannot be read stays as it is.
pub(crate) fn subscription(bytes: &mut Bytes, way: Way, names: &Names) {
    rewrite::<ConsumerProtocolSubscription>(bytes, |subscription| {
        for topic in &mut subscription.topics {
            way.name(names, topic);
        }
        for owned in &mut subscription.owned_partitions {
            way.name(names, &mut owned.topic);
        }
    });
}

/// Renames the topics of a member's assignment; its partitions by the names that it now has. What cannot be read stays
/// as it is, and assigns nothing.
pub(crate) fn assignment(bytes: &mut Bytes, way: Way, names: &Names) -> Vec<(String, i32)> {
    let mut assigned = Vec::new();
    rewrite::<ConsumerProtocolAssignment>(bytes, |assignment| {
        for topic in &mut assignment.assigned_partitions {
            way.name(names, &mut topic.topic);
            let partitions = topic.partitions.iter();
            assigned.extend(partitions.map(|partition| (topic.topic.as_str().to_owned(), *partition)));
        }
    });
    assigned
}

fn rewrite<M: Message + Decodable + Encodable>(bytes: &mut Bytes, edit: impl FnOnce(&mut M)) {
    let mut rest = bytes.clone();
    if rest.len() < 2 {
        return;
    }
    // A newer version begins as the newest known one does (`ConsumerProtocol.java`); what it adds trails behind.
    let version = rest.get_i16();
    let known = version.min(M::VERSIONS.max);
    let Ok(mut message) = bounded::decode::<M>(&mut rest, known) else {
        return;
    };
    edit(&mut message);
    let mut written = BytesMut::new();
    written.put_i16(version);
    if message.encode(&mut written, known).is_ok() {
        written.put(rest);
        *bytes = written.freeze();
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::TopicName;
    use kafka_protocol::messages::consumer_protocol_assignment::TopicPartition;
    use kafka_protocol::protocol::StrBytes;

    use super::*;

    fn encoded(version: i16, message: &impl Encodable) -> Bytes {
        let mut bytes = BytesMut::new();
        bytes.put_i16(version);
        message.encode(&mut bytes, version).unwrap();
        bytes.put_slice(b"trailing");
        bytes.freeze()
    }

    #[test]
    fn a_subscription_of_every_version_goes_there_and_comes_back() {
        let names = Names::new("m3f9c-".to_owned());
        for version in 0..=3 {
            let written = |name: &'static str| {
                let message = ConsumerProtocolSubscription::default()
                    .with_topics(vec![StrBytes::from_static_str(name)])
                    .with_user_data(Some(Bytes::from_static(b"orders.v1")));
                encoded(version, &message)
            };
            let mut bytes = written("orders.v1");
            subscription(&mut bytes, Way::ToBroker, &names);
            assert_eq!(bytes, written("m3f9c-orders.v1"));
            subscription(&mut bytes, Way::ToClient, &names);
            assert_eq!(bytes, written("orders.v1"));
        }
    }

    #[test]
    fn an_assignment_tells_its_partitions() {
        let names = Names::new("m3f9c-".to_owned());
        let topic = TopicName(StrBytes::from_static_str("m3f9c-orders.v1"));
        let topic = TopicPartition::default().with_topic(topic).with_partitions(vec![0, 2]);
        let message = ConsumerProtocolAssignment::default().with_assigned_partitions(vec![topic]);
        let assigned = assignment(&mut encoded(1, &message), Way::ToClient, &names);
        assert_eq!(assigned, [("orders.v1".to_owned(), 0), ("orders.v1".to_owned(), 2)]);
    }

    #[test]
    fn what_cannot_be_read_stays() {
        let names = Names::new("m3f9c-".to_owned());
        for bytes in [&b""[..], b"\0", b"\0\0\xff\xff"] {
            let mut carried = Bytes::from_static(bytes);
            assert!(assignment(&mut carried, Way::ToBroker, &names).is_empty());
            assert_eq!(carried, bytes);
        }
    }
}
