//! What a client says that knows more than it can know in its sandbox, or that would fit but for the sandbox's prefix.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest, FetchRequest, IncrementalAlterConfigsRequest,
    MetadataRequest, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use momus_environments::servers::kafka::conversation::Conversation;
use uuid::Uuid;

use super::broker::Sandbox;

const UNKNOWN: i16 = ResponseError::UnknownTopicId.code();
/// The longest name of a topic that a broker takes.
const LONGEST: usize = 249;

async fn talk(sandbox: &Sandbox) -> Conversation {
    Conversation::open(&sandbox.address()).await.unwrap()
}

fn named(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

async fn create(client: &mut Conversation, name: &str) -> CreateTopicsResponse {
    let topic = CreatableTopic::default()
        .with_name(named(name))
        .with_num_partitions(1)
        .with_replication_factor(1);
    let request = CreateTopicsRequest::default()
        .with_topics(vec![topic])
        .with_timeout_ms(10_000);
    client.ask(&request, 7).await.unwrap()
}

/// What each API that takes ids of topics answers about one: an error and the id.
async fn answers(client: &mut Conversation, id: Uuid) -> Vec<(i16, Uuid)> {
    let topic = MetadataRequestTopic::default().with_topic_id(id).with_name(None);
    let request = MetadataRequest::default().with_topics(Some(vec![topic]));
    let told = client.ask(&request, 12).await.unwrap().topics.remove(0);
    let mut answers = vec![(told.error_code, told.topic_id)];

    let partition = FetchPartition::default().with_partition_max_bytes(1000);
    let topic = FetchTopic::default().with_topic_id(id).with_partitions(vec![partition]);
    let request = FetchRequest::default().with_topics(vec![topic]).with_max_bytes(1000);
    let told = client.ask(&request, 17).await.unwrap().responses.remove(0);
    answers.push((told.partitions[0].error_code, told.topic_id));

    let topic = TopicProduceData::default()
        .with_topic_id(id)
        .with_partition_data(vec![PartitionProduceData::default()]);
    let request = ProduceRequest::default()
        .with_acks(1)
        .with_timeout_ms(1000)
        .with_topic_data(vec![topic]);
    let told = client.ask(&request, 13).await.unwrap().responses.remove(0);
    answers.push((told.partition_responses[0].error_code, told.topic_id));

    let topic = DeleteTopicState::default().with_topic_id(id).with_name(None);
    let request = DeleteTopicsRequest::default()
        .with_topics(vec![topic])
        .with_timeout_ms(10_000);
    let told = client.ask(&request, 6).await.unwrap().responses.remove(0);
    answers.push((told.error_code, told.topic_id));
    answers
}

#[tokio::test]
async fn a_topic_id_of_another_sandbox_is_unknown() {
    let (one, other) = (Sandbox::new(None).await, Sandbox::new(None).await);
    let (mut own, mut stranger) = (talk(&one).await, talk(&other).await);
    let id = create(&mut own, "orders").await.topics[0].topic_id;
    let unknown = [(UNKNOWN, id); 4];
    assert_eq!(answers(&mut stranger, id).await, unknown);
    // A topic of the same name does not make it the stranger's.
    create(&mut stranger, "orders").await;
    assert_eq!(answers(&mut stranger, id).await, unknown);
    let own = answers(&mut own, id).await;
    assert!(
        own.iter().all(|(error, told)| *error != UNKNOWN && *told == id),
        "{own:?}"
    );
    assert_eq!(own[3].0, 0, "it was there to be removed");
}

#[tokio::test]
async fn a_name_that_is_too_long_by_the_prefix_is_no_name() {
    let sandbox = Sandbox::new(None).await;
    let mut client = talk(&sandbox).await;
    let room = LONGEST - sandbox.prefix.len();
    let told = create(&mut client, &"x".repeat(room)).await;
    assert_eq!(told.topics[0].error_code, 0, "{told:?}");
    let name = "y".repeat(room + 1);
    let told = create(&mut client, &name).await.topics.remove(0);
    assert_eq!(told.error_code, ResponseError::InvalidTopicException.code());
    assert_eq!(told.name.as_str(), name);
    let message = told.error_message.unwrap();
    let wanted = format!("the length of '{name}' is longer than the max allowed length {room}");
    assert!(message.ends_with(&wanted), "{message}");
    let topic = MetadataRequestTopic::default().with_name(Some(named(&name)));
    let request = MetadataRequest::default().with_topics(Some(vec![topic]));
    let told = client.ask(&request, 12).await.unwrap().topics.remove(0);
    assert_eq!(told.error_code, ResponseError::InvalidTopicException.code());
    assert_eq!(told.name.unwrap().as_str(), name);
}

#[tokio::test]
async fn a_brokers_configuration_is_no_sandboxs_to_change() {
    let sandbox = Sandbox::new(None).await;
    let mut client = talk(&sandbox).await;
    create(&mut client, "orders").await;
    let resource = |kind: i8, name: &'static str, key: &'static str, operation: i8, value: &'static str| {
        let config = AlterableConfig::default()
            .with_name(StrBytes::from_static_str(key))
            .with_config_operation(operation)
            .with_value((operation == 0).then(|| StrBytes::from_static_str(value)));
        AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(StrBytes::from_static_str(name))
            .with_configs(vec![config])
    };
    let resources = vec![
        resource(4, "1", "log.cleaner.threads", 0, "2"),
        resource(2, "orders", "retention.ms", 0, "1000"),
        resource(4, "", "log.cleaner.threads", 0, "2"),
        resource(16, "m", "interval.ms", 0, "1000"),
        resource(4, "2", "leader.replication.throttled.rate", 1, ""),
    ];
    let request = IncrementalAlterConfigsRequest::default().with_resources(resources);
    let told = client.ask(&request, 1).await.unwrap().responses;
    let mut told: Vec<_> = told
        .iter()
        .map(|each| (each.resource_type, each.resource_name.as_str(), each.error_code))
        .collect();
    told.sort_unstable();
    let refused = ResponseError::PolicyViolation.code();
    let wanted = [
        (2, "orders", 0),
        (4, "", refused),
        (4, "1", refused),
        (4, "2", 0),
        (16, "m", refused),
    ];
    assert_eq!(told, wanted);
}
