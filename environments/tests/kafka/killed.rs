//! Groups whose members were killed: nobody left them, and they go with their sandbox.

use bytes::BytesMut;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerProtocolSubscription, FindCoordinatorRequest, GroupId, JoinGroupRequest,
    SyncGroupRequest, TopicName,
};
use kafka_protocol::protocol::{Encodable, StrBytes};
use momus_environments::servers::kafka::conversation::Conversation;

use crate::broker::{self, Caller};
use crate::clients::with_topic;

/// For so long the broker would keep a member that says nothing, in milliseconds.
const SESSION: i32 = 30_000;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn group() -> GroupId {
    GroupId(text("billing"))
}

/// A conversation over a sandbox's edge, once its group has a coordinator.
async fn begin(caller: &Caller) -> Conversation {
    let mut conversation = Conversation::open(&caller.edge.address().to_string()).await.unwrap();
    let find = FindCoordinatorRequest::default().with_coordinator_keys(vec![text("billing")]);
    while conversation.ask(&find, 4).await.unwrap().coordinators[0].error_code != 0 {}
    conversation
}

/// Joins a classic group as its only member, and is gone without leaving.
async fn joins_and_dies(caller: &Caller) {
    let mut conversation = begin(caller).await;
    let mut subscription = BytesMut::from(&[0, 0][..]);
    let topics = ConsumerProtocolSubscription::default().with_topics(vec![text("orders.v1")]);
    topics.encode(&mut subscription, 0).unwrap();
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(subscription.freeze());
    let join = JoinGroupRequest::default()
        .with_group_id(group())
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol])
        .with_session_timeout_ms(SESSION)
        .with_rebalance_timeout_ms(SESSION);
    let mut joined = conversation.ask(&join, 6).await.unwrap();
    while joined.error_code != 0 {
        // The broker gives a new member its id first, and may still be loading.
        let again = join.clone().with_member_id(joined.member_id.clone());
        joined = conversation.ask(&again, 6).await.unwrap();
    }
    let sync = SyncGroupRequest::default()
        .with_group_id(group())
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id)
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(text("range")));
    assert_eq!(conversation.ask(&sync, 5).await.unwrap().error_code, 0);
}

/// Joins a group of the consumer protocol, and is gone without leaving.
async fn heartbeats_and_dies(caller: &Caller) {
    let mut conversation = begin(caller).await;
    let join = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group())
        .with_member_id(text("a member"))
        .with_rebalance_timeout_ms(SESSION)
        .with_subscribed_topic_names(Some(vec![TopicName(text("orders.v1"))]))
        .with_topic_partitions(Some(Vec::new()));
    while conversation.ask(&join, 1).await.unwrap().error_code != 0 {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_of_killed_members_are_removed_with_their_sandbox() {
    let server = broker::server().await;
    let (one, other) = (
        with_topic("killed1", "orders.v1").await,
        with_topic("killed2", "orders.v1").await,
    );
    joins_and_dies(&one).await;
    heartbeats_and_dies(&other).await;
    for name in ["killed1", "killed2"] {
        let group = format!("{name}.billing");
        assert!(server.groups().await.unwrap().contains(&group));
        server.delete_groups(&format!("{name}.")).await.unwrap();
        assert!(!server.groups().await.unwrap().contains(&group));
    }
    server.delete_groups("killed").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_join_while_their_group_is_removed_are_removed_too() {
    let server = broker::server().await;
    let caller = with_topic("killed3", "orders.v1").await;
    let joining = tokio::spawn(async move {
        for _ in 0..100 {
            heartbeats_and_dies(&caller).await;
        }
    });
    while !joining.is_finished() {
        server.delete_groups("killed3.").await.unwrap();
    }
    joining.await.unwrap();
    server.delete_groups("killed3.").await.unwrap();
    assert!(!server.groups().await.unwrap().contains(&"killed3.billing".to_owned()));
}
