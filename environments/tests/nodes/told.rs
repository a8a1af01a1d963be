//! What a client is told of nodes, call by call.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    DescribeClusterRequest, DescribeConfigsRequest, FindCoordinatorRequest, GroupId, MetadataRequest, MetadataResponse,
    OffsetCommitRequest, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use momus_environments::servers::kafka::conversation::Conversation;
use tokio::time::{interval, timeout};

use crate::caller::{Caller, NODES, PARTITIONS, SOON, TOPIC};
use crate::records::batch;

/// How many groups are made.
pub const GROUPS: usize = 8;
/// The code of a node that does not lead a partition.
const NOT_LEADER: i16 = 6;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn topic() -> TopicName {
    TopicName(text(TOPIC))
}

/// The edge's address for each node, by id.
fn own(caller: &Caller) -> BTreeMap<i32, String> {
    let addresses = caller.edge.addresses().map(|address| address.to_string());
    (1..).zip(addresses).collect()
}

fn at(host: &str, port: i32) -> String {
    format!("{host}:{port}")
}

async fn talk(address: SocketAddr) -> Conversation {
    Conversation::open(&address.to_string()).await.unwrap()
}

async fn metadata(told: &mut Conversation) -> MetadataResponse {
    told.ask(&MetadataRequest::default().with_topics(None), 12)
        .await
        .unwrap()
}

/// The nodes that Metadata names, with their addresses.
fn nodes(metadata: &MetadataResponse) -> BTreeMap<i32, String> {
    let nodes = metadata.brokers.iter();
    nodes.map(|node| (*node.node_id, at(&node.host, node.port))).collect()
}

/// Each node tells of all of them, at the edge's addresses.
pub async fn only_the_edges_addresses_are(caller: &Caller) {
    let own = own(caller);
    assert_eq!(own.len(), NODES);
    let keys: Vec<StrBytes> = (0..GROUPS).map(|number| text(&format!("group-{number}"))).collect();
    for address in caller.edge.addresses() {
        let mut told = talk(address).await;
        let metadata = metadata(&mut told).await;
        assert_eq!(nodes(&metadata), own);
        let partitions = &metadata.topics[0].partitions;
        assert_eq!(partitions.len(), PARTITIONS as usize);
        let leaders: BTreeSet<i32> = partitions.iter().map(|partition| *partition.leader_id).collect();
        assert_eq!(leaders, own.keys().copied().collect(), "each node leads partitions");

        let described = told.ask(&DescribeClusterRequest::default(), 1).await.unwrap();
        let nodes = described.brokers.iter();
        let nodes = nodes.map(|node| (*node.broker_id, at(&node.host, node.port)));
        assert_eq!(nodes.collect::<BTreeMap<_, _>>(), own);

        for (kind, version) in [(0, 4), (1, 4)] {
            for (id, at) in coordinators(&mut told, kind, version, &keys).await {
                assert_eq!(own.get(&id), Some(&at));
            }
        }
    }
    the_leader_is_told_with_its_address(caller, &own).await;
    configurations_tell_them_too(&own).await;
}

/// Where nodes listen stands in their configurations as well.
async fn configurations_tell_them_too(own: &BTreeMap<i32, String>) {
    for (id, at) in own {
        let node = DescribeConfigsResource::default()
            .with_resource_type(4)
            .with_resource_name(text(&id.to_string()))
            .with_configuration_keys(None);
        let asked = DescribeConfigsRequest::default()
            .with_resources(vec![node])
            .with_include_synonyms(true);
        let mut told = talk(at.parse().unwrap()).await;
        let answer = told.ask(&asked, 4).await.unwrap();
        let configs = answer.results[0].configs.iter();
        let named = configs.flat_map(|config| {
            let synonyms = config.synonyms.iter().map(|other| &other.value);
            synonyms.chain([&config.value]).flatten().cloned()
        });
        let addresses: BTreeSet<String> = named
            .filter(|value| value.contains("127.0.0.1:"))
            .map(|it| it.to_string())
            .collect();
        let controller = format!("BROKER://{at},CONTROLLER://{at}");
        let mut wanted = BTreeSet::from([format!("BROKER://{at}"), format!("1@{at}")]);
        if *id == 1 {
            wanted.insert(controller);
        }
        assert_eq!(addresses, wanted);
    }
}

/// The coordinators of these groups (0) or transactional ids (1), once there are such.
async fn coordinators(told: &mut Conversation, kind: i8, version: i16, keys: &[StrBytes]) -> Vec<(i32, String)> {
    let find = FindCoordinatorRequest::default()
        .with_key_type(kind)
        .with_coordinator_keys(keys.to_vec());
    let mut looks = interval(std::time::Duration::from_millis(20));
    let found = async {
        loop {
            looks.tick().await;
            let answer = told.ask(&find, version).await.unwrap();
            if answer.coordinators.iter().all(|found| found.error_code == 0) {
                let found = answer.coordinators.into_iter();
                let found = found.map(|it| (*it.node_id, at(&it.host, it.port)));
                return found.collect();
            }
        }
    };
    timeout(SOON, found).await.unwrap()
}

/// Asked to write what another node leads, a node names that one (KIP-951).
async fn the_leader_is_told_with_its_address(caller: &Caller, own: &BTreeMap<i32, String>) {
    let mut told = talk(caller.edge.address()).await;
    let metadata = metadata(&mut told).await;
    let mut partitions = metadata.topics[0].partitions.iter();
    let elsewhere = partitions.find(|partition| *partition.leader_id != 1).unwrap();
    let data = PartitionProduceData::default()
        .with_index(elsewhere.partition_index)
        .with_records(Some(batch()));
    let data = TopicProduceData::default()
        .with_name(topic())
        .with_partition_data(vec![data]);
    let produce = ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(5_000)
        .with_topic_data(vec![data]);
    let answer = told.ask(&produce, 11).await.unwrap();
    assert_eq!(answer.responses[0].partition_responses[0].error_code, NOT_LEADER);
    let named = answer.node_endpoints.iter();
    let named: Vec<_> = named.map(|node| (*node.node_id, at(&node.host, node.port))).collect();
    let leader = *elsewhere.leader_id;
    assert_eq!(named, [(leader, own[&leader].clone())]);
}

/// What the sandbox's topic has: three replicas, all in sync.
pub async fn topics_are_replicated(caller: &Caller) {
    let mut told = talk(caller.edge.address()).await;
    let metadata = metadata(&mut told).await;
    for partition in &metadata.topics[0].partitions {
        assert_eq!(partition.replica_nodes.len(), NODES);
    }
}

/// Commits an offset for each of some groups, and tells by which nodes that was done.
pub async fn commits_for_groups(caller: &Caller) -> BTreeSet<i32> {
    let own = own(caller);
    let mut by = BTreeSet::new();
    for number in 0..GROUPS {
        let group = text(&format!("group-{number}"));
        let mut any = talk(caller.edge.address()).await;
        let found = coordinators(&mut any, 0, 4, std::slice::from_ref(&group)).await;
        let (id, _) = &found[0];
        let mut coordinator = talk(own[id].parse().unwrap()).await;
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(0)
            .with_committed_offset(1);
        let committed = OffsetCommitRequestTopic::default()
            .with_name(topic())
            .with_partitions(vec![partition]);
        let commit = OffsetCommitRequest::default()
            .with_group_id(GroupId(group))
            .with_topics(vec![committed]);
        let mut looks = interval(std::time::Duration::from_millis(20));
        let done = async {
            while coordinator.ask(&commit, 8).await.unwrap().topics[0].partitions[0].error_code != 0 {
                looks.tick().await;
            }
        };
        timeout(SOON, done).await.unwrap();
        by.insert(*id);
    }
    by
}

/// Waits until so many nodes are named, at the edge's addresses, and lead all partitions.
pub async fn only_these_are_left(caller: &Caller, count: usize) {
    let mut told = talk(caller.edge.address()).await;
    let mut looks = interval(std::time::Duration::from_millis(50));
    let left = async {
        loop {
            looks.tick().await;
            let metadata = metadata(&mut told).await;
            if metadata.brokers.len() == count {
                return metadata;
            }
        }
    };
    let left = timeout(SOON, left).await.unwrap();
    let (own, nodes) = (own(caller), nodes(&left));
    assert!(nodes.iter().all(|(id, at)| own.get(id) == Some(at)), "{nodes:?}");
    let mut partitions = left.topics.iter().flat_map(|topic| &topic.partitions);
    assert!(
        partitions.all(|partition| nodes.contains_key(&*partition.leader_id)),
        "{left:?}"
    );
}
