//! A request about all topics is narrowed to the sandbox's, and waits for the answer that tells which these are.

use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::{
    ElectLeadersRequest, ElectLeadersResponse, HeartbeatRequest, HeartbeatResponse, MetadataRequest, MetadataResponse,
    RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, HeaderVersion, Request, StrBytes};
use momus_engine::timeline::{Clock, Timeline};
use momus_proxies::edge::{Edge, Protocol, Upstream};
use momus_proxies::kafka::{Broker, Namespace};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::caller::SOON;
use crate::frames::{frame, request, response};

/// The code of a partition that leads as it should.
const NEEDLESS: i16 = 84;

fn topic(name: &str, partitions: i32) -> MetadataResponseTopic {
    let partitions = (0..partitions).map(|index| MetadataResponsePartition::default().with_partition_index(index));
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(name.to_owned()))))
        .with_partitions(partitions.collect())
}

/// A broker with topics of two sandboxes; for what an election asks it of it.
async fn broker(listener: TcpListener) -> Vec<(String, Vec<i32>)> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut elected = Vec::new();
    loop {
        let mut bytes = frame(&mut stream).await;
        let (key, version) = (
            i16::from_be_bytes([bytes[0], bytes[1]]),
            i16::from_be_bytes([bytes[2], bytes[3]]),
        );
        let correlation = i32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
        let answer = match key {
            MetadataRequest::KEY => {
                let topics = vec![topic("m1-orders", 2), topic("m2-orders", 1), topic("m1-payments", 1)];
                response(&MetadataResponse::default().with_topics(topics), version, correlation)
            }
            ElectLeadersRequest::KEY => {
                RequestHeader::decode(&mut bytes, ElectLeadersRequest::header_version(version)).unwrap();
                let asked = ElectLeadersRequest::decode(&mut bytes, version).unwrap();
                let asked = asked.topic_partitions.unwrap();
                elected.extend(
                    asked
                        .iter()
                        .map(|each| (each.topic.to_string(), each.partitions.clone())),
                );
                let results = asked.into_iter().map(|each| {
                    let results = each.partitions.iter().map(|&number| {
                        let code = if number == 1 { 0 } else { NEEDLESS };
                        PartitionResult::default()
                            .with_partition_id(number)
                            .with_error_code(code)
                    });
                    ReplicaElectionResult::default()
                        .with_topic(each.topic)
                        .with_partition_result(results.collect())
                });
                let answer = ElectLeadersResponse::default().with_replica_election_results(results.collect());
                response(&answer, version, correlation)
            }
            _ => {
                stream
                    .write_all(&response(&HeartbeatResponse::default(), version, correlation))
                    .await
                    .unwrap();
                return elected;
            }
        };
        stream.write_all(&answer).await.unwrap();
    }
}

#[tokio::test]
async fn an_election_of_all_leaders_is_one_of_the_sandboxs() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::Tcp(listener.local_addr().unwrap());
    let timeline = Timeline::new(Clock::start(), 0, "m1");
    let namespace = Namespace::new("shop", "m1-", Broker::Real, timeline.activity().clone());
    let listened = Edge::listen("shop", "kafka", upstream, Protocol::Kafka(namespace), timeline);
    let edge = listened.await.unwrap();
    let client = async {
        let mut stream = TcpStream::connect(edge.address()).await.unwrap();
        let all = ElectLeadersRequest::default().with_topic_partitions(None);
        // What comes behind it is answered behind it.
        let both = [request(&all, 2, 1), request(&HeartbeatRequest::default(), 4, 2)];
        stream.write_all(&both.concat()).await.unwrap();
        let mut answer = frame(&mut stream).await;
        let header = ResponseHeader::decode(&mut answer, ElectLeadersResponse::header_version(2)).unwrap();
        let answer = ElectLeadersResponse::decode(&mut answer, 2).unwrap();
        let next = frame(&mut stream).await;
        (
            header.correlation_id,
            answer,
            i32::from_be_bytes([next[0], next[1], next[2], next[3]]),
        )
    };
    let both = async { tokio::join!(client, broker(listener)) };
    let ((first, answer, second), asked) = timeout(SOON, both).await.unwrap();
    assert_eq!((first, second), (1, 2));
    let own = [
        ("m1-orders".to_owned(), vec![0, 1]),
        ("m1-payments".to_owned(), vec![0]),
    ];
    assert_eq!(asked, own);
    // As a broker does that is asked about all: those that need none are left out.
    let told = answer.replica_election_results.iter();
    let told: Vec<_> = told
        .flat_map(|each| {
            each.partition_result
                .iter()
                .map(|part| (each.topic.as_str(), part.partition_id))
        })
        .collect();
    assert_eq!(told, [("orders", 1)]);
}
