//! The consumer group protocol of KIP-848: ConsumerGroupHeartbeat, ConsumerGroupDescribe.

use kafka_protocol::messages::consumer_group_describe_response::DescribedGroup;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
};

use super::api::Api;
use super::assigned::Topic;
use super::record::{first_error, list};
use super::scope::Scope;

impl Api for ConsumerGroupHeartbeatRequest {
    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put(&mut self.group_id);
        scope.names().put_all(self.subscribed_topic_names.iter_mut().flatten());
        scope.names().put_into_regex(&mut self.subscribed_topic_regex);
    }

    fn to_client(&self, answer: &mut ConsumerGroupHeartbeatResponse, scope: &Scope) {
        scope
            .names()
            .restore_regex(&mut answer.error_message, &self.subscribed_topic_regex);
        scope.names().take_from_text(&mut answer.error_message);
        // Version 0 has the broker make the id of a new member.
        let member = answer.member_id.as_deref().unwrap_or(&self.member_id);
        scope.seen(|seen| {
            if answer.error_code != 0 || self.member_epoch < 0 {
                seen.members.leave(&self.group_id, member);
            } else if let Some(assignment) = &answer.assignment {
                let assigned = assignment.topic_partitions.iter().flat_map(|topic| {
                    let partitions = topic.partitions.iter();
                    partitions.map(|partition| (Topic::Id(topic.topic_id), *partition))
                });
                seen.members.assign(&self.group_id, member, assigned.collect());
            }
        });
        scope.members_changed();
    }

    fn asked(&self, scope: &Scope) {
        if self.member_epoch == 0 && !scope.is_own() {
            scope.progress().joins(scope.caller(), &self.group_id);
        }
    }

    /// A member has joined when it has partitions; when its second answer brings none either, the others keep them.
    fn answered(&self, answer: &ConsumerGroupHeartbeatResponse, scope: &Scope) -> Option<String> {
        let assignment = answer.assignment.iter();
        let has_partitions = assignment.flat_map(|each| &each.topic_partitions).next().is_some();
        if answer.error_code != 0 || self.member_epoch != 0 || has_partitions {
            scope.progress().joined(scope.caller(), &self.group_id);
        }
        None
    }

    fn error(answer: &ConsumerGroupHeartbeatResponse) -> i16 {
        answer.error_code
    }

    fn about(&self, _: &Scope) -> String {
        let group = self.group_id.as_str();
        match self.member_epoch {
            0 => format!("group {group}, joined"),
            ..0 => format!("group {group}, left"),
            _ => format!("group {group}"),
        }
    }

    /// A member joins with epoch 0 and leaves with -1 (a static one with -2).
    fn has_effect(&self) -> bool {
        self.member_epoch <= 0
    }
}

impl Api for ConsumerGroupDescribeRequest {
    const REFUSED: Option<fn(&Self, i16) -> ConsumerGroupDescribeResponse> = Some(|asked, error| {
        let groups = asked.group_ids.iter().map(|group| {
            DescribedGroup::default()
                .with_group_id(group.clone())
                .with_error_code(error)
        });
        ConsumerGroupDescribeResponse::default().with_groups(groups.collect())
    });

    fn to_broker(&mut self, scope: &Scope) {
        scope.names().put_all(&mut self.group_ids);
    }

    fn to_client(&self, answer: &mut ConsumerGroupDescribeResponse, scope: &Scope) {
        for group in &mut answer.groups {
            scope.take(&mut group.group_id);
            scope.names().take_from_text(&mut group.error_message);
            for member in &mut group.members {
                for topic in &mut member.subscribed_topic_names {
                    scope.take(topic);
                }
                scope.names().take_from_regex(&mut member.subscribed_topic_regex);
                for assignment in [&mut member.assignment, &mut member.target_assignment] {
                    for topic in &mut assignment.topic_partitions {
                        scope.take(&mut topic.topic_name);
                        scope.seen(|seen| seen.members.name(topic.topic_id, &topic.topic_name));
                    }
                }
            }
        }
    }

    fn error(answer: &ConsumerGroupDescribeResponse) -> i16 {
        first_error(answer.groups.iter().map(|group| group.error_code))
    }

    fn about(&self, _: &Scope) -> String {
        format!("group {}", list(self.group_ids.iter().map(|group| group.as_str())))
    }
}
