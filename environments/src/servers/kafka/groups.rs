//! The groups on a broker: listed, and removed whether or not somebody killed is still a member.

use std::io;
use std::time::Duration;

use futures::future::try_join_all;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, DeleteGroupsRequest, DescribeGroupsRequest,
    FindCoordinatorRequest, GroupId, LeaveGroupRequest, ListGroupsRequest,
};

use kafka_protocol::protocol::StrBytes;
use tokio::time::{Instant, interval};

use super::conversation::{Conversation, named};
use super::{KafkaServer, Node, refused};
use crate::servers::ServerError;

/// How long a broker may take to load what it knows of groups.
const LOADING_LIMIT: Duration = Duration::from_secs(10);
/// How long groups may go on getting new members.
const MEMBERS_LIMIT: Duration = Duration::from_secs(5);
/// What the broker calls the type of a group whose members speak the protocol of KIP-848.
const CONSUMER: &str = "consumer";
/// With this epoch a member of such a group leaves it for good.
const LEAVE: i32 = -1;

/// What keeps a group from being removed and is over soon: a member, and the move of groups to another node.
const PASSES: [ResponseError; 4] = [
    ResponseError::NonEmptyGroup,
    ResponseError::NotCoordinator,
    ResponseError::CoordinatorLoadInProgress,
    ResponseError::CoordinatorNotAvailable,
];

/// A group, as the broker lists it.
struct Listed {
    id: GroupId,
    is_classic: bool,
}

impl KafkaServer {
    /// Has the broker make ready for its first group, which would otherwise wait for that.
    pub(super) fn prepare_groups(&self) {
        let (address, credential) = (self.address(), self.credential.clone());
        tokio::spawn(async move {
            let request =
                FindCoordinatorRequest::default().with_coordinator_keys(vec![StrBytes::from_static_str("momus")]);
            // Whoever comes first finds it so or waits: nothing is lost when it fails.
            if let Ok(mut broker) = Conversation::open_as(&credential, &address).await {
                drop(broker.ask(&request, 4).await);
            }
        });
    }

    /// The names of all groups.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    pub async fn groups(&self) -> Result<Vec<String>, ServerError> {
        let listed = self
            .nodes()
            .map(|node| async move { list(&mut self.converse_with(node).await?).await });
        let listed = try_join_all(listed).await;
        let listed = listed.map_err(|error| refused("list its groups", &error))?;
        Ok(listed.into_iter().flatten().map(|group| group.id.to_string()).collect())
    }

    /// Removes the groups whose names begin so, with their offsets. Members leave first: one that was killed would be one of its group
    /// until its session timeout, and a group that has members cannot be removed. What a killed one had still asked for may make it a
    /// member once more, which leaves too.
    ///
    /// # Errors
    /// When the broker cannot be asked, or groups go on getting new members.
    pub async fn delete_groups(&self, prefix: &str) -> Result<(), ServerError> {
        let deleted = self.nodes().map(|node| self.delete_groups_of(node, prefix));
        let deleted = try_join_all(deleted).await.map(drop);
        deleted.map_err(|error| refused("remove groups", &error))
    }

    /// Those that the node coordinates: it lists these, and no other removes them.
    async fn delete_groups_of(&self, node: &Node, prefix: &str) -> io::Result<()> {
        let mut broker = self.converse_with(node).await?;
        let (until, mut looks) = (Instant::now() + MEMBERS_LIMIT, interval(Duration::from_millis(10)));
        loop {
            looks.tick().await;
            match delete(&mut broker, prefix).await? {
                None => return Ok(()),
                Some((_, error)) if PASSES.contains(&error) && Instant::now() < until => {}
                Some((group, error)) => {
                    return Err(io::Error::other(format!("group {}: {}", group.0, named(error.code()))));
                }
            }
        }
    }
}

/// Has all members leave the groups whose names begin so, removes these, and tells the first that is not removed, and why.
async fn delete(broker: &mut Conversation, prefix: &str) -> io::Result<Option<(GroupId, ResponseError)>> {
    let mut groups = list(broker).await?;
    groups.retain(|group| group.id.starts_with(prefix));
    if groups.is_empty() {
        return Ok(None);
    }
    empty_classic(broker, &groups).await?;
    empty_consumer(broker, &groups).await?;
    let names = groups.into_iter().map(|group| group.id).collect();
    let request = DeleteGroupsRequest::default().with_groups_names(names);
    let results = broker.ask(&request, 2).await?.results.into_iter();
    let mut failed = results.filter_map(|group| {
        let error = ResponseError::try_from_code(group.error_code)?;
        // A classic group that has no offsets is gone with its last member.
        (error != ResponseError::GroupIdNotFound).then_some((group.group_id, error))
    });
    Ok(failed.next())
}

async fn list(broker: &mut Conversation) -> io::Result<Vec<Listed>> {
    let loading = [
        ResponseError::CoordinatorLoadInProgress,
        ResponseError::CoordinatorNotAvailable,
    ];
    let (until, mut looks) = (Instant::now() + LOADING_LIMIT, interval(Duration::from_millis(10)));
    let answer = loop {
        looks.tick().await;
        let answer = broker.ask(&ListGroupsRequest::default(), 5).await?;
        if answer.error_code == 0 {
            break answer;
        }
        // The first group of a broker makes it load what it knows of groups.
        if !loading.iter().any(|error| error.code() == answer.error_code) || Instant::now() > until {
            return Err(io::Error::other(named(answer.error_code)));
        }
    };
    let groups = answer.groups.into_iter().map(|group| Listed {
        is_classic: !group.group_type.eq_ignore_ascii_case(CONSUMER),
        id: group.group_id,
    });
    Ok(groups.collect())
}

fn ids(groups: &[Listed], classic: bool) -> Vec<GroupId> {
    let groups = groups.iter().filter(|group| group.is_classic == classic);
    groups.map(|group| group.id.clone()).collect()
}

async fn empty_classic(broker: &mut Conversation, groups: &[Listed]) -> io::Result<()> {
    let request = DescribeGroupsRequest::default().with_groups(ids(groups, true));
    if request.groups.is_empty() {
        return Ok(());
    }
    for group in broker.ask(&request, 6).await?.groups {
        let members = group.members.into_iter();
        let members: Vec<_> = members
            .map(|member| {
                MemberIdentity::default()
                    .with_member_id(member.member_id)
                    .with_group_instance_id(member.group_instance_id)
            })
            .collect();
        if !members.is_empty() {
            let leave = LeaveGroupRequest::default()
                .with_group_id(group.group_id)
                .with_members(members);
            broker.ask(&leave, 5).await?;
        }
    }
    Ok(())
}

async fn empty_consumer(broker: &mut Conversation, groups: &[Listed]) -> io::Result<()> {
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(ids(groups, false));
    if request.group_ids.is_empty() {
        return Ok(());
    }
    for group in broker.ask(&request, 1).await?.groups {
        for member in group.members {
            let leave = ConsumerGroupHeartbeatRequest::default()
                .with_group_id(group.group_id.clone())
                .with_member_id(member.member_id)
                .with_instance_id(member.instance_id)
                .with_member_epoch(LEAVE)
                .with_topic_partitions(None)
                .with_subscribed_topic_names(None);
            broker.ask(&leave, 1).await?;
        }
    }
    Ok(())
}
