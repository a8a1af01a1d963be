//! librdkafka's mock cluster: what stands in for Kafka where there is no Java. It answers the protocol, and lacks much of the broker.

use std::{sync::mpsc, thread};

use rdkafka::{
    bindings::{rd_kafka_handle_mock_cluster, rd_kafka_mock_group_initial_rebalance_delay_ms},
    config::ClientConfig,
    error::KafkaError,
    producer::{BaseProducer, Producer},
};
use tokio::sync::oneshot;

use super::ServerError;

const SERVER: &str = "Kafka's mock cluster";

/// Something that a real broker does and the mock cluster does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lack {
    /// Every call of an admin client: topics, configurations, groups and access lists cannot be made, changed or described by a service.
    AdminCalls,
    /// `read_committed` sees the records of aborted and open transactions, and an old producer of a transactional id is not fenced.
    TransactionIsolation,
    /// `cleanup.policy=compact` removes nothing.
    Compaction,
    /// Nobody can list the groups.
    ListGroups,
    /// Offsets cannot be looked up by timestamp.
    OffsetsForTimes,
    /// A partition silently keeps only its last 5 MiB.
    PartitionSize,
}

/// A thing lacked, and how to say so.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What is lacked.
    pub lack: Lack,
    /// The reason to give when something that needs it is refused.
    pub reason: &'static str,
}

/// Most bytes that a partition of the mock cluster keeps.
pub const PARTITION_BYTES: u64 = 5 * 1024 * 1024;

/// All that the mock cluster lacks.
pub const LIMITS: [Limit; 6] = [
    Limit {
        lack: Lack::AdminCalls,
        reason: "the mock cluster answers no admin call",
    },
    Limit {
        lack: Lack::TransactionIsolation,
        reason: "the mock cluster does not isolate transactions: read_committed sees aborted records, and nothing is fenced",
    },
    Limit {
        lack: Lack::Compaction,
        reason: "the mock cluster does not compact",
    },
    Limit {
        lack: Lack::ListGroups,
        reason: "the mock cluster cannot list groups",
    },
    Limit {
        lack: Lack::OffsetsForTimes,
        reason: "the mock cluster cannot look up offsets by time",
    },
    Limit {
        lack: Lack::PartitionSize,
        reason: "the mock cluster keeps only the last 5 MiB of a partition",
    },
];

/// The calls of clients that the mock cluster lacks, by the protocol's key (<https://kafka.apache.org/protocol#protocol_api_keys>):
/// a service that makes one gets no answer that means anything.
pub const MISSING_CALLS: [(i16, &str); 35] = [
    (15, "DescribeGroups"),
    (16, "ListGroups"),
    (19, "CreateTopics"),
    (20, "DeleteTopics"),
    (21, "DeleteRecords"),
    (29, "DescribeAcls"),
    (30, "CreateAcls"),
    (31, "DeleteAcls"),
    (32, "DescribeConfigs"),
    (33, "AlterConfigs"),
    (34, "AlterReplicaLogDirs"),
    (35, "DescribeLogDirs"),
    (37, "CreatePartitions"),
    (38, "CreateDelegationToken"),
    (39, "RenewDelegationToken"),
    (40, "ExpireDelegationToken"),
    (41, "DescribeDelegationToken"),
    (42, "DeleteGroups"),
    (43, "ElectLeaders"),
    (44, "IncrementalAlterConfigs"),
    (45, "AlterPartitionReassignments"),
    (46, "ListPartitionReassignments"),
    (47, "OffsetDelete"),
    (48, "DescribeClientQuotas"),
    (49, "AlterClientQuotas"),
    (50, "DescribeUserScramCredentials"),
    (51, "AlterUserScramCredentials"),
    (60, "DescribeCluster"),
    (61, "DescribeProducers"),
    (65, "DescribeTransactions"),
    (66, "ListTransactions"),
    (69, "ConsumerGroupDescribe"),
    (75, "DescribeTopicPartitions"),
    (76, "ShareGroupHeartbeat"),
    (78, "ShareFetch"),
];

/// The name of a call that the mock cluster lacks, by its key.
#[must_use]
pub fn missing_call(key: i16) -> Option<&'static str> {
    MISSING_CALLS
        .iter()
        .find(|(missing, _)| *missing == key)
        .map(|(_, name)| *name)
}

struct CreateTopic {
    name: String,
    partitions: i32,
    done: oneshot::Sender<Result<(), KafkaError>>,
}

/// A running mock cluster, in this process.
#[derive(Debug)]
pub struct MockKafka {
    /// Those of its nodes, in the order of their ids, with commas between them.
    addresses: String,
    /// To the thread that holds the cluster, which may not leave it; it ends, and the cluster with it, when this is dropped.
    topics: mpsc::Sender<CreateTopic>,
}

impl MockKafka {
    /// Starts one of a single node; it takes about a millisecond.
    ///
    /// # Errors
    /// When librdkafka cannot make it.
    pub async fn start() -> Result<Self, ServerError> {
        Self::start_nodes(1).await
    }

    /// Starts one of so many nodes, which lead partitions in turn and replicate nothing.
    ///
    /// # Errors
    /// When librdkafka cannot make it.
    pub async fn start_nodes(nodes: usize) -> Result<Self, ServerError> {
        let (topics, wanted) = mpsc::channel::<CreateTopic>();
        let (started, addresses) = oneshot::channel();
        thread::spawn(move || {
            let client = match with_a_cluster(nodes) {
                Ok(client) => client,
                Err(error) => return drop(started.send(Err(error.to_string()))),
            };
            let Some(cluster) = client.client().mock_cluster() else {
                return drop(started.send(Err("librdkafka made none".into())));
            };
            let _ = started.send(Ok(cluster.bootstrap_servers()));
            for CreateTopic { name, partitions, done } in wanted {
                let _ = done.send(cluster.create_topic(&name, partitions, 1));
            }
        });
        let addresses = addresses.await.unwrap_or_else(|_| Err("its thread ended".into()));
        let addresses = addresses.map_err(|reason| refused("start", reason))?;
        Ok(Self { addresses, topics })
    }

    /// Where clients connect: host and port of its first node.
    #[must_use]
    pub fn address(&self) -> &str {
        self.addresses().next().unwrap_or_default()
    }

    /// Host and port of each of its nodes, in the order of their ids, which begin with 1.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.addresses.split(',')
    }

    /// Makes a topic. One that is not made is made by the mock itself, with four partitions, when a client first names it.
    ///
    /// # Errors
    /// When there is one of this name, or the number of partitions is not positive.
    pub async fn create_topic(&self, name: &str, partitions: i32) -> Result<(), ServerError> {
        let action = format!("make topic `{name}`");
        let (done, result) = oneshot::channel();
        let wanted = CreateTopic {
            name: name.to_owned(),
            partitions,
            done,
        };
        self.topics.send(wanted).map_err(|_| refused(&action, "it is gone"))?;
        let result = result.await.map_err(|_| refused(&action, "it is gone"))?;
        result.map_err(|error| refused(&action, error.to_string()))
    }
}

/// A client that has a mock cluster of so many nodes, and lives as long as it.
fn with_a_cluster(nodes: usize) -> Result<BaseProducer, KafkaError> {
    let mut config = ClientConfig::new();
    config.set("test.mock.num.brokers", nodes.to_string());
    let client: BaseProducer = config.create()?;
    form_groups_at_once(&client);
    Ok(client)
}

/// Has a group assign its partitions as soon as its first member comes, as the real broker of a run does. The mock waits for 3 s, and
/// meanwhile throws out a member whose session is shorter (`rd_kafka_mock_cgrp_classic_session_tmr_cb` of librdkafka 2.12).
#[expect(
    unsafe_code,
    reason = "librdkafka's own function for it, which its binding does not wrap"
)]
fn form_groups_at_once(client: &BaseProducer) {
    // SAFETY: both are of librdkafka and look at nothing but what the client has; the cluster lives as long as the client, which is borrowed.
    unsafe {
        let cluster = rd_kafka_handle_mock_cluster(client.client().native_ptr());
        if !cluster.is_null() {
            rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0);
        }
    }
}

fn refused(action: &str, reason: impl Into<String>) -> ServerError {
    ServerError::Refused {
        server: SERVER,
        action: action.to_owned(),
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };

    use super::*;

    /// The keys of the calls that the mock cluster says it answers: an ApiVersions request (key 18) of version 0.
    fn answered(address: &str) -> Vec<i16> {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .write_all(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff])
            .unwrap();
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut answer).unwrap();
        // Correlation (4), error (2), length of the array (4), then key, lowest and highest version.
        answer[10..]
            .chunks_exact(6)
            .map(|call| i16::from_be_bytes([call[0], call[1]]))
            .collect()
    }

    #[tokio::test]
    async fn the_calls_listed_as_missing_are_missing() {
        let mock = MockKafka::start().await.unwrap();
        let answered = answered(mock.address());
        assert!(answered.contains(&0) && answered.contains(&1), "{answered:?}");
        let wrong: Vec<_> = MISSING_CALLS.iter().filter(|(key, _)| answered.contains(key)).collect();
        assert!(wrong.is_empty(), "{wrong:?} of {answered:?}");
        assert_eq!(missing_call(19), Some("CreateTopics"));
        assert_eq!(missing_call(0), None);
    }

    #[tokio::test]
    async fn a_group_with_a_short_session_forms_at_once() {
        use rdkafka::consumer::{BaseConsumer, Consumer};

        let mock = MockKafka::start().await.unwrap();
        mock.create_topic("orders.v1", 6).await.unwrap();
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", mock.address())
            .set("group.id", "billing")
            .set("session.timeout.ms", "1000")
            .set("heartbeat.interval.ms", "300")
            .create()
            .unwrap();
        consumer.subscribe(&["orders.v1"]).unwrap();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while consumer.assignment().unwrap().count() < 6 {
            assert!(std::time::Instant::now() < until, "no partitions");
            drop(consumer.poll(std::time::Duration::from_millis(50)));
        }
    }

    #[tokio::test]
    async fn a_topic_that_is_there_is_refused() {
        let mock = MockKafka::start().await.unwrap();
        mock.create_topic("orders.v1", 6).await.unwrap();
        let error = mock.create_topic("orders.v1", 6).await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("Kafka's mock cluster refused to make topic `orders.v1`: "),
            "{error}"
        );
    }
}
