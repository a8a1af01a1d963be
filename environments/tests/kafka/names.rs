//! What a real broker says of a sandbox's things passes the edge without the names that they have there.

use std::fmt::Debug;

use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, CreatePartitionsRequest, CreateTopicsRequest,
    DeleteGroupsRequest, DeleteTopicsRequest, DescribeClusterRequest, DescribeConfigsRequest, DescribeGroupsRequest,
    FindCoordinatorRequest, GroupId, IncrementalAlterConfigsRequest, MetadataRequest, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::{Request, StrBytes};
use momus_environments::servers::kafka::conversation::Conversation;

use crate::broker::Caller;
use crate::records::batch;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

/// A conversation over the edge of a sandbox.
struct Told {
    sandbox: &'static str,
    conversation: Conversation,
}

impl Told {
    async fn begin(caller: &Caller, sandbox: &'static str) -> Self {
        let conversation = Conversation::open(&caller.edge.address().to_string()).await.unwrap();
        Self { sandbox, conversation }
    }

    /// What is answered, which tells nothing of the sandbox's name.
    async fn ask<R: Request>(&mut self, request: R, version: i16) -> String
    where
        R::Response: Debug,
    {
        let answer = self.conversation.ask(&request, version).await.unwrap();
        let answer = format!("{answer:?}");
        assert!(!answer.contains(self.sandbox), "{answer}");
        answer
    }
}

fn creation(name: &str, config: &[(&str, &str)]) -> CreateTopicsRequest {
    let config = config.iter().map(|(key, value)| {
        CreatableTopicConfig::default()
            .with_name(text(key))
            .with_value(Some(text(value)))
    });
    let new = CreatableTopic::default()
        .with_name(topic(name))
        .with_num_partitions(1)
        .with_replication_factor(1)
        .with_configs(config.collect());
    CreateTopicsRequest::default()
        .with_topics(vec![new])
        .with_timeout_ms(30_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_about_topics_name_them_as_the_caller_does() {
    let caller = Caller::new("secretly").await;
    let mut told = Told::begin(&caller, "secretly").await;
    assert!(told.ask(creation("orders.v1", &[]), 7).await.contains("error_code: 0"));
    let exists = told.ask(creation("orders.v1", &[]), 7).await;
    assert!(exists.contains("Topic 'orders.v1' already exists."), "{exists}");
    let collides = told.ask(creation("orders_v1", &[]), 7).await;
    assert!(
        collides.contains("collides with existing topic: orders.v1"),
        "{collides}"
    );
    let invalid = told.ask(creation("orders v1", &[]), 7).await;
    assert!(invalid.contains("'orders v1'"), "{invalid}");
    told.ask(creation("invoices.v1", &[("retention.ms", "long")]), 7).await;

    let fewer = CreatePartitionsTopic::default()
        .with_name(topic("orders.v1"))
        .with_count(1);
    let fewer = CreatePartitionsRequest::default()
        .with_topics(vec![fewer])
        .with_timeout_ms(30_000);
    assert!(told.ask(fewer, 3).await.contains("error_code: 37"));
    let none = DeleteTopicState::default().with_name(Some(topic("nothing")));
    told.ask(
        DeleteTopicsRequest::default()
            .with_topics(vec![none])
            .with_timeout_ms(30_000),
        6,
    )
    .await;
    let none = MetadataRequestTopic::default().with_name(Some(topic("nothing")));
    let unknown = MetadataRequest::default().with_topics(Some(vec![none]));
    let unknown = told.conversation.ask(&unknown, 12).await.unwrap().topics.remove(0);
    assert_eq!((unknown.error_code, unknown.name), (3, Some(topic("nothing"))));

    let resource = DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text("nothing"));
    let described = DescribeConfigsRequest::default().with_resources(vec![resource]);
    told.ask(described.with_include_synonyms(true), 4).await;
    let config = AlterableConfig::default()
        .with_name(text("retention.ms"))
        .with_value(Some(text("long")));
    let resource = AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text("orders.v1"))
        .with_configs(vec![config]);
    let altered = told
        .ask(
            IncrementalAlterConfigsRequest::default().with_resources(vec![resource]),
            1,
        )
        .await;
    assert!(altered.contains("retention.ms"), "{altered}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_record_tells_the_topics_own_name() {
    let caller = Caller::new("compactly").await;
    let mut told = Told::begin(&caller, "compactly").await;
    told.ask(creation("latest.v1", &[("cleanup.policy", "compact")]), 7)
        .await;
    let data = PartitionProduceData::default()
        .with_index(0)
        .with_records(Some(batch()));
    let data = TopicProduceData::default()
        .with_name(topic("latest.v1"))
        .with_partition_data(vec![data]);
    let request = ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(30_000)
        .with_topic_data(vec![data]);
    // The leader is there a little after the topic: until then the topic is unknown, or led by nobody.
    let refused = loop {
        let answer = told.ask(request.clone(), 11).await;
        if !["error_code: 3,", "error_code: 5,", "error_code: 6,"]
            .iter()
            .any(|code| answer.contains(code))
        {
            break answer;
        }
    };
    assert!(refused.contains("in topic partition latest.v1-0"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_about_groups_name_them_as_the_caller_does() {
    let caller = Caller::new("quietly").await;
    let mut told = Told::begin(&caller, "quietly").await;
    let group = || GroupId(text("billing"));
    let coordinator = FindCoordinatorRequest::default().with_coordinator_keys(vec![text("billing")]);
    // The first group of a broker has no coordinator at once.
    let unknown = loop {
        told.ask(coordinator.clone(), 4).await;
        let answer = told
            .ask(DescribeGroupsRequest::default().with_groups(vec![group()]), 6)
            .await;
        if !["error_code: 14", "error_code: 15", "error_code: 16"]
            .iter()
            .any(|code| answer.contains(code))
        {
            break answer;
        }
    };
    assert!(unknown.contains("Group billing not found."), "{unknown}");
    let unknown = told
        .ask(ConsumerGroupDescribeRequest::default().with_group_ids(vec![group()]), 1)
        .await;
    assert!(unknown.contains("Group billing not found."), "{unknown}");
    told.ask(DeleteGroupsRequest::default().with_groups_names(vec![group()]), 2)
        .await;
    let join = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group())
        .with_member_id(text("a member"))
        .with_rebalance_timeout_ms(1_000)
        .with_subscribed_topic_names(None)
        .with_subscribed_topic_regex(Some(text("^orders[")))
        .with_topic_partitions(Some(Vec::new()));
    let invalid = told.ask(join.clone(), 1).await;
    assert!(invalid.contains("not a valid regular expression"), "{invalid}");
    let unknown = told
        .ask(join.with_member_epoch(7).with_subscribed_topic_regex(None), 1)
        .await;
    assert!(unknown.contains("error_message: Some"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_sandbox_is_a_cluster_of_its_own_behind_its_edge() {
    let mut seen = Vec::new();
    for sandbox in ["cluster1", "cluster2"] {
        let caller = Caller::new(sandbox).await;
        let mut conversation = Conversation::open(&caller.edge.address().to_string()).await.unwrap();
        let described = conversation.ask(&DescribeClusterRequest::default(), 1).await.unwrap();
        let metadata = conversation
            .ask(&MetadataRequest::default().with_topics(Some(Vec::new())), 12)
            .await
            .unwrap();
        assert_eq!(Some(&described.cluster_id), metadata.cluster_id.as_ref());
        let (one, other) = (&described.brokers[0], &metadata.brokers[0]);
        let port = i32::from(caller.edge.address().port());
        assert_eq!((described.brokers.len(), one.port, other.port), (1, port, port));
        seen.push(described.cluster_id);
    }
    assert_ne!(seen[0], seen[1]);
}
